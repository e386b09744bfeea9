"""One package per service of the read edge."""
