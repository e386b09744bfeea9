"""The sender over a real database, towards an endpoint that behaves as endpoints do."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from standardwebhooks import Webhook

from runtime.clock import FrozenClock
from runtime.health import UnitHealth
from runtime.settings import Settings
from schemas.envelope import Position
from schemas.types.catalog import AvailabilityChanged, OfferExpiring
from streams.engine.spec import Advance, StoreContext
from streams.materializers import availability_changes
from streams.senders.webhooks import posting, sender, store
from streams.senders.webhooks.administration import Administration
from streams.senders.webhooks.schedule import MOST_ATTEMPTS
from streams.senders.webhooks.sender import Sender
from streams.senders.webhooks.store import Attempt, Deliveries
from streams.senders.webhooks.subscribers import KnownSubscribers
from tests.support.offers import offer_changed, offer_expiring
from tests.support.receiver import Receiver, receiving

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
TOPIC = "availability-changes"
Event = AvailabilityChanged | OfferExpiring


@pytest.fixture
def own(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home of its own for the file of subscribers, and tables that are empty."""
    monkeypatch.setattr(sender, "_LOOK_SECONDS", 0.02)
    monkeypatch.setattr(sender, "_STANDBY_SECONDS", 0.05)
    with psycopg.connect(settings.postgres_dsn) as connection:
        connection.execute("DELETE FROM webhook_subscribers")
        connection.execute("DELETE FROM availability_changes_v1")
        connection.execute("DELETE FROM consumer_positions")
    return msgspec.structs.replace(settings, subscribers_file=tmp_path / "subscribers.json")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as found:
        yield found


def subscribe(settings: Settings, receiver: Receiver, **more: Any) -> None:
    entry = {"url": receiver.url, "secrets": [SECRET], "private": True}
    settings.subscribers_file.write_text(json.dumps({"acme": entry | more}))


def log(settings: Settings, *events: Event) -> None:
    """At the end of the feed's first partition."""
    spec = availability_changes.SPEC
    store = spec.store(StoreContext(settings, spec.name))
    first = store.positions([(TOPIC, 0)]).get((TOPIC, 0), 0)
    writes = [w for n, event in enumerate(events, first) for w in spec.transform(event, Position(TOPIC, 0, n))]
    store.apply(writes, [Advance(TOPIC, 0, first, first + len(events))])
    store.close()


@asynccontextmanager
async def running(settings: Settings, clock: FrozenClock | None = None) -> AsyncIterator[UnitHealth]:
    health = UnitHealth("sender:webhooks")
    found = Sender(settings, health, clock)
    task = asyncio.create_task(found.run())
    try:
        yield health
    finally:
        found.stop()
        await task


async def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not holds():
        assert asyncio.get_running_loop().time() < deadline, "it does not come to hold"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def told(settings: Settings, clock: FrozenClock | None = None) -> AsyncIterator[UnitHealth]:
    """A sender whose subscriber has joined the feed."""
    async with running(settings, clock) as health:
        await until(lambda: bool(administration(settings, lambda a: a.overview())))
        yield health


def administration(settings: Settings, question: Callable[[Administration], Any]) -> Any:
    found = Administration(settings.postgres_dsn)
    try:
        return question(found)
    finally:
        found.close()


def states(settings: Settings) -> dict[str, tuple[str, int]]:
    lines = administration(settings, lambda a: a.recent("acme", None, 1000))
    return {line.event_id: (line.state, line.attempts) for line in lines}


def now() -> FrozenClock:
    return FrozenClock(datetime.now(UTC) + timedelta(seconds=1))


async def test_what_happens_is_told_once_signed_and_what_was_before_is_not(own: Settings, receiver: Receiver) -> None:
    log(own, offer_changed(0))
    subscribe(own, receiver)
    async with told(own):
        events: list[Event] = [offer_changed(1), offer_expiring(2)]
        log(own, *events)
        await until(lambda: len(receiver.got) == 2)
        await until(lambda: all(state == "delivered" for state, _ in states(own).values()))
    assert sorted(receiver.ids) == sorted(event.event_id for event in events)
    kinds = {Webhook(SECRET).verify(body, headers)["type"] for headers, body in receiver.got}
    assert kinds == {"availability.started", "availability.expiring"}
    async with told(own):
        await asyncio.sleep(0.1)
    assert len(receiver.got) == 2


async def test_only_what_was_asked_for(own: Settings, receiver: Receiver) -> None:
    subscribe(own, receiver, changes=["expiring", "ended"], regions=["DE"], providers=["netflix"])
    wanted: list[Event] = [offer_expiring(0), offer_changed(1, change="ended")]
    async with told(own):
        log(own, *wanted, offer_changed(2), offer_expiring(3, region="US"), offer_expiring(4, provider="hulu"))
        await until(lambda: len(receiver.got) == 2)
        await asyncio.sleep(0.1)
    assert sorted(receiver.ids) == sorted(event.event_id for event in wanted)


async def test_a_failure_is_repeated_on_schedule_until_it_is_given_up(own: Settings, receiver: Receiver) -> None:
    subscribe(own, receiver)
    receiver.answer = lambda _id, _times: "500 Internal Server Error"
    clock, event = now(), offer_changed(0)

    async def reached(event_id: str, state: tuple[str, int]) -> None:
        await until(lambda: states(own).get(event_id) == state)

    async with told(own, clock):
        log(own, event)
        for attempts in range(1, MOST_ATTEMPTS):
            await reached(event.event_id, ("waiting", attempts))
            assert len(receiver.got) == attempts
            clock.advance(3600 * 27)
        await reached(event.event_id, ("failed", MOST_ATTEMPTS))
        clock.advance(3600 * 100)
        await asyncio.sleep(0.1)
    lines = administration(own, lambda a: a.attempts("acme", event.event_id))
    assert [(line.attempt, line.status, line.trouble) for line in lines] == [
        (number, 500, "HTTP 500") for number in range(1, MOST_ATTEMPTS + 1)
    ]
    receiver.answer = lambda _id, _times: "200 OK"
    assert administration(own, lambda a: a.send_again("acme", [], "failed", None)) == 1
    async with told(own):
        await reached(event.event_id, ("delivered", 1))
    assert set(receiver.ids) == {event.event_id}


async def test_410_disables_and_enabling_sends_what_waited(own: Settings, receiver: Receiver) -> None:
    subscribe(own, receiver)
    receiver.answer = lambda _id, _times: "410 Gone"
    async with told(own):
        log(own, offer_changed(0))
        await until(lambda: administration(own, lambda a: a.overview())[0].disabled_why == "it answered 410 Gone")
        log(own, offer_changed(1))
        await asyncio.sleep(0.15)
        assert len(receiver.got) == 1
        receiver.answer = lambda _id, _times: "200 OK"
        assert administration(own, lambda a: a.enable("acme")) == 1
        await until(lambda: len(set(receiver.ids)) == 2)


async def test_an_endpoint_that_is_busy_rests_as_long_as_it_asks(own: Settings, receiver: Receiver) -> None:
    subscribe(own, receiver)
    receiver.answer = lambda _id, _times: "429 Too Many Requests\r\nretry-after: 900"
    clock = now()
    async with told(own, clock):
        log(own, offer_changed(0))
        await until(lambda: [attempts for _, attempts in states(own).values()] == [1])
        log(own, offer_changed(1))
        clock.advance(600)
        await asyncio.sleep(0.15)
    assert len(receiver.got) == 1, "another message is no reason to wake it"
    with psycopg.connect(own.postgres_dsn) as connection:
        (found,) = connection.execute("SELECT max(next_at) FROM webhook_deliveries WHERE attempts = 1").fetchone() or ()
    assert found >= clock.now() + timedelta(seconds=299)


async def test_one_that_hangs_delays_nobody_else(
    own: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "ANSWER_SECONDS", 0.3)
    async with receiving() as other:
        entry = {"secrets": [SECRET], "private": True}
        both = {"acme": entry | {"url": receiver.url}, "quick": entry | {"url": other.url}}
        own.subscribers_file.write_text(json.dumps(both))
        receiver.answer = lambda _id, _times: None
        async with told(own):
            await until(lambda: len(administration(own, lambda a: a.overview())) == 2)
            log(own, *(offer_changed(number) for number in range(30)))
            await until(lambda: len(other.got) == 30)
            await until(lambda: ("waiting", 1) in states(own).values())
    line = next(x for x in administration(own, lambda a: a.recent("acme", None, 50)) if x.attempts)
    assert (line.status, line.trouble) == (None, "no answer within 0 s")


async def test_redirects_are_not_followed_and_private_addresses_not_connected_to(
    own: Settings, receiver: Receiver
) -> None:
    subscribe(own, receiver)
    receiver.answer = lambda _id, _times: "307 Temporary Redirect\r\nlocation: /elsewhere"
    async with told(own):
        log(own, offer_changed(0))
        await until(lambda: [attempts for _, attempts in states(own).values()] == [1])
        assert len(receiver.got) == 1
        subscribe(own, receiver, url=receiver.url.replace("http", "https"), private=False)
        await asyncio.sleep(0.1)
        log(own, offer_changed(1))
        await until(lambda: [attempts for _, attempts in states(own).values()] == [1, 1])
    newest = administration(own, lambda a: a.recent("acme", None, 1))[0]
    assert newest.trouble == "127.0.0.1 is 127.0.0.1, which is not a public address"
    assert len(receiver.got) == 1


async def test_one_of_two_senders_sends_and_the_other_takes_over(own: Settings, receiver: Receiver) -> None:
    subscribe(own, receiver)
    async with running(own) as second:
        async with told(own):
            log(own, *(offer_changed(number) for number in range(20)))
            await until(lambda: len(receiver.got) == 20)
        log(own, offer_changed(20))
        await until(lambda: len(receiver.got) == 21)
        assert second.status().state == "ready"
    assert len(set(receiver.ids)) == 21


async def test_a_session_that_ends_is_begun_again(own: Settings, receiver: Receiver) -> None:
    subscribe(own, receiver)
    async with told(own):
        with psycopg.connect(own.postgres_dsn) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'mg-webhooks' AND datname = current_database()"
            )
        log(own, offer_changed(0))
        await until(lambda: len(receiver.got) == 1)


async def test_who_records_second_changes_nothing(own: Settings, receiver: Receiver) -> None:
    """As after a death between the post and its record: the next sender posted again."""
    subscribe(own, receiver)
    async with told(own):
        pass
    log(own, offer_changed(0))
    deliveries = Deliveries(own.postgres_dsn)
    try:
        deliveries.fan_out(KnownSubscribers(own.subscribers_file).look()["acme"])
        (due,) = deliveries.due("acme", 10, now().now(), ())
        went = Attempt(now().now(), 200, "", 5)
        assert deliveries.record(due, went, "delivered", None)
        assert not deliveries.record(due, Attempt(now().now(), 500, "HTTP 500", 5), "waiting", now().now())
    finally:
        deliveries.close()
    assert list(states(own).values()) == [("delivered", 1)]


async def test_a_backlog_is_fanned_out_whole(
    own: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "FAN_OUT", 7)
    monkeypatch.setattr(sender, "FAN_OUT", 7)
    subscribe(own, receiver, changes=["ended"])
    async with told(own):
        pass
    log(own, *(offer_changed(number, change="ended" if number % 3 else "started") for number in range(50)))
    async with told(own):
        await until(lambda: len(receiver.got) == 33)
    assert len(set(receiver.ids)) == 33


async def test_a_message_that_cannot_be_read_stops_no_other(own: Settings, receiver: Receiver) -> None:
    subscribe(own, receiver)
    async with told(own):
        with psycopg.connect(own.postgres_dsn) as connection:
            connection.execute(
                "INSERT INTO webhook_deliveries (subscriber, event_id, change, document)"
                " VALUES ('acme', 'e-1', 'started', '{}')"
            )
        await until(lambda: states(own).get("e-1") == ("failed", 1))
        log(own, offer_changed(0))
        await until(lambda: len(receiver.got) == 1)
    (line,) = administration(own, lambda a: a.recent("acme", "failed", 5))
    assert line.trouble.startswith("unreadable: ")


async def test_one_who_is_removed_while_it_is_told_costs_nothing_afterwards(
    own: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "ANSWER_SECONDS", 0.2)
    receiver.answer = lambda _id, _times: None
    subscribe(own, receiver)
    async with told(own):
        log(own, offer_changed(0))
        await until(lambda: len(receiver.got) == 1)
        own.subscribers_file.write_text("{}")
        await asyncio.sleep(0.5)
        used = time.process_time()
        await asyncio.sleep(0.5)
        assert time.process_time() - used < 0.4, "it spins"
