"""`mg rebuild` of what people did and of trends: filled from the log beside the serving version, then switched."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import psycopg
import pytest

from bootstrap import rebuilding, units
from migrations import runner
from runtime.connections import redis, versions
from runtime.settings import Settings
from schemas.envelope import Position
from schemas.read_models.trending import SERVING_KEY, key
from schemas.types import AnyEvent
from streams.engine.spec import StoreContext
from tests.support.backends import Backends, PostgresDatabase
from tests.support.migrated import rows
from tests.support.personal import began, commanded, ended, prefers, rated, registered, removed, trending
from tests.support.pipeline import create_topics_of, message, publish, settings_for
from tests.support.redis_database import own_database

STORIES: dict[str, Sequence[AnyEvent]] = {
    "ratings": [rated("u", "t", 3.0, 1), rated("u", "t", 4.0, 2), rated("v", "t", 1.0, 1)],
    "preferences": [prefers("u", "audio", '"de"', 1), prefers("u", "audio", None, 2), prefers("v", "audio", "1", 1)],
    "devices": [registered(hlc=1), removed(hlc=2), registered("v", hlc=3), commanded("u", 1), commanded("v", 2)],
    "playback_history": [began(hlc=1), ended(hlc=2), began("v", "s2", 1)],
}
SHOWN = {
    "ratings": "SELECT user_id, rating FROM ratings ORDER BY 1",
    "preferences": "SELECT user_id, value FROM preferences ORDER BY 1",
    "devices": "SELECT user_id, removed, (SELECT count(*) FROM device_commands) FROM devices ORDER BY 1",
    "playback_history": "SELECT user_id, reason FROM playback_history ORDER BY 1",
}
EXPECTED: dict[str, list[tuple[object, ...]]] = {
    "ratings": [("u", 4.0), ("v", 1.0)],
    "preferences": [("u", None), ("v", "1")],
    "devices": [("u", True, 2), ("v", False, 2)],
    "playback_history": [("u", "stopped"), ("v", None)],
}


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "_GRACE_SECONDS", 0.0)


@pytest.fixture
def settings(backends: Backends, postgres_database: PostgresDatabase, topic_prefix: str) -> Settings:
    runner.apply(postgres_database.dsn)
    return settings_for(backends, postgres_database, topic_prefix)


@pytest.fixture
def cache(backends: Backends) -> Iterator[tuple[str, redis.Blocking]]:
    with own_database(backends.redis_url) as found:
        yield found


def in_the_log(settings: Settings, name: str, events: Sequence[AnyEvent]) -> None:
    spec = units.materializer(name)
    assert spec is not None
    create_topics_of(settings, name, spec.inputs)
    publish(settings, [message(settings, event) for event in events])


@pytest.mark.parametrize("name", STORIES)
def test_a_read_model_in_postgres(settings: Settings, name: str) -> None:
    in_the_log(settings, name, STORIES[name])
    said: list[str] = []
    for version in (2, 3):
        assert rebuilding.rebuild_read_model(name, settings, said.append).version == version
        assert rows(settings.postgres_dsn, SHOWN[name]) == EXPECTED[name]
    assert said[-1] == f"{name}: dropped version 2"
    left = f"SELECT relname FROM pg_class WHERE relname ~ '^{name}_v[12](_|$)'"
    assert rows(settings.postgres_dsn, left) == []


def test_what_comes_between_the_end_of_the_log_and_the_switch_is_in(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader who saw it in the old version must see it in the new one."""
    in_the_log(settings, "ratings", STORIES["ratings"])
    caught_up = rebuilding._Filler.until_caught_up

    def and_then_more(filler: Any, say: rebuilding.Say) -> None:
        caught_up(filler, say)
        publish(settings, [message(settings, rated("w", "t", 5.0, 1))])

    monkeypatch.setattr(rebuilding._Filler, "until_caught_up", and_then_more)
    rebuilding.rebuild_read_model("ratings", settings, print)
    assert rows(settings.postgres_dsn, SHOWN["ratings"]) == [*EXPECTED["ratings"], ("w", 5.0)]


def test_a_version_that_does_not_come_up_with_the_log_never_serves(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_the_log(settings, "ratings", STORIES["ratings"])
    monkeypatch.setattr(versions, "_PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(rebuilding._Filler, "is_complete", lambda _: False)
    serving = "SELECT version FROM read_model_versions WHERE read_model = 'ratings'"
    before = rows(settings.postgres_dsn, serving)
    with pytest.raises(rebuilding.RebuildError, match=r"ratings: version \d+ does not come up with the log"):
        rebuilding.rebuild_read_model("ratings", settings, print)
    assert rows(settings.postgres_dsn, serving) == before


def test_trends_in_redis(settings: Settings, cache: tuple[str, redis.Blocking]) -> None:
    address, client = cache
    settings = msgspec.structs.replace(settings, redis_url=address)
    in_the_log(settings, "trending", [trending(hours=2), trending(hours=1), trending("001", "7d", 1)])
    spec = units.materializer("trending")
    assert spec is not None
    live = spec.store(StoreContext(settings, "trending"))
    live.positions([("title-trends", 0)])
    live.apply(spec.transform(trending("US", "1h"), Position("title-trends", 0, 0)), ())
    assert rebuilding.rebuild_read_model("trending", settings, print).version == 2
    assert client.get(SERVING_KEY) == b"2"
    names = {name.decode() for name in client.scan_iter(key(2, "*", "*"))}
    assert names == {key(2, "DE", "24h"), key(2, "001", "7d")}
    assert b'"t2"' in (client.get(key(2, "DE", "24h")) or b"")
    assert not list(client.scan_iter(key(1, "*", "*")))
    live.close()


def test_nothing_of_a_rebuild_is_told_to_listeners(settings: Settings, cache: tuple[str, redis.Blocking]) -> None:
    address, client = cache
    settings = msgspec.structs.replace(settings, redis_url=address)
    in_the_log(settings, "ratings", STORIES["ratings"])
    with client.pubsub() as listener:  # type: ignore[no-untyped-call]  # the library has no types for it
        listener.psubscribe("*notices*")
        assert listener.get_message(timeout=5)
        rebuilding.rebuild_read_model("ratings", settings, print)
        assert listener.get_message(timeout=0.2) is None
    with psycopg.connect(settings.postgres_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM ratings").fetchone() == (2,)
