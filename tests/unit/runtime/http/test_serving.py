"""Several servers in one loop, on real loopback sockets."""

import asyncio
from typing import Any

import httpx
import pytest

from runtime.http import serving
from runtime.http.serving import Listener, PortTaken


class Plain:
    """A bare ASGI app that waits `seconds` before it answers."""

    def __init__(self, text: str, seconds: float = 0.0, *, fails: bool = False) -> None:
        self.text = text
        self.seconds = seconds
        self.fails = fails
        self.closed = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            if self.fails:
                await send({"type": "lifespan.startup.failed", "message": "no database"})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self.closed = True
            await send({"type": "lifespan.shutdown.complete"})
            return
        await asyncio.sleep(self.seconds)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": self.text.encode()})


async def test_each_app_has_its_port_and_is_closed_in_order() -> None:
    apps = [Plain("one"), Plain("two")]
    running = await serving.start([Listener(app, 0) for app in apps])
    async with httpx.AsyncClient() as client:
        answers = [(await client.get(f"http://127.0.0.1:{port}/")).text for port in running.ports]
    assert answers == ["one", "two"]
    await running.stop()
    assert all(app.closed for app in apps)


async def test_a_running_request_is_finished_before_the_end() -> None:
    running = await serving.start([Listener(Plain("late", 0.5), 0)])
    async with httpx.AsyncClient() as client:
        request = asyncio.create_task(client.get(f"http://127.0.0.1:{running.ports[0]}/"))
        await asyncio.sleep(0.1)
        await running.stop()
        assert (await request).text == "late"


async def test_a_taken_port_is_named() -> None:
    running = await serving.start([Listener(Plain("one"), 0)])
    with pytest.raises(PortTaken, match=str(running.ports[0])):
        await serving.start([Listener(Plain("two"), running.ports[0])])
    await running.stop()


async def test_an_app_that_cannot_open_ends_the_start_and_the_others() -> None:
    other = Plain("fine")
    with pytest.raises(RuntimeError, match="its log says why"):
        await serving.start([Listener(other, 0), Listener(Plain("bad", fails=True), 0)])
    assert other.closed
