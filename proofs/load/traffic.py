"""Sends requests to the services' own ports and notes every answer."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Final

from bootstrap import outcomes
from devstack import assets
from proofs.benchmarks.lean import LeanClient
from proofs.benchmarks.load import scheduled
from proofs.benchmarks.queries import mixed_queries
from proofs.ledger.evidence import Posted
from proofs.load.films import PROVIDER, Films
from proofs.load.people import EVERYTHING, People
from proofs.load.plan import Send
from proofs.load.requests import BROKEN, GOOD, TIMED_OUT, Answer, Request
from proofs.system import System, SystemFailed

_ANSWER_SECONDS: Final = 30.0
"""A request without an answer for so long hangs."""
_PEOPLE, _SEARCHES, _LISTED, _A_DELIVERY = 400, 2000, 1000, 100
_SERVICES: Final = ("ingestion", "playback", "sync", "discovery")


class Traffic:
    """`answers` in the order in which they came; `posted` are all events that were asked for, when they are tracked."""

    def __init__(
        self, system: System, seed: int, *, connections: int, edits: Sequence[str] = EVERYTHING, track: bool = False
    ) -> None:
        self._system = system
        self._seed = seed
        self._edits = edits
        self._track = track
        self._films = Films(system, seed, track=track)
        self._people: People
        self._clients = {
            name: LeanClient("127.0.0.1", getattr(system.settings.ports, name), most=connections) for name in _SERVICES
        }
        self.answers: list[Answer] = []
        self.posted: list[Posted] = []

    async def list_films(self) -> None:
        """What people then watch, search for and ask about. Raises SystemFailed."""
        for _ in range(_LISTED // _A_DELIVERY):
            await self._send(self._films.first(_A_DELIVERY), time.perf_counter(), _A_DELIVERY)
        if not all(answer.good for answer in self.answers):
            raise SystemFailed(f"the first films are refused: {[answer.status for answer in self.answers]}")
        self.answers.clear()
        await asyncio.to_thread(outcomes.wait_until_done, self._system.settings, "first films")
        titles = await asyncio.to_thread(outcomes.title_ids, self._system.settings, PROVIDER)
        searches = mixed_queries(assets.movies_db(self._system.home), _SEARCHES, self._seed)
        self._people = People(
            self._system, _PEOPLE, self._seed, sorted(titles.values()), searches, edits=self._edits, track=self._track
        )

    async def follow(self, plan: Sequence[Send]) -> None:
        """Each request leaves when it is due (open loop); returns when the last has its answer."""

        async def one(number: int, due: float) -> None:
            await self._send(self._made(plan[number]), due, plan[number].size)

        await scheduled((send.due for send in plan), one)

    async def saturate(self, mixture: Iterator[Send], callers: int, seconds: float) -> None:
        """As many callers as named, each with the next request when it has its answer (closed loop)."""
        until = time.perf_counter() + seconds

        async def caller() -> None:
            while (now := time.perf_counter()) < until:
                send = next(mixture)
                await self._send(self._made(send), now, send.size)

        await asyncio.gather(*(caller() for _ in range(callers)))

    def taken(self) -> list[Answer]:
        """Those since the last call."""
        found, self.answers = self.answers, []
        return found

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()

    def _made(self, send: Send) -> Request:
        match send.kind:
            case "webhooks":
                return self._films.changes(send.size)
            case "playback":
                return self._people.playback(send.size)
            case "mutations":
                return self._people.mutations(send.size)
            case _:
                return self._people.question()

    async def _send(self, request: Request, due: float, size: int) -> None:
        self.posted += request.events
        polite, late = False, time.perf_counter() - due
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                status, headers, _ = await self._clients[request.service].request(
                    request.method, request.path, request.headers, request.body
                )
            polite = headers.get("retry-after", "").isdigit()
        except TimeoutError:
            status = TIMED_OUT
        except (OSError, EOFError):
            status = BROKEN
        if status in GOOD:
            for event in request.events:
                event.acknowledged = True
        self.answers.append(Answer(request.kind, request.what, time.perf_counter() - due, status, size, polite, late))
