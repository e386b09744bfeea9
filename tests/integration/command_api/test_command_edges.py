"""The services `playback` and `sync` as they run: real Kafka, Redis and PostgreSQL, their own producers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import psycopg
import pytest

from bootstrap import units
from command_api.services import playback, sync
from migrations import runner
from runtime.connections import redis
from runtime.http.app import build_app
from runtime.settings import Settings
from schemas import codec
from schemas.read_models.devices import HEARTBEAT_SECONDS, heartbeat_key
from schemas.types import AnyEvent
from schemas.types.playback import PlaybackEventRecorded
from sync_laws.tags import tag_of
from sync_laws.watchlist import MOST_ITEMS
from tests.support import pipeline, tokens
from tests.support.backends import Backends, PostgresDatabase
from tests.support.commands import operation, played, pointers, problem, rated
from tests.support.webhooks import serving

pytestmark = pytest.mark.backends

TOPICS = [
    "playback-events",
    "ratings",
    "watchlist-changes",
    "progress-changes",
    "preference-changes",
    "device-changes",
]


@pytest.fixture(scope="module")
def migrated(postgres_database: PostgresDatabase) -> PostgresDatabase:
    runner.apply(postgres_database.dsn)
    return postgres_database


@pytest.fixture
def settings(backends: Backends, migrated: PostgresDatabase, topic_prefix: str) -> Settings:
    found = pipeline.settings_for(backends, migrated, topic_prefix)
    return msgspec.structs.replace(found, identity=tokens.IDENTITY)


@pytest.fixture
def user(topic_prefix: str) -> str:
    """A person of this test's own: ids and rate limits in Redis are by user."""
    return f"u{topic_prefix.strip('-').removeprefix('test-')}"


@asynccontextmanager
async def edges(settings: Settings, user: str) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(build_app("commands", [playback.SPEC, sync.SPEC], settings)) as client:
        client.timeout = httpx.Timeout(30)
        client.headers.update(tokens.bearer(user, "tv", region="DE"))
        yield client


@pytest.fixture
async def client(settings: Settings, user: str) -> AsyncIterator[httpx.AsyncClient]:
    pipeline.create_topics(settings, TOPICS, partitions=4)
    async with edges(settings, user) as found:
        yield found


def log_of(settings: Settings, topic: str) -> dict[str, AnyEvent]:
    """Everything in a topic by its position, as answers tell it; in the order of each partition."""
    return {
        f"{topic}:{record.partition}:{record.offset}": codec.decode(record.value or b"")
        for record in pipeline.records(settings, topic)
    }


async def test_playback_is_where_the_answer_says_in_its_order(
    client: httpx.AsyncClient, settings: Settings, user: str
) -> None:
    for batch in range(3):
        given = [played(eventId=f"e-{batch}-{n}", positionMs=1000 * batch + n) for n in range(200)]
        response = await client.post(f"/v1/users/{user}/playback/events", json={"events": given})
        assert response.status_code == 202, response.text
    log = await asyncio.to_thread(log_of, settings, "playback-events")
    positions = [event.position_ms for event in log.values() if isinstance(event, PlaybackEventRecorded)]
    assert positions == [1000 * batch + n for batch in range(3) for n in range(200)]
    assert response.json()["positions"] == [list(log)[-1]]
    assert len({place.split(":")[1] for place in log}) == 1


async def test_ratings_and_repetitions(client: httpx.AsyncClient, settings: Settings, user: str) -> None:
    url = f"/v1/users/{user}/ratings"
    answers = [await client.post(url, json={"ratings": [rated(), rated(eventId="r-2")]}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202] * 3
    assert len({answer.text for answer in answers}) == 1
    assert len(await asyncio.to_thread(log_of, settings, "ratings")) == 2


def queue(*names: str) -> dict[str, Any]:
    return {
        "operations": [operation("watchlist.add", titleId=f"t-{name}", operationId=f"add-{name}") for name in names]
        + [operation("progress.set", titleId=f"t-{name}", positionMs=7, operationId=f"set-{name}") for name in names]
    }


async def test_a_queue_is_where_the_answer_says(client: httpx.AsyncClient, settings: Settings, user: str) -> None:
    response = await client.post(f"/v1/users/{user}/sync/mutations", json=queue("a", "b"))
    assert response.status_code == 202, response.text
    log: dict[str, AnyEvent] = {}
    for topic in ("watchlist-changes", "progress-changes"):
        log |= await asyncio.to_thread(log_of, settings, topic)
    for answer in response.json()["operations"]:
        assert log[answer["position"]].event_id == answer["eventId"] == tag_of(user, "tv", answer["operationId"])
    assert len(log) == 4


async def test_fifty_attempts_at_once_leave_each_operation_once(
    client: httpx.AsyncClient, settings: Settings, user: str
) -> None:
    url = f"/v1/users/{user}/sync/mutations"
    answers = await asyncio.gather(*(client.post(url, json=queue("a")) for _ in range(50)))
    assert {answer.status_code for answer in answers} <= {202, 425}
    last = await client.post(url, json=queue("a", "b"))
    assert last.status_code == 202
    firsts = {answer.text for answer in answers if answer.status_code == 202}
    assert len(firsts) == 1
    assert len(await asyncio.to_thread(log_of, settings, "watchlist-changes")) == 2
    assert len(await asyncio.to_thread(log_of, settings, "progress-changes")) == 2


async def test_conflicts(client: httpx.AsyncClient, settings: Settings, user: str) -> None:
    url = f"/v1/users/{user}/sync/mutations"
    await client.post(url, json=queue("a"))
    other = operation("watchlist.remove", titleId="t-a", operationId="add-a")
    fresh = operation("watched.mark", titleId="t-a", operationId="fresh")
    response = await client.post(url, json={"operations": [fresh, other]})
    problem(response, 409, "operation-conflict")
    assert pointers(response) == ["#/operations/1"]
    assert len(await asyncio.to_thread(log_of, settings, "progress-changes")) == 1


async def test_a_list_has_an_end(
    client: httpx.AsyncClient, migrated: PostgresDatabase, settings: Settings, user: str
) -> None:
    with psycopg.connect(migrated.dsn) as connection:
        connection.execute(
            "INSERT INTO watchlist (user_id, title_id, document, present, rank, event_at, revision) "
            "SELECT %s, 't-' || n, '', n < %s, 'a0', now(), n FROM generate_series(1, %s) AS n",
            (user, MOST_ITEMS, MOST_ITEMS + 5),
        )
    url = f"/v1/users/{user}/sync/mutations"
    adds = [
        operation("watchlist.add", titleId=title, operationId=f"o-{title}")
        for title in ("t-1", f"t-{MOST_ITEMS + 1}", "new")
    ]
    response = await client.post(url, json={"operations": adds})
    problem(response, 422, "watchlist-full")
    assert pointers(response) == ["#/operations/2"]
    assert (await client.post(url, json={"operations": adds[:2]})).status_code == 202
    assert len(await asyncio.to_thread(log_of, settings, "watchlist-changes")) == 2


async def test_devices(client: httpx.AsyncClient, migrated: PostgresDatabase, settings: Settings, user: str) -> None:
    url = f"/v1/users/{user}/devices"
    registered = await client.post(url, json={"deviceId": "tv", "name": "TV", "kind": "tv", "hlc": 5})
    assert registered.status_code == 202, registered.text
    problem(await client.delete(f"{url}/tv"), 404, "not-found")
    problem(
        await client.delete(f"{url}/tv", headers={"MG-After": registered.headers["MG-Position"]}),
        503,
        "read-model-behind",
    )
    with psycopg.connect(migrated.dsn) as connection:
        connection.execute(
            "INSERT INTO devices (user_id, device_id, name, kind, capabilities, removed, hlc, event_at, revision) "
            "VALUES (%s, 'tv', 'TV', 'tv', '{}', false, 5, now(), 1)",
            (user,),
        )
    given = {"capabilities": ["play"], "hlc": 6}
    assert (await client.put(f"{url}/tv/capabilities", json=given)).status_code == 202
    assert (await client.delete(f"{url}/tv")).status_code == 202
    names = [type(event).__name__ for event in (await asyncio.to_thread(log_of, settings, "device-changes")).values()]
    assert names == ["DeviceRegistered", "DeviceRegistered", "DeviceRemoved"]


async def test_heartbeats_and_commands(client: httpx.AsyncClient, settings: Settings, user: str) -> None:
    url = f"/v1/users/{user}/devices/tv"
    given = {"command": "seek", "positionMs": 5, "commandId": "c-1"}
    first = await client.post(f"{url}/commands", json=given)
    assert (first.status_code, first.json()["online"]) == (202, False)
    assert (await client.post(f"{url}/heartbeat")).status_code == 204
    second = await client.post(f"{url}/commands", json=given)
    assert second.json() == first.json() | {"online": True}
    assert len(await asyncio.to_thread(log_of, settings, "device-changes")) == 1
    store = redis.client(settings.redis_url, "mg-test")
    assert 0 < await store.ttl(heartbeat_key(user, "tv")) <= HEARTBEAT_SECONDS
    await store.delete(heartbeat_key(user, "tv"))
    await store.aclose()


AWAY = {
    "kafka": {"kafka": "127.0.0.1:1"},
    "redis": {"redis_url": "redis://127.0.0.1:1"},
    "postgres": {"postgres_reader_dsn": "postgresql://127.0.0.1:1/none"},
}


@pytest.mark.parametrize("away", AWAY)
async def test_a_backend_that_is_away_is_a_503_and_never_a_202(
    settings: Settings, user: str, away: str, client: httpx.AsyncClient
) -> None:
    url = f"/v1/users/{user}/sync/mutations"
    async with edges(msgspec.structs.replace(settings, **AWAY[away]), user) as blind:
        response = await blind.post(url, json=queue("a"))
        problem(response, 503, "unavailable")
        assert response.headers["retry-after"] == "2"
        ready = await blind.get("/health/ready")
        # A busy machine may have others answer too late.
        assert away in [error["parameter"] for error in ready.json()["errors"]]
    # The same queue goes through once the backend is there, and is in the log once.
    assert (await client.post(url, json=queue("a"))).status_code == 202
    assert len(await asyncio.to_thread(log_of, settings, "progress-changes")) == 1


async def test_command_and_query_parts_share_their_paths(settings: Settings, user: str) -> None:
    """`GET` and `POST` of one path come from two parts of a service."""
    parts = [part for service in units.SERVICES if service.name in ("sync", "playback") for part in service.load()]
    async with serving(build_app("people", parts, settings)) as people:
        people.headers.update(tokens.bearer(user, "tv"))
        assert (await people.get(f"/v1/users/{user}/devices")).status_code == 200
        problem(await people.post(f"/v1/users/{user}/devices", json={}), 422, "invalid-content")
        assert (await people.get("/schema/openapi.json")).status_code == 200
