"""One package per materializer (topic to store)."""
