"""A provider that lists real films: many at first, then mostly changes of when they are shown, now and then of what is
said about them, and a new film as often."""

import sqlite3
import uuid
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

import msgspec
from standardwebhooks import Webhook

from bootstrap.importing import signed
from devstack import assets
from proofs.ledger.evidence import Posted
from proofs.load.requests import Request
from proofs.system import System
from schemas.envelope import derived_id

PROVIDER: Final = "netflix"
_NEW, _RETOLD = 0.1, 0.1
_DAYS: Final = tuple(f"January {day}, {year}" for year in range(2015, 2026) for day in range(1, 29))


class Films:
    """Makes deliveries. `track` notes the events of each."""

    def __init__(self, system: System, seed: int, *, track: bool = False) -> None:
        secret = next(one for one in system.settings.providers if one.name == PROVIDER).secrets[0]
        self._webhook = Webhook(secret.reveal())
        self._random = Random(f"{seed}/films")
        self._run = uuid.uuid4().hex[:8]
        self._track = track
        self._listed = 0
        self._told: dict[int, int] = {}
        self._deliveries = 0
        self._films = _films(system)
        self._random.shuffle(self._films)

    def first(self, size: int) -> Request:
        """Films that were never listed before; none when there are no more."""
        numbers = range(self._listed, min(self._listed + size, len(self._films)))
        self._listed = numbers.stop
        return self._delivery(list(numbers))

    def changes(self, size: int) -> Request:
        numbers: dict[int, None] = {}
        while len(numbers) < size:
            if self._random.random() < _NEW and self._listed < len(self._films):
                self._listed += 1
                numbers[self._listed - 1] = None
            else:
                numbers[self._random.randrange(self._listed)] = None
        return self._delivery(list(numbers))

    def _delivery(self, numbers: list[int]) -> Request:
        self._deliveries += 1
        delivery = f"msg_{self._run}_{self._deliveries}"
        items = [{"id": f"L{number}", "item": self._item(number)} for number in numbers]
        payload = {"type": "catalog.items.upserted", "timestamp": datetime.now(UTC), "data": {"items": items}}
        body = msgspec.json.encode(payload)
        events = [
            Posted(
                event_id=derived_id(f"{PROVIDER}/{delivery}", "ingestion", place),
                topic="catalog-deliveries",
                owner=PROVIDER,
                subject=f"L{number}",
                hlc=0,
                value=delivery,
                orderly=False,
            )
            for place, number in enumerate(numbers)
            if self._track
        ]
        path = f"/v1/webhooks/{PROVIDER}"
        headers = signed(self._webhook, delivery, body)
        return Request("webhooks", "webhooks", "ingestion", "POST", path, headers, body, events)

    def _item(self, number: int) -> dict[str, Any]:
        if self._random.random() < _RETOLD:  # a new text is a new vector; a new day is not
            self._told[number] = self._told.get(number, 0) + 1
        name, year, director = self._films[number]
        return {
            "show_id": f"L{number}",
            "type": "Movie",
            "title": name,
            "director": director,
            "release_year": year,
            "listed_in": "Dramas, Comedies",
            "date_added": self._random.choice(_DAYS),
            "description": f"{name} by {director}, as it was told {self._told.get(number, 0)} times before.",
        }


def _films(system: System) -> list[tuple[str, int, str]]:
    with sqlite3.connect(f"file:{assets.movies_db(system.home)}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT Title, Year, Director FROM omdb WHERE Title != '' AND Year > 1900")
        return [(str(name), int(year), str(director or "somebody")) for name, year, director in rows]
