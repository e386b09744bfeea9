"""One request more than a service works on at once is refused; whatever ended a request, its place is free again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Controller, get

from runtime import metrics
from runtime.http import shedding
from runtime.http.app import build_app
from runtime.http.service import Resources, ServiceSpec
from runtime.http.shedding import Bounded
from tests.support.webhooks import serving, settings

MOST = 3


class Gate:
    """Answers wait here."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.waiting = 0


GATES: dict[str, Gate] = {}


class SlowController(Controller):
    path = "/v1/slow"

    @get("/")
    async def slow(self) -> str:
        GATES["now"].waiting += 1
        await GATES["now"].open.wait()
        return "done"

    @get("/broken")
    async def broken(self) -> str:
        raise KeyError("x")


@asynccontextmanager
async def resources(_: Any) -> AsyncIterator[Resources]:
    yield Resources({})


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shedding, "WAIT_SECONDS", 0.2)


@pytest.fixture
async def gate() -> AsyncIterator[Gate]:
    GATES["now"] = Gate()
    yield GATES["now"]
    GATES["now"].open.set()


@asynccontextmanager
async def edge(tmp_path: Path, most: int) -> AsyncIterator[httpx.AsyncClient]:
    spec = ServiceSpec("slow", (SlowController,), resources, ())
    async with serving(build_app("slow", [spec], settings(tmp_path, http_in_flight=most))) as client:
        yield client


async def busy(client: httpx.AsyncClient, gate: Gate, count: int) -> list["asyncio.Task[httpx.Response]"]:
    tasks = [asyncio.create_task(client.get("/v1/slow")) for _ in range(count)]
    while gate.waiting < count:  # noqa: ASYNC110 - what is counted is counted by the handler
        await asyncio.sleep(0.001)
    return tasks


async def test_what_does_not_fit_is_refused_as_a_problem_and_told_when_to_come_again(
    tmp_path: Path, gate: Gate
) -> None:
    before = metrics.HTTP_SHED.labels("slow")._value.get()
    async with edge(tmp_path, MOST) as client:
        tasks = await busy(client, gate, MOST)
        refused = await client.get("/v1/slow")
        assert refused.status_code == 503
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["retry-after"] == "1"
        assert refused.headers["cache-control"] == "no-store"
        assert refused.json()["type"] == "/problems/overloaded"
        assert refused.json()["requestId"] == refused.headers["x-request-id"]
        assert (await client.get(refused.json()["type"])).status_code == 503, "explanations can wait as well"
        gate.open.set()
        assert [answer.text for answer in await asyncio.gather(*tasks)] == ["done"] * MOST
        assert (await client.get("/v1/slow")).text == "done"
        assert (await client.get("/problems/overloaded")).status_code == 200
    assert metrics.HTTP_SHED.labels("slow")._value.get() == before + 2


async def test_who_waits_gets_the_place_of_who_leaves(tmp_path: Path, gate: Gate) -> None:
    async with edge(tmp_path, MOST) as client:
        tasks = await busy(client, gate, MOST)
        waiting = [asyncio.create_task(client.get("/v1/slow")) for _ in range(MOST * shedding.QUEUE)]
        await asyncio.sleep(0.05)
        assert gate.waiting == MOST, "those that wait are not begun"
        gate.open.set()
        answers = await asyncio.gather(*tasks, *waiting)
        assert {answer.status_code for answer in answers} == {200}
        assert (await client.get("/v1/slow")).status_code == 200


async def test_only_so_many_wait(tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shedding, "WAIT_SECONDS", 3600.0)
    async with edge(tmp_path, MOST) as client:
        tasks = await busy(client, gate, MOST)
        waiting = [asyncio.create_task(client.get("/v1/slow")) for _ in range(MOST * shedding.QUEUE)]
        await asyncio.sleep(0.05)
        assert (await client.get("/v1/slow")).status_code == 503
        waiting.pop().cancel()
        await asyncio.sleep(0.05)
        waiting.append(asyncio.create_task(client.get("/v1/slow")))
        await asyncio.sleep(0.05)
        assert not waiting[-1].done(), "one that left makes room in the queue"
        gate.open.set()
        answers = await asyncio.gather(*tasks, *waiting)
        assert {answer.status_code for answer in answers} == {200}


async def test_a_place_that_is_given_to_somebody_who_is_leaving_is_not_lost() -> None:
    gate = asyncio.Event()

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        await gate.wait()

    async def nothing(*_: Any) -> Any: ...

    bounded = Bounded(app, "slow", 1)
    scope: Any = {"type": "http", "path": "/v1/slow", "method": "GET", "headers": [], "state": {}}
    first, second, third = (asyncio.create_task(bounded(scope, nothing, nothing)) for _ in range(3))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])  # its place is the second's now, which has not run since
    second.cancel()
    await asyncio.wait([second])
    gate.set()
    await third
    assert bounded._in_flight == 0
    assert not bounded._waiting


async def test_who_only_waits_takes_no_place() -> None:
    """Reads that wait for a read model that is behind must not keep out the commands it waits for."""
    behind, done = asyncio.Event(), asyncio.Event()
    worked = 0

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        nonlocal worked
        if scope["path"] == "/v1/read":
            with shedding.aside():
                await behind.wait()
        worked += 1
        await done.wait()

    async def nothing(*_: Any) -> Any: ...

    def scope(path: str) -> Any:
        return {"type": "http", "path": path, "method": "GET", "headers": [], "state": {}}

    bounded = Bounded(app, "slow", 2)
    tasks = [asyncio.create_task(bounded(scope("/v1/read"), nothing, nothing)) for _ in range(9)]
    await asyncio.sleep(0)
    tasks += [asyncio.create_task(bounded(scope("/v1/write"), nothing, nothing)) for _ in range(2)]
    await asyncio.sleep(0.01)
    assert worked == 2
    behind.set()
    await asyncio.sleep(0.01)
    assert worked == 11, "who was let in before need not queue again"
    done.set()
    await asyncio.gather(*tasks)
    assert bounded._in_flight == 0


async def test_aside_outside_a_request_is_nothing() -> None:
    with shedding.aside():
        pass


async def test_health_and_metrics_are_always_answered(tmp_path: Path, gate: Gate) -> None:
    async with edge(tmp_path, MOST) as client:
        await busy(client, gate, MOST)
        for path in ("/health/live", "/health/ready", "/metrics"):
            assert (await client.get(path)).status_code == 200
        gate.open.set()


async def test_errors_and_unknown_paths_give_their_place_back(tmp_path: Path, gate: Gate) -> None:
    async with edge(tmp_path, MOST) as client:
        for _ in range(MOST + 1):
            assert (await client.get("/v1/slow/broken")).status_code == 500
            assert (await client.get("/v1/nothing")).status_code == 404
        await busy(client, gate, MOST)
        gate.open.set()


async def test_a_caller_that_leaves_gives_its_place_back(tmp_path: Path, gate: Gate) -> None:
    async with edge(tmp_path, MOST) as client:
        tasks = await busy(client, gate, MOST)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        gate.open.set()
        assert (await client.get("/v1/slow")).status_code == 200


async def test_an_answer_that_has_begun_takes_no_place() -> None:
    """The live channel would else be full when as many people listen as requests may be worked on."""
    begun, finish = asyncio.Event(), asyncio.Event()

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        begun.set()
        await finish.wait()

    async def receive() -> Any: ...

    statuses: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    bounded = Bounded(app, "slow", 1)
    scope: Any = {"type": "http", "path": "/v1/live", "state": {}}
    tasks = []
    for _ in range(3):
        begun.clear()
        tasks.append(asyncio.create_task(bounded(scope, receive, send)))
        await begun.wait()
    assert statuses == [200, 200, 200]
    finish.set()
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("most", [0, -1])
async def test_no_bound(tmp_path: Path, gate: Gate, most: int) -> None:
    async with edge(tmp_path, most) as client:
        tasks = await busy(client, gate, 20)
        gate.open.set()
        assert {answer.status_code for answer in await asyncio.gather(*tasks)} == {200}
