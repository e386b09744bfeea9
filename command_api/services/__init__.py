"""One package per service of the write edge."""
