"""Several apps on several ports in one event loop (uvicorn on uvloop and httptools)."""

import asyncio
import contextlib
import socket
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import uvicorn
import uvloop
from litestar import Litestar
from litestar.types import ASGIApp
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

T = TypeVar("T")

STOPPING = "stopping"
"""In an app's `state`: functions to call when it begins to stop, before running requests are waited for."""

_MOST_FRAME_BYTES = 65_536
"""Of what clients say over a WebSocket; more closes it with 1009."""
_PING_SECONDS, _PONG_SECONDS = 15.0, 30.0
"""A WebSocket whose client does not answer a ping within 30 s is closed: 45 s after its last sign of life."""
_UNANSWERED_MILLISECONDS = 45_000
"""A peer that confirms nothing, or takes nothing, for so long is cut off by the kernel: half-open connections too."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Where an app listens; port 0 takes a free one. Loopback unless told otherwise."""

    app: ASGIApp
    port: int
    host: str = "127.0.0.1"


class PortTaken(Exception):
    """A port is in use; the message says which and what to do."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to whoever runs the process, which may serve several apps."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answers without end must end first, or they would be waited for."""
        if isinstance(self.config.app, Litestar):
            for stop in self.config.app.state.get(STOPPING, ()):
                stop()
        await super().shutdown(sockets)


class _Socket(WebSocketsSansIOProtocol):
    """Takes an HTTP answer to a handshake for what it is; the library goes on to log that the handshake is missing."""

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True


class Serving:
    """Apps that answer; `ports` are theirs, in the order given."""

    def __init__(self, servers: Sequence[_Server], tasks: Sequence[asyncio.Task[None]], ports: tuple[int, ...]) -> None:
        self._servers = servers
        self._tasks = tasks
        self.ports = ports

    async def stop(self) -> None:
        """Lets running requests finish (up to the grace period), then closes the apps' resources."""
        for server in self._servers:
            server.should_exit = True
        # All of them to the end first, whichever failed.
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, BaseException):
                raise error

    async def wait(self) -> None:
        """Returns when all servers have ended; raises what ended one of them."""
        await asyncio.gather(*self._tasks)


async def start(listeners: Sequence[Listener], *, grace_seconds: int = 10) -> Serving:
    """Returns once every app has opened its resources and listens. Raises PortTaken, or what a lifespan raised."""
    sockets = [_bound(listener) for listener in listeners]
    ports = tuple(int(bound.getsockname()[1]) for bound in sockets)
    servers = [_Server(_config(listener, grace_seconds)) for listener in listeners]
    tasks = [
        asyncio.create_task(_serve(server, bound), name=f"http-{port}")
        for server, bound, port in zip(servers, sockets, ports, strict=True)
    ]
    serving = Serving(servers, tasks, ports)
    while not all(server.started for server in servers):
        if any(task.done() for task in tasks):
            await serving.stop()
            raise RuntimeError("an HTTP server ended while it was starting; its log says why")
        await asyncio.sleep(0.01)
    return serving


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs `main` on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


async def _serve(server: _Server, bound: socket.socket) -> None:
    try:
        await server.serve(sockets=[bound])
    except SystemExit as error:  # uvicorn's way of saying that a lifespan failed; it must not end the whole process
        raise RuntimeError("the app could not open its resources; its log says why") from error
    finally:
        bound.close()


def _config(listener: Listener, grace_seconds: int) -> uvicorn.Config:
    return uvicorn.Config(
        listener.app,
        loop="none",
        http="httptools",
        ws=_Socket,
        ws_max_size=_MOST_FRAME_BYTES,
        ws_ping_interval=_PING_SECONDS,
        ws_ping_timeout=_PONG_SECONDS,
        ws_per_message_deflate=False,  # costs memory and time for each connection; messages are small
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=grace_seconds,
        backlog=1024,
    )


def _bound(listener: Listener) -> socket.socket:
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; accepted connections inherit it
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNANSWERED_MILLISECONDS)
    try:
        found.bind((listener.host, listener.port))
    except OSError as error:
        found.close()
        raise PortTaken(
            f"{listener.host}:{listener.port} cannot be used ({error.strerror}): choose another port"
        ) from error
    found.setblocking(False)
    return found
