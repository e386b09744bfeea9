"""Schema of the stores, and the runner that applies it."""
