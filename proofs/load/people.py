"""People with a device each: what their players report, what they edit, and what they ask for."""

import time
from collections.abc import Iterator, Sequence
from itertools import cycle
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from devstack.tokens import signer_of
from proofs.ledger.evidence import Posted
from proofs.load.requests import Request
from proofs.stamps import stamp_of
from proofs.system import System
from sync_laws import clock
from sync_laws.tags import tag_of

DEVICE: Final = "tv"
EDITS: Final = ("watchlist.add", "watchlist.remove", "preference.set")
EVERYTHING: Final = ("progress.set", *EDITS)
_SESSION: Final = 240
"""Reports of one film: one every half a minute for two hours."""
_STEP_MS, _LENGTH_MS = 30_000, 7_200_000
_ON_THE_LIST, _PREFERENCES = 30, 8
_TOKEN_SECONDS: Final = 24 * 3600
_QUESTIONS: Final = {
    "search": 25,
    "title": 25,
    "availability": 15,
    "continue-watching": 15,
    "watchlist": 10,
    "trending": 10,
}


class _Person:
    def __init__(self, name: str, token: str, random: Random) -> None:
        self.name = name
        self.headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        self.random = random
        self.sessions = 0
        self.reported = _SESSION
        self.title = ""
        self.number = 0


class People:
    """Everybody in turn. `titles` are what is watched and asked about, `searches` what is typed; `edits` what is done
    in devices' queues; `track` notes the events."""

    def __init__(
        self,
        system: System,
        count: int,
        seed: int,
        titles: Sequence[str],
        searches: Sequence[dict[str, str]],
        *,
        edits: Sequence[str] = EVERYTHING,
        track: bool = False,
    ) -> None:
        signer = signer_of(system.settings.home, system.settings.identity)
        self._random = Random(f"{seed}/people")
        self._titles = titles
        self._searches = searches
        self._edits = edits
        self._track = track
        self._clock = clock.HybridClock(lambda: time.time_ns() // 1_000_000)
        people = [
            _Person(name, signer.sign(name, DEVICE, (), seconds=_TOKEN_SECONDS), Random(f"{seed}/{name}"))
            for name in (f"viewer-{seed}-{number:04}" for number in range(count))
        ]
        self._playing, self._editing, self._asking = (self._in_turn(people) for _ in range(3))

    def playback(self, size: int) -> Request:
        person = next(self._playing)
        made = [self._report(person) for _ in range(size)]
        return self._post(person, "playback", "playback", "playback/events", "events", made)

    def mutations(self, size: int) -> Request:
        person = next(self._editing)
        made = [self._operation(person) for _ in range(size)]
        return self._post(person, "mutations", "sync", "sync/mutations", "operations", made)

    def question(self) -> Request:
        person = next(self._asking)
        what = self._random.choices(tuple(_QUESTIONS), tuple(_QUESTIONS.values()))[0]
        title = f"/v1/titles/{self._random.choice(self._titles)}"
        own = f"/v1/users/{person.name}/"
        service, path = {
            "search": ("discovery", f"/v1/search?{urlencode(self._random.choice(self._searches))}"),
            "title": ("discovery", title),
            "availability": ("discovery", f"{title}/availability"),
            "trending": ("discovery", "/v1/trending?window=24h"),
            "continue-watching": ("sync", f"{own}continue-watching"),
            "watchlist": ("sync", f"{own}watchlist"),
        }[what]
        headers = {"authorization": person.headers["authorization"]}
        return Request("queries", what, service, "GET", path, headers)

    def _in_turn(self, people: list[_Person]) -> Iterator[_Person]:
        return cycle(self._random.sample(people, len(people)))

    def _post(
        self,
        person: _Person,
        kind: str,
        service: str,
        path: str,
        member: str,
        made: list[tuple[dict[str, Any], str, str, str, Any]],
    ) -> Request:
        body = msgspec.json.encode({member: [entry for entry, *_ in made]})
        events = [
            Posted(tag_of(person.name, DEVICE, name), topic, person.name, subject, int(entry["hlc"]), value, False)
            for entry, name, topic, subject, value in made
            if self._track
        ]
        return Request(kind, kind, service, "POST", f"/v1/users/{person.name}/{path}", person.headers, body, events)

    def _report(self, person: _Person) -> tuple[dict[str, Any], str, str, str, Any]:
        kind = "progressed"
        person.reported += 1
        if person.reported > _SESSION:
            person.sessions += 1
            # In the middle of their films, or all would end theirs at once.
            person.reported = person.random.randrange(_SESSION) if person.sessions == 1 else 0
            person.title = person.random.choice(self._titles)
            kind = "started"
        elif person.reported == _SESSION:
            kind = "stopped"
        session, stamp = f"{person.name}-{person.sessions}", self._stamp(person)
        position = person.reported * _STEP_MS
        entry = {
            "eventId": f"p-{person.number}",
            "kind": kind,
            "sessionId": session,
            "titleId": person.title,
            "positionMs": position,
            "durationMs": _LENGTH_MS,
            **stamp,
        }
        value = {"session": session, "position_ms": position, "last": kind == "stopped"}
        return entry, f"playback:p-{person.number}", "playback-events", person.title, value

    def _operation(self, person: _Person) -> tuple[dict[str, Any], str, str, str, Any]:
        op, stamp = person.random.choice(self._edits), self._stamp(person)
        name = f"o-{person.number}"
        entry: dict[str, Any] = {"op": op, "operationId": name, **stamp}
        if op == "preference.set":
            subject = f"p.{person.random.randrange(_PREFERENCES)}"
            entry |= {"name": subject, "value": person.number}
            return entry, name, "preference-changes", subject, str(person.number)
        subject = self._titles[person.random.randrange(min(_ON_THE_LIST, len(self._titles)))]
        entry["titleId"] = subject
        if op == "progress.set":
            entry |= {"positionMs": person.random.randrange(_LENGTH_MS), "durationMs": _LENGTH_MS}
            return entry, name, "progress-changes", subject, entry["positionMs"]
        return entry, name, "watchlist-changes", subject, op

    def _stamp(self, person: _Person) -> dict[str, str]:
        person.number += 1
        return stamp_of(self._clock.next())
