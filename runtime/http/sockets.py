"""WebSockets end with a problem too: the framework turns exceptions into responses for HTTP only."""

from http import HTTPStatus

import msgspec
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.exceptions import WebSocketDisconnect
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from runtime.http import errors, problems
from runtime.http.problems import Problem

CLOSE_CODES_FROM = 4000
"""A connection that was accepted is closed with this plus the problem's HTTP status: 4401, 4503 and so on."""
_MOST_REASON_BYTES = 123  # RFC 6455, section 5.5


class SocketProblems:
    """ASGI application around routes. Before the handshake a problem is the HTTP answer, after it the closing code."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.WEBSOCKET:
            await self._app(scope, receive, send)
            return
        accepted = closed = False

        async def sent(message: Message) -> None:
            nonlocal accepted, closed
            accepted = accepted or message["type"] == "websocket.accept"
            closed = closed or message["type"] == "websocket.close"
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except WebSocketDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the peer hears an end; the unexpected is logged
            problem = errors.problem_of(ASGIConnection(scope), error)
            if closed:
                return
            if accepted or "websocket.http.response" not in (scope.get("extensions") or {}):
                await send(_close(problem))
                return
            for message in _answer(problem):
                await send(message)


def _close(problem: Problem) -> Message:
    reason = f"{problem.type.slug}: {problem.detail or problem.type.title}"
    text = reason.encode()[:_MOST_REASON_BYTES].decode("utf-8", "ignore")
    return {"type": "websocket.close", "code": CLOSE_CODES_FROM + problem.type.status, "reason": text}


def _answer(problem: Problem) -> tuple[Message, ...]:
    """The ASGI extension "WebSocket Denial Response"; the framework's types do not know its messages."""
    headers = {"Content-Type": problems.MEDIA_TYPE, "Cache-Control": "no-store", **problem.headers}
    start = {
        "type": "websocket.http.response.start",
        "status": HTTPStatus(problem.type.status),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
    }
    body = {"type": "websocket.http.response.body", "body": msgspec.json.encode(problem.body()), "more_body": False}
    return start, body  # type: ignore[return-value] # see above
