"""One package per processor (topic to topic)."""
