"""title_search: which titles does a text mean, by words and by sense, among those that fit the filters?

Fed by `titles` and `title-embeddings`, which may arrive in any order relative to each other. A replay costs one
retrieval and one upsert a title and changes nothing.
"""

# ruff: noqa: PLC0415 - Qdrant's client is 100 MB that only the process that runs this unit should pay for
from runtime.settings import Settings
from streams.engine.spec import MaterializerSpec, Store, StoreContext, Versions
from streams.materializers.title_search.transform import transform


def _store(context: StoreContext) -> Store:
    from streams.materializers.title_search.store import create

    return create(context)


def _versions(settings: Settings) -> Versions:
    from streams.materializers.title_search.versions import QdrantVersions

    return QdrantVersions(settings)


SPEC = MaterializerSpec(
    name="title_search",
    transform=transform,
    store=_store,
    versions=_versions,
    linger_seconds=0.2,
    store_kind="qdrant",
    description="One point a title: dense and BM25 vectors, filters and what a hit shows",
    max_batch=500,
)
