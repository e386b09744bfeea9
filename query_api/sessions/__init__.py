"""Sessions of one person: the history that devices show, and the look-ups of the playback service."""
