"""Around every request, found route or not: request id, trace, access log, metrics."""

import re
import time
from collections.abc import Mapping
from typing import Any

import structlog
import uuid_utils
from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from runtime import logging, metrics, tracing

_LOG = logging.get(__name__)
_USABLE_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET = frozenset({"/health/live", "/health/ready", "/metrics"})


class Observed:
    """ASGI application around the framework's. A label is a route template, never a path: paths are unbounded."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        request_id = request_id_of(headers)
        scope["state"]["request_id"] = request_id
        started, status = time.perf_counter(), 500
        asked = method_of(scope)
        if asked == "HEAD":  # RFC 9110, section 9.3.2: as GET, without the content; the framework knows no such rule
            scope["method"] = HttpMethod.GET

        async def sent(message: Message) -> None:
            nonlocal status
            if asked == "HEAD" and message["type"] == "http.response.body":
                message["body"] = b""
            if message["type"] == "http.response.start":
                status = message["status"]
                extra = [(b"x-request-id", request_id.encode())]
                if traceparent := tracing.current_traceparent():
                    extra.append((tracing.TRACEPARENT.encode(), traceparent.encode()))
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        parent = headers.get(tracing.TRACEPARENT.encode(), b"").decode("latin-1") or None
        with (
            structlog.contextvars.bound_contextvars(request_id=request_id, service=self._service),
            tracing.request_span(f"{self._service} {asked}", parent),
        ):
            try:
                await self._app(scope, receive, sent)
            finally:
                self._record(scope, asked, status, time.perf_counter() - started)

    def _record(self, scope: Any, method: str, status: int, seconds: float) -> None:
        route = scope.get("path_template") or "(no route)"
        metrics.HTTP_REQUESTS.labels(self._service, method, route, str(status)).inc()
        metrics.HTTP_SECONDS.labels(self._service, method, route).observe(seconds)
        log = _LOG.debug if route in _QUIET else _LOG.info
        # The path and the query may carry what people search for: the route says enough.
        log("http_request", method=method, route=route, status=status, milliseconds=round(seconds * 1000, 1))


def request_id_of(headers: Mapping[bytes, bytes]) -> str:
    """The caller's own when it is usable."""
    given = headers.get(b"x-request-id", b"")
    return given.decode("ascii") if _USABLE_ID.fullmatch(given) else str(uuid_utils.uuid7())


def method_of(scope: Any) -> str:
    """One that there is, or OTHER: it becomes a label."""
    method = str(scope.get("method", ""))
    return method if method in _METHODS else "OTHER"
