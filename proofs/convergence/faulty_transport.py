"""A network that repeats requests, loses them or their answers, delays them, and delivers copies of old ones late."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Final

import httpx
from msgspec import Struct

from proofs.convergence.journal import FaultKind

LOST, ANSWER_LOST, REPEATED, LATE, DELAYED = 0.02, 0.05, 0.08, 0.05, 0.2
"""Shares of requests. `LATE` ones arrive once more when others have overtaken them."""
_LONGEST_DELAY: Final = 0.15
_LATEST: Final = 6.0


class Wire(Struct):
    """The real network, and copies of requests that are still under way. One a process."""

    transport: httpx.AsyncBaseTransport
    late: set["asyncio.Task[None]"] = set()

    async def close(self) -> None:
        """Copies that are still under way are lost."""
        for task in self.late:
            task.cancel()
        await asyncio.gather(*self.late, return_exceptions=True)
        await self.transport.aclose()


class FaultyTransport(httpx.AsyncBaseTransport):
    """Of one device. `noted` is told what happened to a request, `answered` gets each answer that reaches the device,
    and `sending` each request before it leaves."""

    def __init__(
        self,
        wire: Wire,
        random: Random,
        *,
        faulty: bool,
        sending: Callable[[httpx.Request], None],
        answered: Callable[[httpx.Request, httpx.Response], None],
        noted: Callable[[FaultKind], None],
    ) -> None:
        self._wire = wire
        self._random = random
        self._faulty = faulty
        self._sending = sending
        self._answered = answered
        self._noted = noted

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self._sending(request)
        if not self._faulty:
            response = await self._sent(request)
            self._answered(request, response)
            return response
        chance = self._random.random
        if chance() < DELAYED:
            await asyncio.sleep(self._random.uniform(0, _LONGEST_DELAY))
        if chance() < LOST:
            self._noted("lost")
            raise httpx.ConnectError("lost on the way there", request=request)
        if request.method == "POST" and chance() < LATE:
            self._noted("late")
            self._send_later(request)
        if chance() < REPEATED:
            self._noted("repeated")
            both = await asyncio.gather(self._sent(request), self._sent(request), return_exceptions=True)
            response = _answer(both[self._random.randrange(2)])
        else:
            response = await self._sent(request)
        if chance() < ANSWER_LOST:
            self._noted("answer lost")
            raise httpx.ReadError("lost on the way back", request=request)
        self._answered(request, response)
        return response

    async def aclose(self) -> None:
        """The wire is everybody's."""

    async def _sent(self, request: httpx.Request) -> httpx.Response:
        copy = httpx.Request(
            request.method,
            request.url,
            headers=request.headers,
            content=request.content,
            extensions=dict(request.extensions),
        )
        response = await self._wire.transport.handle_async_request(copy)
        await response.aread()
        return response

    def _send_later(self, request: httpx.Request) -> None:
        delay = self._random.uniform(0.1, _LATEST)

        async def later() -> None:
            await asyncio.sleep(delay)
            try:
                await self._sent(request)
            except httpx.TransportError:
                return  # nobody waits for it

        task = asyncio.get_running_loop().create_task(later())
        self._wire.late.add(task)
        task.add_done_callback(self._wire.late.discard)


def _answer(found: httpx.Response | BaseException) -> httpx.Response:
    if isinstance(found, BaseException):
        raise found
    return found
