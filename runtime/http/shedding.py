"""A bound on the requests that one service works on at once; a few more wait for their turn, and are refused when it
does not come soon. All others are refused at once.

Without a bound everything that comes in is begun, each answer waits for all the others, and callers give up on work
that is still done. Without a queue a stall of a moment would be an error for whoever came meanwhile. What is refused
was not begun, so repeating it is safe. It must cost next to nothing, or refusing alone would keep a process busy: no
trace and no line in the log, only the counters tell of it.
"""

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from runtime import metrics
from runtime.http import problems
from runtime.http.observing import method_of, request_id_of
from runtime.http.problems import Problem

RETRY_SECONDS: Final = 1
WAIT_SECONDS: Final = 2.0
QUEUE: Final = 4
"""So many times as many requests wait as are worked on."""
_ROUTE: Final = "(shed)"
"""In place of a route, which nobody has looked up."""
_OPERATORS: Final = ("/health/", "/metrics")
"""Always answered: a service that sheds load is alive, and its metrics say that it does."""


class _Place:
    """That a request has among those that are worked on."""

    def __init__(self, bounded: "Bounded") -> None:
        self._bounded = bounded
        self._taken = True

    @property
    def taken(self) -> bool:
        return self._taken

    def leave(self) -> None:
        if self._taken:
            self._taken = False
            self._bounded.leave()

    def take_again(self) -> None:
        """Whether there is room or not: it was let in before, and what it does now is short."""
        self._taken = True
        self._bounded.enter()


_PLACE: ContextVar[_Place | None] = ContextVar("place", default=None)


@contextlib.contextmanager
def aside() -> Iterator[None]:
    """While a request only waits, for a read model that is behind for example, others may be worked on."""
    place = _PLACE.get()
    if place is None or not place.taken:
        yield
        return
    place.leave()
    try:
        yield
    finally:
        place.take_again()


class Bounded:
    """ASGI application around all others of a service. A request counts until its answer begins, so that answers
    without end (the live channel) take no room for as long as they last; WebSockets do not count at all."""

    def __init__(self, app: ASGIApp, service: str, most: int) -> None:
        self._app = app
        self._most = most if most > 0 else math.inf
        self._in_flight = 0
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._service = service
        self._shed = metrics.HTTP_SHED.labels(service)
        self._detail = f"{service} works on as many requests as it can."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["path"].startswith(_OPERATORS):
            await self._app(scope, receive, send)
        elif await self._admitted():
            await self._counted(scope, receive, send)
        else:
            self._shed.inc()
            metrics.HTTP_REQUESTS.labels(self._service, method_of(scope), _ROUTE, "503").inc()
            await _refuse(scope, send, self._detail)

    async def _admitted(self) -> bool:
        """Takes a place, if need be one that somebody leaves; False when there is none."""
        if self._in_flight < self._most:
            self.enter()
            return True
        if len(self._waiting) >= QUEUE * self._most:
            return False
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        self._waiting.append(turn)
        patience = loop.call_later(WAIT_SECONDS, self._give_up, turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with contextlib.suppress(ValueError):  # somebody who left may just have passed it over
                    self._waiting.remove(turn)
            elif turn.result():
                self.leave()
            raise
        finally:
            patience.cancel()

    def _give_up(self, turn: "asyncio.Future[bool]") -> None:
        if not turn.done():
            self._waiting.remove(turn)
            turn.set_result(False)

    def enter(self) -> None:
        self._in_flight += 1

    def leave(self) -> None:
        """The place goes to who has waited longest."""
        while self._waiting and self._in_flight <= self._most:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(True)
                return
        self._in_flight -= 1

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        place = _Place(self)
        token = _PLACE.set(place)

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                place.leave()
            await send(message)

        try:
            await self._app(scope, receive, sent)
        finally:
            _PLACE.reset(token)
            place.leave()


async def _refuse(scope: Any, send: Send, detail: str) -> None:
    problem = Problem(problems.OVERLOADED, detail, retry_after_seconds=RETRY_SECONDS)
    request_id = request_id_of(dict(scope["headers"]))
    headers, body = problems.raw(problem, request_id)
    headers += [(b"content-length", str(len(body)).encode()), (b"x-request-id", request_id.encode())]
    await send({"type": "http.response.start", "status": problem.type.status, "headers": headers})
    shown = b"" if scope["method"] == "HEAD" else body
    await send({"type": "http.response.body", "body": shown, "more_body": False})
