"""The pipeline: events become events, events become read models."""
