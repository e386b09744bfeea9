"""title_search on a real engine: any order and repetition gives the same points; owners are fenced; it heals itself."""

import random
import secrets
from collections.abc import Iterator
from typing import Any

import msgspec
import psycopg
import pytest

from runtime.connections import qdrant
from runtime.settings import EmbeddingSettings, Settings
from schemas.read_models.title_search import ALIAS, DENSE, SPARSE, collection, point_id
from schemas.types import AnyEvent
from streams.engine.outcome import Fenced, TransientError
from streams.engine.spec import Advance, Store, StoreContext
from streams.materializers.title_search import SPEC
from tests.support.backends import Backends, PostgresDatabase
from tests.support.embeddings import DIMENSION, MODEL, embedded
from tests.support.titles import POSITION, changed, merged, retired

PARTITIONS = [("titles", 0), ("title-embeddings", 0)]


@pytest.fixture
def searching(settings: Settings, backends: Backends, migrated: PostgresDatabase) -> Iterator[Settings]:
    """A version of its own for each test, so that tests can share one engine."""
    version = secrets.randbelow(1_000_000) + 10
    with psycopg.connect(migrated.dsn) as connection:
        connection.execute("UPDATE read_model_versions SET version = %s WHERE read_model = 'title_search'", (version,))
    yield msgspec.structs.replace(
        settings, qdrant_url=backends.qdrant_url, embedding=EmbeddingSettings(model=MODEL, dimension=DIMENSION)
    )
    client = qdrant.connect(backends.qdrant_url)
    for each in client.get_collections().collections:
        if each.name.startswith("title_search_v"):
            client.delete_collection(each.name)
    client.close()


def opened(settings: Settings) -> Store:
    store = SPEC.store(StoreContext(settings, "title_search"))
    assert store.positions(PARTITIONS) == {}
    return store


def feed(store: Store, events: list[AnyEvent], at: int = 0) -> None:
    writes = [write for event in events for write in SPEC.transform(event, POSITION)]
    store.apply(writes, [Advance("titles", 0, at, at + 1)])


def points(settings: Settings) -> dict[str, tuple[Any, Any]]:
    client = qdrant.connect(settings.qdrant_url)
    found, _ = client.scroll(ALIAS, limit=1000, with_payload=True, with_vectors=True)
    client.close()
    return {str(point.id): (point.payload, point.vector) for point in found}


STORY: list[AnyEvent] = [
    changed("1", 1, name="Heat"),
    embedded("1", 1, (0.6, 0.8, 0.0, 0.0)),
    changed("1", 2, name="Heat 2"),
    embedded("2", 1, (0.0, 1.0, 0.0, 0.0)),
    changed("2", 1),
    changed("3", 1),
    embedded("3", 1),
    merged("3", 2, "1"),
    changed("4", 1),
    retired("4", 2),
    embedded("5", 1),
]


def test_points_have_both_vectors_and_the_newest_parts(searching: Settings) -> None:
    store = opened(searching)
    for i, event in enumerate(STORY):
        feed(store, [event], i)
    found = points(searching)
    payload, vectors = found[point_id("1")]
    assert (payload["version"], payload["embedding_version"], payload["name_key"]) == (2, 1, "heat 2")
    assert vectors[DENSE] == pytest.approx([0.6, 0.8, 0.0, 0.0])
    assert vectors[SPARSE].indices
    assert not found[point_id("3")][1]
    assert found[point_id("3")][0] == {"title_id": "3", "version": 2, "state": "merged"}
    assert {payload["title_id"] for payload, _ in found.values() if payload.get("live")} == {"1", "2"}
    store.close()


@pytest.mark.parametrize("seed", range(4))
def test_any_order_gives_the_same_points(searching: Settings, seed: int) -> None:
    store = opened(searching)
    feed(store, STORY)
    expected = points(searching)
    chance = random.Random(seed)
    client = qdrant.connect(searching.qdrant_url)
    name = client.get_aliases().aliases[0].collection_name
    client.delete_collection(name)
    client.close()
    with pytest.raises((Fenced, TransientError)):
        feed(store, STORY, 1)
    assert store.positions(PARTITIONS) == {}, "without its points a position means nothing"
    shuffled = [*STORY, *STORY]
    chance.shuffle(shuffled)
    for i in range(0, len(shuffled), 3):
        feed(store, shuffled[i : i + 3], i // 3)
    assert points(searching) == expected
    store.close()


def test_two_owners_are_never_both_right(searching: Settings) -> None:
    one, other = opened(searching), opened(searching)
    feed(one, [changed("1", 1)])
    with pytest.raises(Fenced):
        feed(other, [changed("1", 1)])
    assert other.positions(PARTITIONS) == {("titles", 0): 1}
    feed(other, [changed("1", 2)], 1)
    with pytest.raises(Fenced):
        feed(one, [changed("1", 2)], 1)
    for store in (one, other):
        store.close()


def test_an_engine_that_is_away_is_transient_and_moves_nothing(searching: Settings) -> None:
    opened(searching).close()
    away = SPEC.store(StoreContext(msgspec.structs.replace(searching, qdrant_url="http://127.0.0.1:1"), "title_search"))
    with pytest.raises(TransientError):
        away.positions(PARTITIONS)
    away.close()


def test_a_write_that_fails_moves_no_position(searching: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    store = opened(searching)

    def fail(*_: object, **__: object) -> None:
        raise qdrant.Error("gone")

    with monkeypatch.context() as patch:
        patch.setattr(qdrant.Client, "upsert", fail)
        with pytest.raises(TransientError):
            feed(store, [changed("1", 1)])
    assert store.positions(PARTITIONS) == {}
    feed(store, [changed("1", 1)])
    assert store.positions(PARTITIONS) == {("titles", 0): 1}
    store.close()


def test_vectors_of_another_model_are_left_out(searching: Settings) -> None:
    store = opened(searching)
    feed(store, [changed("1", 1), embedded("1", 1, model="another"), embedded("1", 2, vector=(1.0,) * 8)])
    payload, vectors = points(searching)[point_id("1")]
    assert payload["live"]
    assert DENSE not in vectors
    store.close()


def test_a_rebuild_switches_the_alias_and_fences_the_live_writer(searching: Settings) -> None:
    live = opened(searching)
    feed(live, [changed("1", 1)])
    versions = SPEC.versions(searching)
    old = versions.serving()
    versions.create(old + 1)
    rebuilding = SPEC.store(StoreContext(searching, "title_search", old + 1))
    assert rebuilding.positions(PARTITIONS) == {}
    feed(rebuilding, [changed("1", 1), changed("2", 1)])
    assert set(points(searching)) == {point_id("1")}
    asked: list[int] = []

    def complete() -> bool:
        asked.append(len(points(searching)))
        return len(asked) > 1

    versions.switch(old + 1, complete)
    assert asked == [1, 1], "it does not serve before it is complete"
    assert set(points(searching)) == {point_id("1"), point_id("2")}
    with pytest.raises(Fenced):
        feed(live, [changed("3", 1)], 1)
    assert live.positions(PARTITIONS) == {("titles", 0): 1}
    feed(live, [changed("3", 1)], 1)
    assert len(points(searching)) == 3
    versions.drop(old)
    client = qdrant.connect(searching.qdrant_url)
    assert not client.collection_exists(collection(old))
    client.close()
    live.close()
    rebuilding.close()
