"""A bound on the requests that one service works on at once: more are refused, at once and cheaply.

Without it everything that comes in is begun, each answer waits for all the others, and callers give up on work that is
still done. What is refused was not begun, so repeating it is safe. It must cost next to nothing, or refusing alone
would keep a process busy: no trace and no line in the log, only the counters tell of it.
"""

import math
from typing import Any, Final

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from runtime import metrics
from runtime.http import problems
from runtime.http.observing import method_of, request_id_of
from runtime.http.problems import Problem

RETRY_SECONDS: Final = 1
_ROUTE: Final = "(shed)"
"""In place of a route, which nobody has looked up."""
_OPERATORS: Final = ("/health/", "/metrics")
"""Always answered: a service that sheds load is alive, and its metrics say that it does."""


class Bounded:
    """ASGI application around all others of a service. A request counts until its answer begins, so that answers
    without end (the live channel) take no room for as long as they last; WebSockets do not count at all."""

    def __init__(self, app: ASGIApp, service: str, most: int) -> None:
        self._app = app
        self._most = most if most > 0 else math.inf
        self._in_flight = 0
        self._service = service
        self._shed = metrics.HTTP_SHED.labels(service)
        self._detail = f"{service} works on as many requests as it can."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["path"].startswith(_OPERATORS):
            await self._app(scope, receive, send)
        elif self._in_flight >= self._most:
            self._shed.inc()
            metrics.HTTP_REQUESTS.labels(self._service, method_of(scope), _ROUTE, "503").inc()
            await _refuse(scope, send, self._detail)
        else:
            await self._counted(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._in_flight += 1
        counted = True

        async def sent(message: Message) -> None:
            nonlocal counted
            if counted and message["type"] == "http.response.start":
                counted = False
                self._in_flight -= 1
            await send(message)

        try:
            await self._app(scope, receive, sent)
        finally:
            if counted:
                self._in_flight -= 1


async def _refuse(scope: Any, send: Send, detail: str) -> None:
    problem = Problem(problems.OVERLOADED, detail, retry_after_seconds=RETRY_SECONDS)
    request_id = request_id_of(dict(scope["headers"]))
    body = msgspec.json.encode(problem.body(request_id))
    headers = {
        "content-type": problems.MEDIA_TYPE,
        "content-length": str(len(body)),
        "cache-control": "no-store",
        "x-request-id": request_id,
        **problem.headers,
    }
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.type.status, "headers": encoded})
    shown = b"" if scope["method"] == "HEAD" else body
    await send({"type": "http.response.body", "body": shown, "more_body": False})
