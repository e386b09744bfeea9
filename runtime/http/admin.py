"""The small server of a pipeline process: /status, /health/live, /health/ready, /metrics.

Plain ASGI: four fixed answers need no framework, and a pipeline process should not pay its memory.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from runtime import metrics
from runtime.health import UnitStatus

Statuses = Callable[[], list[UnitStatus]]
Asgi = Callable[[Any, Any, Any], Awaitable[None]]


def build_admin(statuses: Statuses) -> Asgi:
    """`statuses` is asked at every request."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            status, kind, body = _answer(scope["path"], statuses)
            await send(
                {
                    "type": "http.response.start",
                    "status": status,
                    "headers": [(b"content-type", kind), (b"content-length", str(len(body)).encode())],
                }
            )
            await send({"type": "http.response.body", "body": body})

    return app


def _answer(path: str, statuses: Statuses) -> tuple[int, bytes, bytes]:
    json = b"application/json"
    if path == "/metrics":
        _measure(statuses())
        return 200, b"text/plain; version=0.0.4; charset=utf-8", metrics.render()
    if path == "/health/live":
        return 200, json, b'{"status":"live"}'
    found = statuses()
    if path == "/status":
        return 200, json, msgspec.json.encode(found)
    if path == "/health/ready":
        missing = [one.unit for one in found if one.state != "ready"]
        return 503 if missing else 200, json, msgspec.json.encode({"ready": not missing, "notReady": missing})
    body = {"type": "about:blank", "title": "Not Found", "status": 404, "detail": f"no such page: {path}"}
    return 404, b"application/problem+json", msgspec.json.encode(body)


def _measure(found: list[UnitStatus]) -> None:
    for one in found:
        metrics.UNIT_READY.labels(one.unit).set(one.state == "ready")
        metrics.UNIT_LAG_SECONDS.labels(one.unit).set(one.lag_seconds)
        metrics.UNIT_LAG_EVENTS.labels(one.unit).set(one.lag_events)


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
