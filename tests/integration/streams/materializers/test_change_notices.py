"""What live listeners are told: after the commit, as the table has it, without a gap, nothing that did not happen."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import psycopg
import pytest
from redis import Redis

from runtime.settings import Settings
from schemas.read_models import notices
from schemas.read_models.notices import MOST_ROWS, LiveRow, Moved, Notice
from schemas.read_models.watch_state import WatchStateRow
from schemas.read_models.watchlist import WatchlistRow
from streams.engine.outcome import Fenced
from streams.engine.spec import Advance, MaterializerSpec, Store, StoreContext
from streams.materializers import availability, watch_state, watchlist
from sync_laws.watchlist import Item
from tests.support.backends import Backends, PostgresDatabase
from tests.support.migrated import rows
from tests.support.titles import changed
from tests.support.viewing import added, marked, moved, played, removed, writes_of

pytestmark = pytest.mark.backends
WATCH, LIST = watch_state.SPEC, watchlist.SPEC
BOTH = pytest.mark.parametrize("spec", [WATCH, LIST], ids=lambda spec: str(spec.name))
Told = list[tuple[Notice, tuple[LiveRow, ...]]]


@pytest.fixture
def live(settings: Settings, backends: Backends, topic_prefix: str) -> Settings:
    """With a real Redis; the prefix keeps tests apart."""
    return msgspec.structs.replace(settings, redis_url=backends.redis_url, topic_prefix=topic_prefix)


@pytest.fixture(autouse=True)
def empty(migrated: PostgresDatabase) -> None:
    with psycopg.connect(migrated.dsn) as connection:
        for table in ("watch_state_v1", "watchlist_v1", "consumer_positions"):
            connection.execute(f"DELETE FROM {table}".encode())


class Listener:
    """Hears every notice of every read model."""

    def __init__(self, settings: Settings) -> None:
        client: Any = Redis.from_url(settings.redis_url)  # whose pubsub has no types
        self._client = client
        self._pubsub = client.pubsub()
        self._pubsub.psubscribe(f"{settings.topic_prefix}mg:notices:*")
        self._end = f"{settings.topic_prefix}mg:notices:end"
        assert self._pubsub.get_message(timeout=30) is not None  # subscribed

    def told(self) -> Told:
        """Since the last call. Redis keeps the order, so what we publish now comes after it."""
        self._client.publish(self._end, b"")
        found: Told = []
        while True:
            message = self._pubsub.get_message(timeout=30)
            assert message is not None
            if message["channel"].decode() == self._end:
                return found
            notice, told = notices.decode(message["data"])
            assert message["channel"].decode().endswith(notices.channel(notice.read_model))
            found.append((notice, told))

    def close(self) -> None:
        self._pubsub.close()
        self._client.close()


@pytest.fixture
def listener(live: Settings) -> Iterator[Listener]:
    listening = Listener(live)
    yield listening
    listening.close()


def opened(spec: MaterializerSpec, settings: Settings, version: int | None = None) -> Store:
    store = spec.store(StoreContext(settings, spec.name, version))
    store.positions([])
    return store


def some(spec: MaterializerSpec, users: int = 3, hlc: int = 10) -> list[Any]:
    names = [f"u{number:05}" for number in range(users)]
    if spec is LIST:
        return writes_of(LIST.transform, [added(f"tag-{name}-{hlc}", user_id=name, hlc=hlc) for name in names])
    return writes_of(WATCH.transform, [played(user_id=name, hlc=hlc) for name in names])


def in_table(dsn: str, spec: MaterializerSpec) -> list[LiveRow]:
    if spec is WATCH:
        fields = ", ".join(WatchStateRow.__struct_fields__)
        query = f"SELECT {fields} FROM watch_state ORDER BY user_id, title_id"
        return [
            WatchStateRow(**dict(zip(WatchStateRow.__struct_fields__, row, strict=True)))  # type: ignore[arg-type]
            for row in rows(dsn, query)
        ]
    columns = "user_id, title_id, document, present, rank, event_at, revision"
    return [_list_row(row) for row in rows(dsn, f"SELECT {columns} FROM watchlist ORDER BY user_id, title_id")]


def _list_row(row: Sequence[Any]) -> LiveRow:
    user_id, title_id, document, present, rank, event_at, revision = row
    item = msgspec.msgpack.decode(document, type=Item)
    assert (item.present, item.rank) == (present, rank)
    return WatchlistRow(
        user_id=user_id, title_id=title_id, present=present, rank=rank, rank_hlc=item.rank_hlc,
        rank_device=item.rank_device, added=item.added, removed=item.removed, event_at=event_at, revision=revision,
    )  # fmt: skip


@BOTH
def test_a_batch_is_told_with_the_rows_as_the_table_has_them(
    migrated: PostgresDatabase, live: Settings, listener: Listener, spec: MaterializerSpec
) -> None:
    store, topic = opened(spec, live), spec.inputs[0]
    store.apply(some(spec), [Advance(topic, 0, 0, 3)])
    ((notice, told),) = listener.told()
    assert (notice.read_model, notice.moved) == (spec.name, (Moved(topic, 0, 0, 3),))
    assert list(told) == in_table(migrated.dsn, spec)
    more = writes_of(LIST.transform, [removed("tag-u00001-10", user_id="u00001"), moved(user_id="u00002", hlc=20)])
    if spec is WATCH:
        more = writes_of(WATCH.transform, [marked(user_id="u00001"), marked(user_id="u00002", watched=False)])
    store.apply([*some(spec), *more], [Advance(topic, 0, 3, 6), Advance(topic, 1, 0, 2)])
    ((notice, told),) = listener.told()
    assert notice.moved == (Moved(topic, 0, 3, 6), Moved(topic, 1, 0, 2))
    assert list(told) == in_table(migrated.dsn, spec)[1:]
    store.close()


@BOTH
def test_stretches_join_over_batches_that_change_nothing_or_hold_nothing(
    live: Settings, listener: Listener, spec: MaterializerSpec
) -> None:
    store, topic = opened(spec, live), spec.inputs[0]
    for next_, writes in enumerate((some(spec), some(spec), [], some(spec, hlc=11)), start=1):
        store.apply(writes, [Advance(topic, 0, next_ - 1, next_)])
    told = listener.told()
    assert [notice.moved for notice, _ in told] == [(Moved(topic, 0, n, n + 1),) for n in range(4)]
    assert [len(changed_rows) for _, changed_rows in told] == [3, 0, 0, 3]
    assert all(notice.rows is not None for notice, _ in told)
    store.close()


@BOTH
def test_too_many_rows_are_told_as_none(live: Settings, listener: Listener, spec: MaterializerSpec) -> None:
    store, topic = opened(spec, live), spec.inputs[0]
    store.apply(some(spec, MOST_ROWS), [Advance(topic, 0, 0, 1)])
    store.apply(some(spec, MOST_ROWS + 1, hlc=11), [Advance(topic, 0, 1, 2)])
    (all_of_them, _), (none_of_them, nothing) = (first, second) = listener.told()
    assert all_of_them.rows is not None
    assert len(first[1]) == MOST_ROWS
    assert none_of_them.rows is None
    assert nothing == second[1] == ()
    store.close()


@BOTH
def test_what_is_rolled_back_is_not_told(live: Settings, listener: Listener, spec: MaterializerSpec) -> None:
    store, topic = opened(spec, live), spec.inputs[0]
    with pytest.raises(Fenced):
        store.apply(some(spec), [Advance(topic, 0, expected=7, next=8)])
    assert listener.told() == []
    store.close()


@BOTH
def test_a_notice_comes_after_its_commit(
    migrated: PostgresDatabase,
    live: Settings,
    listener: Listener,
    spec: MaterializerSpec,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, topic = opened(spec, live), spec.inputs[0]
    seen: list[list[LiveRow]] = []
    real = notices.encode

    def looking(*given: Any) -> bytes:
        seen.append(in_table(migrated.dsn, spec))  # by another connection
        return real(*given)

    monkeypatch.setattr(notices, "encode", looking)
    store.apply(some(spec), [Advance(topic, 0, 0, 3)])
    ((_, told),) = listener.told()
    assert seen == [list(told)]
    store.close()


@BOTH
def test_an_owner_that_takes_over_says_where_it_begins(
    live: Settings, listener: Listener, spec: MaterializerSpec
) -> None:
    """The one before may have been killed between its commit and its notice."""
    silent = opened(spec, msgspec.structs.replace(live, redis_url="redis://127.0.0.1:1"))
    topic = spec.inputs[0]
    silent.apply(some(spec), [Advance(topic, 0, 0, 3)])
    silent.close()
    successor = spec.store(StoreContext(live, spec.name))
    assert successor.positions([(topic, 0), (topic, 1)]) == {(topic, 0): 3}
    ((notice, told),) = listener.told()
    assert (notice.moved, told) == ((Moved(topic, 0, 3, 3),), ())
    assert notice.rows == {}
    successor.close()


@BOTH
def test_a_rebuild_tells_nobody(live: Settings, listener: Listener, spec: MaterializerSpec) -> None:
    versions = spec.versions(live)
    versions.create(2)
    store, topic = opened(spec, live, version=2), spec.inputs[0]
    store.apply(some(spec), [Advance(topic, 0, 0, 3)])
    assert store.positions([(topic, 0)]) == {(topic, 0): 3}
    assert listener.told() == []
    store.close()
    versions.drop(2)


def test_a_read_model_without_listeners_tells_nobody(live: Settings, listener: Listener) -> None:
    store = opened(availability.SPEC, live)
    store.apply(writes_of(availability.SPEC.transform, [changed("a", 1)]), [Advance("titles", 0, 0, 1)])
    assert listener.told() == []
    store.close()


@BOTH
def test_without_redis_the_batch_goes_in_all_the_same(
    migrated: PostgresDatabase, settings: Settings, spec: MaterializerSpec
) -> None:
    store, topic = opened(spec, settings), spec.inputs[0]  # nobody answers at this address
    for next_ in range(1, 4):
        store.apply(some(spec, hlc=10 + next_), [Advance(topic, 0, next_ - 1, next_)])
    assert len(in_table(migrated.dsn, spec)) == 3
    assert store.positions([(topic, 0)]) == {(topic, 0): 3}
    store.close()
