"""The read edge: read models become HTTP answers."""
