"""Speed and freshness, measured from outside."""
