"""A bad network between the units and a backend: a TCP proxy that cuts, falls silent, delays and loses answers."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random
from typing import Final, Self

from msgspec import Struct

from proofs.system import System, free_ports

_PIECE: Final = 65_536


class Weather(Struct, frozen=True):
    """What happens on the way. `cut`: connections are reset, new ones too. `silent`: nothing arrives, and nobody is
    told. `delay_seconds`: each piece, each way. `lost_answers`: share of the pieces from the backend instead of which
    the connection is reset, so that what was asked for is done and who asked does not know."""

    cut: bool = False
    silent: bool = False
    delay_seconds: float = 0.0
    lost_answers: float = 0.0


FINE: Final = Weather()


class Link:
    """Listens on one port of this machine and forwards to another, in a thread of its own."""

    def __init__(self, port: int, target: int, seed: str = "") -> None:
        self._port = port
        self._target = target
        self._random = Random(seed)
        self._weather = FINE
        self._loop = asyncio.new_event_loop()
        self._flows = asyncio.Event()
        self._flows.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"link-{port}", daemon=True)
        self.lost = 0
        """Answers that never arrived."""

    def start(self) -> None:
        self._thread.start()
        if not self._listening.wait(10):
            raise OSError(f"nothing listens on port {self._port}")

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @contextmanager
    def weather(self, weather: Weather) -> Iterator[None]:
        self._weather = weather
        if weather.cut:
            self._loop.call_soon_threadsafe(self._reset_all)
        if weather.silent:
            self._loop.call_soon_threadsafe(self._flows.clear)
        try:
            yield
        finally:
            self._weather = FINE
            self._loop.call_soon_threadsafe(self._flows.set)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._connected, "127.0.0.1", self._port))
        self._listening.set()
        self._loop.run_forever()
        server.close()
        self._reset_all()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def _reset_all(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._weather.cut:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:  # the backend is down: so says a reset
            writer.transport.abort()
            return
        ends = (writer, back)
        self._open.update(ends)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._forward(reader, back, ends, answers=False))
                group.create_task(self._forward(there, writer, ends, answers=True))
        except* (OSError, asyncio.CancelledError):
            pass
        finally:
            self._open.difference_update(ends)
            for end in ends:
                end.transport.abort()

    async def _forward(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        ends: tuple[asyncio.StreamWriter, ...],
        *,
        answers: bool,
    ) -> None:
        while piece := await source.read(_PIECE):
            await self._flows.wait()
            if self._weather.delay_seconds:
                await asyncio.sleep(self._weather.delay_seconds)
            if answers and self._random.random() < self._weather.lost_answers:
                self.lost += 1
                for end in ends:
                    end.transport.abort()
                return
            sink.write(piece)
            await sink.drain()
        with suppress(OSError):
            sink.write_eof()


LINKED: Final = ("kafka", "postgres", "redis", "qdrant")


class Network:
    """A link to each backend of one system, whose clients are told the link's port instead of the backend's."""

    def __init__(self, system: System, seed: int) -> None:
        self.links: dict[str, Link] = {}
        for name, port in zip(LINKED, free_ports(len(LINKED)), strict=True):
            target = int(system.environment[f"MG_STACK_{name.upper()}_PORT"])
            system.environment[f"MG_STACK_{name.upper()}_ADVERTISED_PORT"] = str(port)
            self.links[name] = Link(port, target, f"{seed}/{name}")

    def __enter__(self) -> Self:
        for link in self.links.values():
            link.start()
        return self

    def __exit__(self, *_: object) -> None:
        for link in self.links.values():
            link.stop()
