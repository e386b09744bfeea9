"""WebSockets end with a problem too: the framework turns exceptions into responses for HTTP only.

For WebSockets it closes with 4500 and a text that may quote the address, token and all. So the exception is noted when
it happens, and the closing message replaced on its way out.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.exceptions import WebSocketException
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from runtime.http import errors, problems
from runtime.http.problems import Problem

CLOSE_CODES_FROM = 4000
"""A connection that was accepted is closed with this plus the problem's HTTP status: 4401, 4503 and so on."""
_MOST_REASON_BYTES = 123  # RFC 6455, section 5.5
_DENIAL = "websocket.http.response"
_NOTED = "socket_problem"


async def note(error: Exception, scope: Scope) -> None:
    """The framework's `after_exception` hook. An end that the handler itself asked for stays as it is."""
    if scope["type"] == ScopeType.WEBSOCKET and not isinstance(error, WebSocketException):
        scope["state"][_NOTED] = errors.problem_of(ASGIConnection(scope), error)


class SocketProblems:
    """ASGI application around the framework's. Before the handshake a problem is the HTTP answer, after it the code."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.WEBSOCKET:
            await self._app(scope, receive, send)
            return
        accepted = False

        async def sent(message: Message) -> None:
            nonlocal accepted
            accepted = accepted or message["type"] == "websocket.accept"
            problem = scope["state"].pop(_NOTED, None) if message["type"] == "websocket.close" else None
            if problem is None:
                await send(message)
            elif accepted or _DENIAL not in (scope.get("extensions") or {}):
                await send(_close(problem))
            else:
                for part in _answer(problem):
                    await send(part)  # type: ignore[arg-type] # the framework's types lack the extension's messages

        await self._app(scope, receive, sent)


def _close(problem: Problem) -> Message:
    reason = f"{problem.type.slug}: {problem.detail or problem.type.title}"
    text = reason.encode()[:_MOST_REASON_BYTES].decode("utf-8", "ignore")
    return {"type": "websocket.close", "code": CLOSE_CODES_FROM + problem.type.status, "reason": text}


def _answer(problem: Problem) -> tuple[Mapping[str, Any], ...]:
    """ASGI's extension "WebSocket Denial Response"."""
    headers, body = problems.raw(problem)
    start = {"type": f"{_DENIAL}.start", "status": int(HTTPStatus(problem.type.status)), "headers": headers}
    return start, {"type": f"{_DENIAL}.body", "body": body, "more_body": False}
