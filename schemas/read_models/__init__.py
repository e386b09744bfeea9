"""Names and shapes that one writer and many readers share."""
