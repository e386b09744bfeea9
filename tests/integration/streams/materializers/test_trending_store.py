"""trending on a real Redis: any order gives the same trends; owners are fenced; emptied, it asks for the log anew."""

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from runtime.connections import redis
from runtime.settings import Settings
from schemas.envelope import Position
from schemas.read_models.trending import SERVING_KEY, Trend, key, next_offsets, positions_key, serving_version
from schemas.types.discovery import TrendingUpdated
from streams.engine.outcome import Fenced, TransientError
from streams.engine.spec import Advance, StoreContext
from streams.materializers.trending import SPEC
from streams.materializers.trending.store import RedisTrendStore, RedisVersions
from streams.materializers.trending.transform import TrendWrite
from tests.support.backends import Backends
from tests.support.personal import trending
from tests.support.redis_database import own_database
from tests.support.webhooks import settings as leading_nowhere

PARTITIONS = [("title-trends", 0), ("title-trends", 1)]
DONE = [Advance("title-trends", 0, 0, 1)]


@pytest.fixture
def database(backends: Backends) -> Iterator[tuple[str, redis.Blocking]]:
    with own_database(backends.redis_url) as found:
        yield found


@pytest.fixture
def client(database: tuple[str, redis.Blocking]) -> redis.Blocking:
    return database[1]


@pytest.fixture
def here(database: tuple[str, redis.Blocking], tmp_path: Path) -> Settings:
    """Only Redis is real."""
    return leading_nowhere(tmp_path, redis_url=database[0])


def opened(settings: Settings, version: int | None = None) -> RedisTrendStore:
    store = SPEC.store(StoreContext(settings, SPEC.name, version))
    assert isinstance(store, RedisTrendStore)
    store.positions(PARTITIONS)
    return store


def writes(*events: TrendingUpdated, first: int = 0) -> list[TrendWrite]:
    return [
        write
        for offset, event in enumerate(events, first)
        for write in SPEC.transform(event, Position("title-trends", 0, offset))
    ]


def shown(client: redis.Blocking, version: int = 1) -> dict[str, Trend]:
    """What readers find, by region and window."""
    found = {}
    for name in client.scan_iter(key(version, "*", "*")):
        trend = msgspec.json.decode(client.get(name) or b"", type=Trend)
        assert name.decode() == key(version, trend.region, trend.window)
        found[f"{trend.region} {trend.window}"] = trend
    return found


def everything(client: redis.Blocking) -> dict[bytes, object]:
    return {
        name: client.hgetall(name) if client.type(name) == b"hash" else client.get(name) for name in client.scan_iter()
    }


def test_a_trend_is_there_as_the_contract_says(here: Settings, client: redis.Blocking) -> None:
    store = opened(here)
    store.apply(writes(trending("DE", "24h", 1), trending("001", "7d", 2)), DONE)
    event = trending("DE", "24h", 1)
    assert shown(client)["DE 24h"].window_end == event.window_end
    assert msgspec.json.decode(client.get(key(1, "001", "7d")) or b"")["titles"] == [
        {"titleId": "t2", "score": 2.5, "plays": 3}
    ]
    assert client.hgetall(positions_key(1)) == {b"title-trends:0": b"1"}
    assert next_offsets({b"title-trends:0": b"1"}) == {("title-trends", 0): 1} == store.positions(PARTITIONS)
    store.close()


def test_an_older_window_never_replaces_a_newer_one(here: Settings, client: redis.Blocking) -> None:
    store = opened(here)
    store.apply(writes(trending(hours=2)), DONE)
    before = client.get(key(1, "DE", "24h"))
    store.apply(writes(trending(hours=1), first=1), [Advance("title-trends", 0, 1, 2)])
    assert client.get(key(1, "DE", "24h")) == before
    assert store.positions(PARTITIONS) == {("title-trends", 0): 2}, "what is old is done with, too"
    store.apply(writes(trending(hours=2, titles=()), first=2), [Advance("title-trends", 0, 2, 3)])
    assert shown(client)["DE 24h"].titles == (), "a late event changes a window after its end"
    store.close()


PLACES = (
    ("DE", "1h", 0),
    ("DE", "1h", 1),
    ("DE", "24h", 0),
    ("US", "1h", 3),
    ("DE", "1h", 0),
    ("DE", "1h", 1),
    ("US", "1h", 2),
    ("001", "7d", 5),
    ("001", "7d", 5),
    ("US", "1h", 3),
)
STORY = [trending(*place, titles=trending(hours=number).titles) for number, place in enumerate(PLACES)]
"""Each update with a title of its own."""


@pytest.mark.parametrize("seed", range(6))
def test_any_order_with_repetition_gives_the_same_trends(here: Settings, client: redis.Blocking, seed: int) -> None:
    store = opened(here)
    for write in writes(*STORY):
        store.apply([write], ())
    expected = everything(client)
    assert shown(client)["DE 1h"].titles[0].title_id == "t5"
    client.flushdb()
    chance = random.Random(seed)
    shuffled = writes(*STORY) * 2
    chance.shuffle(shuffled)
    for start in range(0, len(shuffled), 3):
        store.apply(shuffled[start : start + 3], ())
    assert everything(client) == expected
    store.close()


def test_a_replay_changes_nothing(here: Settings, client: redis.Blocking) -> None:
    store = opened(here)
    store.apply(writes(*STORY), DONE)
    before = everything(client)
    store.apply(writes(*STORY), ())
    assert everything(client) == before
    store.close()


def test_two_owners_are_never_both_right(here: Settings, client: redis.Blocking) -> None:
    one, other = opened(here), opened(here)
    one.apply(writes(trending(hours=1)), DONE)
    before = everything(client)
    with pytest.raises(Fenced, match="trending_v1 title-trends:0 is not where it was"):
        other.apply(writes(trending(hours=2)), DONE)
    assert everything(client) == before, "neither a trend nor a position"
    assert other.positions(PARTITIONS) == {("title-trends", 0): 1}
    other.apply(writes(trending(hours=2)), [Advance("title-trends", 0, 1, 2)])
    with pytest.raises(Fenced):
        one.apply(writes(trending(hours=3)), [Advance("title-trends", 1, 0, 1), Advance("title-trends", 0, 1, 2)])
    assert one.positions(PARTITIONS) == {("title-trends", 0): 2}
    for store in (one, other):
        store.close()


def test_of_many_owners_one_moves_each_position(here: Settings, client: redis.Blocking) -> None:
    won: list[int] = []

    def own(number: int) -> None:
        store = opened(here)
        for offset in range(50):
            try:
                store.apply(
                    writes(trending(hours=offset), first=offset), [Advance("title-trends", 0, offset, offset + 1)]
                )
            except Fenced:
                continue
            won.append(number)
        store.close()

    owners = [threading.Thread(target=own, args=(number,)) for number in range(3)]
    for owner in owners:
        owner.start()
    for owner in owners:
        owner.join(60)
    assert len(won) == 50
    assert shown(client)["DE 24h"].window_end == trending(hours=49).window_end


def test_an_emptied_redis_is_filled_again_from_the_start(here: Settings, client: redis.Blocking) -> None:
    store = opened(here)
    store.apply(writes(*STORY), [Advance("title-trends", 0, 0, len(STORY))])
    expected = everything(client)
    client.flushdb()
    with pytest.raises(Fenced):
        store.apply(writes(trending(hours=0)), [Advance("title-trends", 0, len(STORY), len(STORY) + 1)])
    assert everything(client) == {}
    assert store.positions(PARTITIONS) == {}
    store.apply(writes(*STORY), [Advance("title-trends", 0, 0, len(STORY))])
    assert everything(client) == expected
    store.close()


def test_a_trend_that_somebody_deleted_comes_back_with_any_window(here: Settings, client: redis.Blocking) -> None:
    store = opened(here)
    store.apply(writes(trending(hours=2)), ())
    client.delete(key(1, "DE", "24h"))
    store.apply(writes(trending(hours=1)), ())
    assert shown(client)["DE 24h"].window_end == trending(hours=1).window_end
    store.close()


def test_a_redis_that_is_away_is_transient_and_moves_nothing(here: Settings, client: redis.Blocking) -> None:
    away = SPEC.store(StoreContext(msgspec.structs.replace(here, redis_url="redis://127.0.0.1:1/0"), SPEC.name))
    with pytest.raises(TransientError, match="redis: "):
        away.positions(PARTITIONS)
    with pytest.raises(TransientError, match="redis: "):
        away.apply(writes(trending()), DONE)
    away.close()
    assert everything(client) == {}


def test_a_lost_connection_is_made_again(here: Settings, client: redis.Blocking) -> None:
    store = opened(here)
    store.apply(writes(trending(hours=1)), DONE)
    number = client.get_connection_kwargs()["db"]
    for each in client.client_list():
        if each["db"] == str(number) and each["name"] == "mg-materializer-trending":
            client.client_kill_filter(_id=each["id"])
    store.apply(writes(trending(hours=2)), [Advance("title-trends", 0, 1, 2)])
    assert shown(client)["DE 24h"].window_end == trending(hours=2).window_end
    store.close()


def test_something_else_under_our_key_is_no_passing_trouble(here: Settings, client: redis.Blocking) -> None:
    store = opened(here)
    client.rpush(positions_key(1), "x")
    with pytest.raises(redis.Error):
        store.apply(writes(trending()), DONE)
    store.close()


def test_a_rebuild_switches_and_fences_the_live_writer(here: Settings, client: redis.Blocking) -> None:
    versions = RedisVersions(here)
    live = opened(here)
    live.apply(writes(trending(hours=1)), DONE)
    assert versions.serving() == 1
    client.set(key(2, "XX", "1h"), "left by an earlier try")
    client.set(key(20, "DE", "1h"), "of another version")
    versions.create(2)
    rebuilding = opened(here, 2)
    assert rebuilding.positions(PARTITIONS) == {}
    rebuilding.apply(writes(trending(hours=1), trending("US", "1h", 1)), DONE)
    assert set(shown(client, 2)) == {"DE 24h", "US 1h"}
    assert set(shown(client)) == {"DE 24h"}, "the serving version is not touched"
    asked: list[int] = []

    def complete() -> bool:
        """The first time the live writer goes on in the meantime, the second time the answer is no."""
        if not asked:
            live.apply(writes(trending(hours=2), first=1), [Advance("title-trends", 0, 1, 2)])
        asked.append(versions.serving())
        return len(asked) != 2

    versions.switch(2, complete)
    assert asked == [1, 1, 1]
    assert serving_version(client.get(SERVING_KEY)) == versions.serving() == 2  # type: ignore[arg-type] # bytes
    with pytest.raises(Fenced, match="no longer served from version 1"):
        live.apply(writes(trending(hours=3), first=2), [Advance("title-trends", 0, 2, 3)])
    assert live.positions(PARTITIONS) == {("title-trends", 0): 1}
    live.apply(writes(trending(hours=2), first=1), [Advance("title-trends", 0, 1, 2)])
    assert shown(client, 2)["DE 24h"].window_end == trending(hours=2).window_end
    versions.drop(1)
    names = {name.decode() for name in client.scan_iter()}
    assert not {name for name in names if name.startswith("mg:trending:v1:")}
    assert key(20, "DE", "1h") in names
    live.close()
    rebuilding.close()
