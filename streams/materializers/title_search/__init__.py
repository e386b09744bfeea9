"""title_search: which titles does a text mean, by words and by sense, among those that fit the filters?

Fed by `titles` and `title-embeddings`, which may arrive in any order relative to each other. A replay costs one
retrieval and one upsert a title and changes nothing.
"""

from streams.engine.spec import MaterializerSpec
from streams.materializers.title_search.store import create
from streams.materializers.title_search.transform import transform
from streams.materializers.title_search.versions import QdrantVersions

SPEC = MaterializerSpec(
    name="title_search",
    transform=transform,
    store=create,
    versions=QdrantVersions,
    linger_seconds=0.2,
    store_kind="qdrant",
    description="One point a title: dense and BM25 vectors, filters and what a hit shows",
    max_batch=500,
)
