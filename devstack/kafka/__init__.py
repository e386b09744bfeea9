"""The local Kafka broker: its jars (`pom.xml`), its logging, and how it is started (`server.py`)."""
