"""A small catalog in real stores, and discovery over it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from query_api.services.discovery import SPEC
from runtime.connections import qdrant
from runtime.http.app import build_app
from runtime.settings import EmbeddingSettings, Settings
from schemas.types import AnyEvent
from schemas.types.catalog import ExternalId, Offer, Person
from streams.engine.spec import Advance, MaterializerSpec, StoreContext
from streams.materializers import availability, title_catalog, title_search
from tests.support.backends import Backends
from tests.support.embeddings import DIMENSION, MODEL, embedded
from tests.support.migrated import migrated, settings
from tests.support.titles import POSITION, changed, merged, retired

__all__ = ["migrated", "settings"]

CATALOG: list[AnyEvent] = [
    changed("heat", name="Heat", year=1995, genres=("crime", "drama"), popularity=0.9,
            people=(Person(name="Ana Bell", role="director"),),
            offers=(Offer(provider="netflix", region="US", type="subscription"),
                    Offer(provider="hulu", region="DE", type="rent", quality="hd", price="3.99", currency="EUR"))),
    changed("remake", name="HEAT", year=2020, genres=("drama",), popularity=0.2, offers=()),
    changed("german", name="Feuer", original_name="Heat", year=1999, genres=("drama",), popularity=1.0, offers=()),
    changed("wave", name="Heatwave", year=2011, genres=("comedy",), kind="series", offers=()),
    changed("pilot", name="The Harbour Pilot", year=1987, overview="A pilot fights the heat of a long summer.",
            offers=(Offer(provider="hulu", region="US", type="ads"),)),
    changed("war", name="Wär & Peace", year=1966, external_ids=(ExternalId(source="imdb", value="tt0000066"),)),
    changed("gone", name="Heat gone"),
    retired("gone", 2),
    changed("twin", name="Heat twin"),
    merged("twin", 2, "heat"),
    embedded("heat", 1, (1.0, 0.0, 0.0, 0.0)),
    embedded("remake", 1, (0.9, 0.435889894, 0.0, 0.0)),
    embedded("pilot", 1, (0.0, 1.0, 0.0, 0.0)),
    embedded("gone", 1, (1.0, 0.0, 0.0, 0.0)),
    embedded("nobody", 1, (1.0, 0.0, 0.0, 0.0)),
]  # fmt: skip


def fill(spec: MaterializerSpec, settings: Settings, events: list[AnyEvent]) -> None:
    """Each topic's events advance its partition 0 by their number."""
    store = spec.store(StoreContext(settings, spec.name))
    topics = ("titles", "title-embeddings")
    at = store.positions([(topic, 0) for topic in topics])
    for topic in topics:
        mine = [event for event in events if (type(event).__name__ == "TitleEmbedded") == (topic == "title-embeddings")]
        if mine and topic in spec.inputs:
            start = at.get((topic, 0), 0)
            writes = [write for event in mine for write in spec.transform(event, POSITION)]
            store.apply(writes, [Advance(topic, 0, start, start + len(mine))])
    store.close()


@pytest.fixture
def catalog(settings: Settings, backends: Backends, tmp_path: Path) -> Settings:
    """No embedding model is there: `tmp_path` is empty."""
    embedding = EmbeddingSettings(model=MODEL, dimension=DIMENSION, model_path=tmp_path)
    ready = msgspec.structs.replace(
        settings, qdrant_url=backends.qdrant_url, embedding=embedding, query_wait_seconds=0.2
    )
    client = qdrant.connect(backends.qdrant_url)
    if not client.collection_exists("title_search"):
        for spec in (title_catalog.SPEC, availability.SPEC, title_search.SPEC):
            fill(spec, ready, CATALOG)
    client.close()
    return ready


@pytest.fixture(scope="module", autouse=True)
def no_collection(backends: Backends) -> Any:
    """The engine is shared by all modules: this one starts and ends without the collection."""
    client = qdrant.connect(backends.qdrant_url)
    for each in client.get_collections().collections:
        if each.name.startswith("title_search_v"):
            client.delete_collection(each.name)
    yield
    client.delete_collection("title_search_v1")
    client.close()


@pytest.fixture
async def client(catalog: Settings) -> AsyncIterator[AsyncTestClient[Litestar]]:
    async with AsyncTestClient(build_app("discovery", [SPEC], catalog), raise_server_exceptions=False) as found:
        yield found
