"""The embedded local stack: the four backends and schema ids, without containers."""
