"""Qdrant's own engine behind the part of Qdrant's REST API that `qdrant-client` 1.20 calls.

    python -m devstack.qdrant --path DIR --host 127.0.0.1 --port 6333

Ready when `GET /readyz` answers 200; SIGTERM flushes and closes. Our code knows only a URL and the official client.

**Durability.** Every operation is in the engine's memory-mapped write-ahead log before it is answered, so it survives
SIGKILL of this process; a flush every few seconds only keeps the log, and so the replay at start, short. Power loss may
cost the last unflushed seconds: this is a stack for development and tests.

**What the engine would not survive** is refused before it reaches the engine, because the engine logs first and applies
second, so that an operation that panics would panic again at each start: sparse vectors whose indices and values differ
in length, ragged multi-vectors, and JSON nested deeper than `wire.MAX_DEPTH`.

On a nearly full disk writes are answered 500 (`front.LEAST_FREE_BYTES`): in the engine's mapped files no space left
is a SIGBUS.

**No index building.** A scan of 20,000 x 384 takes about 2 ms, `optimize()` of 100,000 takes minutes of both cores: the
front never optimises, so answers are always exact. Quantization and HNSW settings are stored and shown, without effect.
With one segment a facet is right without `exact` too, and ten times faster (0.7 instead of 15 ms over 10,000 points).

**Not there**, answered 501 in Qdrant's error form: formula, relevance feedback and text-score queries, slice
conditions, inference objects (documents, images), recommendation from averaged sparse or multi vectors, IDF over
another corpus, stemmers, stop words and scoring of text indexes. The type of a new payload index is not inferred (400).
Snapshots, clusters, sharding keys and named-vector creation have no route (404).
"""
