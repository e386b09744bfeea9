"""HTTP routes. Each parses with the client's models, calls the engine in a thread and answers in Qdrant's envelope."""
