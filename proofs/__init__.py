"""What we claim, runnable."""
