"""People's devices and a provider, through the real edges: each notes what it asks for before it asks, and what was
acknowledged after the answer. A request without a good answer is repeated under its ids until it has one."""

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

import httpx
import msgspec
from standardwebhooks import Webhook

from bootstrap.importing import signed
from devstack.tokens import signer_of
from proofs.ledger.background import Background
from proofs.ledger.evidence import Posted
from proofs.stamps import stamp_of
from proofs.system import System
from schemas.envelope import derived_id
from sync_laws import clock
from sync_laws.tags import tag_of

PEOPLE: Final = 12
PROVIDER: Final = "movielens"
DEVICE: Final = "tv"
ITEMS: Final = 5
"""New ones of a delivery."""
_CLASSES: Final = ("Drama", "Comedy", "Action", "Horror", "Romance", "Thriller", "Western", "War", "Crime", "Mystery")
_AGAIN: Final = frozenset({425, 429, 500, 502, 503, 504})
_LENGTH_MS: Final = 100 * 60 * 1000
_PATIENCE_SECONDS: Final = 120.0
"""After the load's end; what has no answer by then stays unacknowledged."""


class Producers(Background):
    """`posted` is complete after `finish`."""

    def __init__(self, system: System, seed: int) -> None:
        super().__init__("producers", _PATIENCE_SECONDS + 60)
        self._system = system
        self._seed = seed
        self._give_up = float("inf")
        self.posted: list[Posted] = []

    def finish(self) -> None:
        self._give_up = time.monotonic() + _PATIENCE_SECONDS
        super().finish()

    def _work(self) -> None:
        asyncio.run(self._all())

    async def _all(self) -> None:
        settings = self._system.settings
        signer = signer_of(settings.home, settings.identity)
        async with httpx.AsyncClient(timeout=10) as client, asyncio.TaskGroup() as group:
            for number in range(PEOPLE):
                user = f"person-{self._seed}-{number:02}"
                token = signer.sign(user, DEVICE, (), seconds=4 * 3600)
                random = Random(f"{self._seed}/{number}")
                person = _Person(self, client, user, token, random, orderly=number % 2 == 0)
                group.create_task(person.live())
            group.create_task(self._deliver(client))

    async def _deliver(self, client: httpx.AsyncClient) -> None:
        """Made-up films, a delivery now and then; each also has one of the earlier ones again, of another genre: a new
        version of its title, with another text."""
        secret = next(each for each in self._system.settings.providers if each.name == PROVIDER).secrets[0]
        webhook = Webhook(secret.reveal())
        random, changes = Random(f"{self._seed}/{PROVIDER}"), Counter[str]()
        number = 0
        while not self._stop.is_set():
            delivery = f"msg_{self._seed}_{number}"
            ids = [f"L{number * ITEMS + place}" for place in range(ITEMS)]
            if number:
                ids.append(f"L{random.randrange(number * ITEMS)}")
                changes[ids[-1]] += 1
            rows = [
                {
                    "item_id": native_id,
                    "movie_title": f"Invention {native_id}",
                    "release_year": 1997,
                    "class": _CLASSES[changes[native_id] % len(_CLASSES)],
                }
                for native_id in ids
            ]
            data = {"items": [{"id": row["item_id"], "item": row} for row in rows]}
            body = msgspec.json.encode({"type": "catalog.items.upserted", "timestamp": datetime.now(UTC), "data": data})
            events = [
                Posted(
                    event_id=derived_id(f"{PROVIDER}/{delivery}", "ingestion", place),
                    topic="catalog-deliveries",
                    owner=PROVIDER,
                    subject=native_id,
                    hlc=0,
                    value=delivery,
                )
                for place, native_id in enumerate(ids)
            ]
            self.posted += events

            def headers(delivery: str = delivery, body: bytes = body) -> dict[str, str]:
                return signed(webhook, delivery, body)

            await self.post(client, f"{self._system.url('ingestion')}/v1/webhooks/{PROVIDER}", body, headers, events)
            number += 1
            await asyncio.sleep(0.4)

    async def post(self, client: httpx.AsyncClient, url: str, body: bytes, headers: Any, events: list[Posted]) -> bool:
        """Until it is acknowledged; `headers` makes them anew for each attempt. False when time is up."""
        while time.monotonic() < self._give_up:
            try:
                answer = await client.post(url, content=body, headers=headers())
            except httpx.TransportError:
                await asyncio.sleep(0.3)
                continue
            if answer.status_code == 202:
                for each in events:
                    each.acknowledged = True
                return True
            if answer.status_code not in _AGAIN:
                raise RuntimeError(f"{url} refuses what is right: {answer.status_code} {answer.text[:500]}")
            await asyncio.sleep(0.3)
        return False

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def url(self, service: str, user: str, path: str) -> str:
        return f"{self._system.url(service)}/v1/users/{user}/{path}"


class _Person:
    """One request after the other. Who is not `orderly` reports the newer of two things first."""

    def __init__(
        self, producers: Producers, client: httpx.AsyncClient, user: str, token: str, random: Random, *, orderly: bool
    ) -> None:
        self._producers = producers
        self._client = client
        self._user = user
        self._token = token
        self._random = random
        self._orderly = orderly
        self._hlc = 0
        self._number = 0
        self._sessions = 0
        self._began_ms = 0
        self._left = 0

    async def live(self) -> None:
        while not self._producers.stopping:
            draw = self._random.random()
            if draw < 0.5:
                await self._in_my_order([self._played() for _ in range(self._random.randint(1, 3))], self._report)
            elif draw < 0.7:
                await self._in_my_order([self._rating() for _ in range(2)], self._rate)
            else:
                await self._in_my_order([self._operation() for _ in range(2)], self._mutate)
            await asyncio.sleep(self._random.random() * 0.4)
        if self._left:
            self._left = 1
            await self._report([self._played()])

    async def _in_my_order(self, made: list[tuple[Posted, dict[str, Any]]], send: Any) -> None:
        if self._orderly:
            await send(made)
        else:
            # Edits of a list are for the edge to order; registers must not care.
            for each in made if made[0][0].topic == "watchlist-changes" else reversed(made):
                await send([each])

    async def _report(self, made: list[tuple[Posted, dict[str, Any]]]) -> None:
        await self._send("playback", "playback/events", "events", made)

    async def _rate(self, made: list[tuple[Posted, dict[str, Any]]]) -> None:
        await self._send("playback", "ratings", "ratings", made)

    async def _mutate(self, made: list[tuple[Posted, dict[str, Any]]]) -> None:
        await self._send("sync", "sync/mutations", "operations", made)

    async def _send(self, service: str, path: str, name: str, made: list[tuple[Posted, dict[str, Any]]]) -> None:
        events = [event for event, _ in made]
        self._producers.posted += events
        body = msgspec.json.encode({name: [entry for _, entry in made]})
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        url = self._producers.url(service, self._user, path)
        await self._producers.post(self._client, url, body, lambda: headers, events)

    def _played(self) -> tuple[Posted, dict[str, Any]]:
        """Positions run with the clock, so what was watched is the last one less the first."""
        if self._left == 0:
            self._sessions += 1
            self._left = self._random.randint(4, 12)
            kind = "started"
        else:
            self._left -= 1
            kind = "progressed" if self._left else "stopped"
        stamp = self._stamp()
        now_ms = clock.milliseconds_of(self._hlc)
        if kind == "started":
            self._began_ms = now_ms
        session = f"{self._user}-{self._sessions}"
        position = now_ms - self._began_ms
        name = f"p-{self._number}"
        entry = {
            "eventId": name,
            "kind": kind,
            "sessionId": session,
            "titleId": f"t-{self._sessions}",
            "positionMs": position,
            "durationMs": _LENGTH_MS,
            **stamp,
        }
        value = {"session": session, "position_ms": position, "last": kind == "stopped"}
        return self._asked(f"playback:{name}", "playback-events", f"t-{self._sessions}", value), entry

    def _rating(self) -> tuple[Posted, dict[str, Any]]:
        stamp, name = self._stamp(), f"r-{self._number}"
        title, rating = f"t-{self._random.randrange(6)}", self._random.randrange(1, 11) / 2
        entry = {"eventId": name, "titleId": title, "rating": rating, **stamp}
        return self._asked(f"rating:{name}", "ratings", title, rating), entry

    def _operation(self) -> tuple[Posted, dict[str, Any]]:
        stamp, name = self._stamp(), f"o-{self._number}"
        entry: dict[str, Any] = {"operationId": name, **stamp}
        if self._random.random() < 0.5:
            subject, number = f"p.{self._random.randrange(4)}", self._number
            entry |= {"op": "preference.set", "name": subject, "value": number}
            return self._asked(name, "preference-changes", subject, str(number)), entry
        subject = f"w-{self._random.randrange(8)}"
        kind = self._random.choice(("watchlist.add", "watchlist.remove"))
        entry |= {"op": kind, "titleId": subject}
        return self._asked(name, "watchlist-changes", subject, kind), entry

    def _asked(self, name: str, topic: str, subject: str, value: Any) -> Posted:
        event_id = tag_of(self._user, DEVICE, name)
        return Posted(event_id, topic, self._user, subject, self._hlc, value, self._orderly)

    def _stamp(self) -> dict[str, str]:
        self._number += 1
        self._hlc = max(clock.pack(int(time.time() * 1000)), self._hlc + 1)
        return stamp_of(self._hlc)
