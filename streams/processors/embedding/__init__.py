"""embedding: titles → title-embeddings. What does a title's text mean, as a vector?

Needs the order of one title's events (the key of `titles`). A replay costs one look-up a title and no embedding,
because the hash of every embedded text is remembered in PostgreSQL.
"""

from streams.engine.spec import ProcessorSpec
from streams.processors.embedding.lookup import create

SPEC = ProcessorSpec(name="embedding", lookup=create, max_batch=64, description="A vector for every title's text")
