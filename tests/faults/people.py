"""What people do in the tests of the viewing pipeline: made up, and the same in every run but for names and times.

A run has a name that all ids begin with, a region of its own, and a time that all times count from: so runs share a
system without touching, and what is left of each can be compared (tests/faults/viewing.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Literal

from sync_laws import clock, rank
from sync_laws.tags import tag_of

PEOPLE = 40
SITTINGS = 14
"""Of each person: fewer than any unit remembers."""
TITLES = 60
EDITS = 10
SITTING_SECONDS = 80
"""All of a run lies within twenty minutes: trends take what is up to an hour late, however slow the machine is."""
LENGTH_MS = 70_000

Service = Literal["playback", "sync"]


@dataclass(frozen=True, slots=True)
class Run:
    number: int
    began: datetime

    @property
    def name(self) -> str:
        return f"run{self.number:02}-"

    @property
    def region(self) -> str:
        return f"{chr(65 + self.number // 26)}{chr(65 + self.number % 26)}"

    @property
    def began_hlc(self) -> int:
        return clock.pack(milliseconds(self.began))


@dataclass(frozen=True, slots=True)
class Act:
    """One request of a device."""

    at: datetime
    user: str
    device: str
    service: Service
    path: str
    body: dict[str, Any]


def new_run(number: int) -> Run:
    now = datetime.now(UTC).replace(microsecond=0)
    return Run(number, now - timedelta(seconds=SITTINGS * SITTING_SECONDS + 60))


def acts(run: Run) -> list[Act]:
    """In the order in which they happened."""
    found = [act for person in range(PEOPLE) for act in _person(run, person)]
    return sorted(found, key=lambda act: (act.at, act.user))


def _person(run: Run, number: int) -> Iterator[Act]:
    random = Random(number)
    user = f"{run.name}person-{number:02}"
    devices = [f"{run.name}tv", f"{run.name}phone"]
    titles = [f"{run.name}title-{random.randrange(TITLES):02}" for _ in range(SITTINGS)]
    for sitting, title in enumerate(titles):
        at = run.began + timedelta(seconds=sitting * SITTING_SECONDS + random.randrange(5))
        device = random.choice(devices)
        events = list(_sitting(run, f"{user}-{sitting}", title, at, random))
        for part in (events[:2], events[2:]):
            when = datetime.fromisoformat(part[0]["occurredAt"])
            yield Act(when, user, device, "playback", "playback/events", {"events": part, "region": run.region})
        if random.random() < 0.5:
            rated = _stamped(at + timedelta(seconds=75), 0)
            rating = {"eventId": f"r-{sitting}", "titleId": title, "rating": random.randrange(1, 11) / 2, **rated}
            yield Act(at + timedelta(seconds=75), user, device, "playback", "ratings", {"ratings": [rating]})
    yield from _edits(run, user, devices, titles, random)


def _sitting(run: Run, session: str, title: str, at: datetime, random: Random) -> Iterator[dict[str, Any]]:
    """Now and then paused, sought or seen to its end."""
    last = random.choice(("stopped", "completed"))
    kinds = ["started", "progressed", random.choice(("progressed", "paused", "seeked")), "resumed", "progressed", last]
    position = 0
    for ordinal, kind in enumerate(kinds):
        position = LENGTH_MS if kind == "completed" else min(position + random.randrange(12_000), LENGTH_MS)
        yield {
            "eventId": f"{session.removeprefix(run.name)}-{ordinal}",
            "kind": kind,
            "sessionId": session,
            "titleId": title,
            "positionMs": 0 if kind == "started" else position,
            "durationMs": LENGTH_MS,
            **_stamped(at + timedelta(seconds=12 * ordinal), ordinal),
        }


def _edits(run: Run, user: str, devices: list[str], titles: list[str], random: Random) -> Iterator[Act]:
    """Of the watchlist, positions, marks and preferences: requests of two operations."""
    tags: dict[str, list[str]] = {}
    for number in range(EDITS):
        at = run.began + timedelta(seconds=number * 100 + 30)
        device, title = random.choice(devices), random.choice(titles)
        place = rank.spread(None, None, 9)[random.randrange(9)]
        if tags.get(title) and random.random() < 0.5:
            listed: dict[str, Any] = {"op": "watchlist.remove", "titleId": title, "observed": tags.pop(title)}
        else:
            listed = {"op": "watchlist.add", "titleId": title, "rank": place, "observed": tags.pop(title, [])}
            tags[title] = [tag_of(user, device, f"l-{number}")]
        other: dict[str, Any] = random.choice(
            (
                {"op": "progress.set", "titleId": title, "positionMs": random.randrange(LENGTH_MS)},
                {"op": random.choice(("watched.mark", "watched.unmark")), "titleId": title},
                {"op": "preference.set", "name": f"p.{random.randrange(4)}", "value": random.randrange(100)},
                {"op": "preference.set", "name": f"p.{random.randrange(4)}", "value": None},
            )
        )
        operations = [
            {**listed, "operationId": f"l-{number}", **_stamped(at, 100)},
            {**other, "operationId": f"o-{number}", **_stamped(at, 101)},
        ]
        yield Act(at, user, device, "sync", "sync/mutations", {"operations": operations})


def _stamped(at: datetime, ordinal: int) -> dict[str, str]:
    return {
        "hlc": str(clock.pack(milliseconds(at), ordinal)),
        "occurredAt": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def milliseconds(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
