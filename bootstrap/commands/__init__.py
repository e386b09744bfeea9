"""One module per group of `mg` commands."""
