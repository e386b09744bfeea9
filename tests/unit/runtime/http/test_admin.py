"""The admin server of a pipeline process, called as an ASGI app."""

import json
from typing import Any

import pytest

from runtime.health import State, UnitStatus
from runtime.http.admin import build_admin


def unit(name: str, state: State = "ready") -> UnitStatus:
    return UnitStatus(name, state, "", 10, 3, 1.5)


async def ask(path: str, *units: UnitStatus) -> tuple[int, str, bytes]:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    await build_admin(lambda: list(units))({"type": "http", "path": path, "method": "GET"}, receive, send)
    start, body = sent
    headers = dict(start["headers"])
    assert int(headers[b"content-length"]) == len(body["body"])
    return start["status"], headers[b"content-type"].decode(), body["body"]


async def test_status_is_what_every_unit_says() -> None:
    status, kind, body = await ask("/status", unit("processor:a"), unit("processor:b", "failed"))
    assert (status, kind) == (200, "application/json")
    assert [(one["unit"], one["state"], one["lagSeconds"]) for one in json.loads(body)] == [
        ("processor:a", "ready", 1.5),
        ("processor:b", "failed", 1.5),
    ]


@pytest.mark.parametrize("state", ["starting", "degraded", "stopped", "failed"])
async def test_ready_only_when_every_unit_is(state: State) -> None:
    assert (await ask("/health/ready", unit("processor:a")))[0] == 200
    status, _, body = await ask("/health/ready", unit("processor:a"), unit("processor:b", state))
    assert (status, json.loads(body)) == (503, {"ready": False, "notReady": ["processor:b"]})


async def test_alive_whatever_the_units_do() -> None:
    status, _, body = await ask("/health/live", unit("processor:a", "failed"))
    assert (status, json.loads(body)) == (200, {"status": "live"})


async def test_metrics_hold_what_the_units_say_now() -> None:
    await ask("/metrics", unit("processor:test-admin"))
    _, kind, body = await ask("/metrics", unit("processor:test-admin", "degraded"))
    assert kind.startswith("text/plain; version=0.0.4")
    lines = body.decode().splitlines()
    assert 'mg_unit_ready{unit="processor:test-admin"} 0.0' in lines
    assert 'mg_unit_lag_events{unit="processor:test-admin"} 3.0' in lines
    assert 'mg_unit_lag_seconds{unit="processor:test-admin"} 1.5' in lines


async def test_anything_else_is_a_problem() -> None:
    status, kind, body = await ask('/nowhere"')
    assert (status, kind) == (404, "application/problem+json")
    assert json.loads(body)["detail"] == 'no such page: /nowhere"'


async def test_the_lifespan_ends_with_its_shutdown() -> None:
    coming = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[str] = []

    async def receive() -> dict[str, Any]:
        return coming.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message["type"])

    await build_admin(list)({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
