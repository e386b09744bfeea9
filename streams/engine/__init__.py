"""The two loops every processor and materializer runs in."""
