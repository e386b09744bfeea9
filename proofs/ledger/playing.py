"""What a device plays, online or not, and its queue of events for the service `playback`; the journal is that queue's
disk."""

import time
from random import Random
from typing import Any, Final

import httpx
import msgspec

from proofs.convergence.journal import Journal, Played, Reported
from proofs.convergence.plan import Member
from proofs.convergence.player import LENGTH_MS
from proofs.stamps import stamp_of
from sync_client import Unreachable
from sync_laws import clock
from sync_laws.tags import tag_of

_MOST_EVENTS: Final = 100
_AGAIN: Final = frozenset({425, 429, 500, 502, 503, 504})


class Player:
    """One session after the other, reported in order. `known` are the events of former lives, `reported` the event ids
    that the service has."""

    def __init__(
        self,
        member: Member,
        journal: Journal,
        http: httpx.AsyncClient,
        url: str,
        random: Random,
        known: list[Played],
        reported: set[str],
    ) -> None:
        self._member = member
        self._journal = journal
        self._http = http
        self._url = f"{url}/v1/users/{member.user}/playback/events"
        self._random = random
        bodies = [played.body for played in known]
        self._queue = [body for body in bodies if self._id(body) not in reported]
        self._number = len(bodies)
        self._hlc = max((int(body["hlc"]) for body in bodies), default=0)
        sessions = [body["sessionId"] for body in bodies]
        self._sessions = len(set(sessions))
        self._left = 0
        self._began_ms = 0
        if bodies and bodies[-1]["kind"] != "stopped":  # the app died while it played
            self._left = 1
            self._began_ms = clock.milliseconds_of(int(bodies[sessions.index(sessions[-1])]["hlc"]))

    def act(self) -> None:
        """Positions run with the clock, so what was watched is the last one less the first."""
        self._hlc = max(clock.pack(int(time.time() * 1000)), self._hlc + 1)
        now_ms = clock.milliseconds_of(self._hlc)
        if self._left == 0:
            self._sessions += 1
            self._left = self._random.randint(4, 12)
            self._began_ms = now_ms
            kind = "started"
        else:
            self._left -= 1
            kind = "progressed" if self._left else "stopped"
        body = {
            "eventId": f"e-{self._number}",
            "kind": kind,
            "sessionId": f"{self._member.user}-{self._sessions}",
            "titleId": f"t-{self._sessions}",
            "positionMs": now_ms - self._began_ms,
            "durationMs": LENGTH_MS,
            **stamp_of(self._hlc),
        }
        self._number += 1
        self._journal.write(Played(self._member.user, self._member.device, body))
        self._queue.append(body)

    def stop(self) -> None:
        if self._left:
            self._left = 1
            self.act()

    async def report(self) -> None:
        """Everything, in order. Raises Unreachable; the rest stays queued."""
        headers = {"Authorization": f"Bearer {self._member.token}", "Content-Type": "application/json"}
        while part := self._queue[:_MOST_EVENTS]:
            try:
                answer = await self._http.post(
                    self._url, headers=headers, content=msgspec.json.encode({"events": part})
                )
            except httpx.TransportError as error:
                raise Unreachable(str(error)) from error
            if answer.status_code in _AGAIN:
                raise Unreachable(f"{answer.status_code}")
            if answer.status_code != 202:
                raise RuntimeError(f"playback refuses what is right: {answer.status_code} {answer.text[:500]}")
            taken = tuple(map(self._id, part))
            self._journal.write(Reported(self._member.user, self._member.device, taken))
            del self._queue[: len(part)]

    def _id(self, body: dict[str, Any]) -> str:
        return tag_of(self._member.user, self._member.device, f"playback:{body['eventId']}")
