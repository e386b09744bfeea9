"""The contract: Avro records, topics, read-model shapes and the codec. Imports nothing of ours."""
