"""What a device plays, and its queue of events for the service `playback`; the journal is that queue's disk."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any, Final

import httpx
import msgspec

from proofs.convergence.journal import Journal, Played, Reported
from proofs.convergence.plan import Member, is_orderly
from proofs.stamps import stamp_of
from sync_laws import clock

LENGTH_MS: Final = 6_000_000
_MOST_EVENTS: Final = 500
_TRIES: Final = 4
_AGAIN: Final = frozenset({425, 429, 500, 502, 503, 504})
_COUNTER: Final = 0x8000
"""Where a millisecond's stamps of the player begin: those of the device's own queue begin at 0, so the two never
make the same stamp."""


class Player:
    """One session after the other; `known` are the events of former lives, `reported` which of them the service has."""

    def __init__(
        self,
        member: Member,
        journal: Journal,
        client: httpx.AsyncClient,
        url: str,
        random: Random,
        wall_ms: Callable[[], int],
        known: list[Played],
        reported: set[str],
    ) -> None:
        self._member = member
        self._journal = journal
        self._client = client
        self._url = f"{url}/v1/users/{member.user}/playback/events"
        self._random = random
        self._queue = [played.body for played in known if played.body["eventId"] not in reported]
        self._wall_ms = wall_ms
        self._last = max((int(played.body["hlc"]) for played in known), default=0)
        self._number = len(known)
        self._begun = len({played.body["sessionId"] for played in known})
        self._session: str | None = None
        self._title = ""
        self._position_ms = 0
        self.positions: dict[str, int] = {}
        """Newest offset by `topic:partition`, for MG-After."""

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def act(self, titles: int) -> bool:
        """One event; False when there is nothing left to play. A session that a former life began stays open."""
        if self._session is None:
            if self._begun == len(self._member.sittings):
                return False
            self._title = self._member.sittings[self._begun]
            self._session = f"{self._member.device}-{self._begun}"
            self._begun += 1
            self._position_ms = self._random.randrange(LENGTH_MS // 2)
            self._event("started")
            return True
        kind = self._random.choice(("progressed", "progressed", "paused", "resumed", "seeked", "stopped", "completed"))
        self._position_ms = min(self._position_ms + self._random.randrange(600_000), LENGTH_MS)
        if kind == "seeked":
            self._position_ms = self._random.randrange(LENGTH_MS)
        self._event(kind)
        if kind in ("stopped", "completed"):
            if not is_orderly(self._title, titles):
                self._event("progressed")
            self._session = None
        return True

    async def flush(self) -> dict[str, int]:
        """Tries to report everything, in parts that are often out of order. What was accepted now: the newest clock of
        each title. The rest stays queued."""
        queue, size = list(self._queue), self._random.randint(1, _MOST_EVENTS)
        if self._random.random() < 0.5:
            self._random.shuffle(queue)
        accepted: dict[str, int] = {}
        for start in range(0, len(queue), size):
            part = queue[start : start + size]
            if not await self._report(part):
                break
            for body in part:
                accepted[body["titleId"]] = max(int(body["hlc"]), accepted.get(body["titleId"], 0))
        return accepted

    async def _report(self, part: list[dict[str, Any]]) -> bool:
        headers = {"Authorization": f"Bearer {self._member.token}", "Content-Type": "application/json"}
        for attempt in range(_TRIES):
            try:
                answer = await self._client.post(
                    self._url, headers=headers, content=msgspec.json.encode({"events": part})
                )
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == 202:
                self._took(part, answer.json()["positions"])
                return True
            if answer is not None and answer.status_code not in _AGAIN:
                raise RuntimeError(f"the service refuses a player's events: {answer.status_code} {answer.text[:1000]}")
            await asyncio.sleep(self._random.uniform(0, 0.2 * 2**attempt))
        return False

    def _took(self, part: list[dict[str, Any]], positions: list[str]) -> None:
        ids = {str(body["eventId"]) for body in part}
        self._journal.write(Reported(self._member.user, self._member.device, tuple(sorted(ids))))
        self._queue = [body for body in self._queue if body["eventId"] not in ids]
        for position in positions:
            place, _, offset = position.rpartition(":")
            self.positions[place] = max(int(offset), self.positions.get(place, -1))

    def _event(self, kind: str) -> None:
        self._last = max(clock.pack(self._wall_ms(), _COUNTER), self._last + 1)
        body = {
            "eventId": f"e-{self._number}",
            "kind": kind,
            "sessionId": self._session,
            "titleId": self._title,
            "positionMs": self._position_ms,
            "durationMs": LENGTH_MS,
            **stamp_of(self._last),
        }
        self._number += 1
        self._journal.write(Played(self._member.user, self._member.device, body))
        self._queue.append(body)
