"""Whatever is lost and whoever comes and goes: in the end every client has what is stored, and nothing went back."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from query_api.services.live.hub import SWEEP_SECONDS
from runtime.clock import FrozenClock
from tests.support.live_model import NOW, Device, MemoryReader, hub_over, notice, settle, state


class World:
    """Two people with two devices each."""

    def __init__(self) -> None:
        self.reader = MemoryReader()
        self.clock = FrozenClock(NOW)
        self.hub = hub_over(self.reader, self.clock)
        self.devices = [Device(self.hub, user, device) for user in ("ann", "bob") for device in ("tv", "phone")]
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        for device in self.devices:
            await device.connect()
        await settle()

    async def commit(self, user: str, title: int, fate: str) -> None:
        row = state(user, f"t{title}", self.reader.revision + 1)
        moved = self.reader.commit(row)
        if fate != "lost":
            self.hub.heard(notice(moved, row, told=fate == "told"))

    async def wait(self, steps: int) -> None:
        await settle(steps)

    async def reassure(self) -> None:
        self._tasks.append(asyncio.create_task(self.hub.reassure()))

    async def sweep(self) -> None:
        async def sweep() -> None:
            self.hub.sweep(await self.reader.standing())

        self._tasks.append(asyncio.create_task(sweep()))

    async def interrupt(self) -> None:
        self.hub.heard(None)

    async def come(self, number: int) -> None:
        if self.devices[number].ended and not self.reader.away:
            await self.devices[number].connect()

    async def go(self, number: int) -> None:
        await self.devices[number].disconnect()

    async def read(self, number: int, reads: bool) -> None:
        """A client that reads, or does not for a while."""
        (Event.set if reads else Event.clear)(self.devices[number].may_read)

    async def away(self, is_away: bool) -> None:
        self.reader.away = is_away

    async def end(self) -> None:
        """All is well again, and time goes by."""
        self.reader.away = False
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for device in self.devices:
            device.may_read.set()
            await settle(5)
            if device.ended:
                await device.connect()
        for _ in range(4):
            self.clock.advance(SWEEP_SECONDS)
            self.hub.tick()
            await settle()
            self.hub.sweep(await self.reader.standing())
            await self.hub.reassure()
            await settle()


Event = asyncio.Event
Step = Callable[[World, Random], Awaitable[None]]

# What heals (a comparison, a reconnect) is rare, or nothing would stay lost long enough to be missed.
STEPS: dict[Step, float] = {
    lambda world, luck: world.commit(
        luck.choice(["ann", "bob"]), luck.randrange(5), luck.choices(["told", "lost", "without rows"], [75, 22, 3])[0]
    ): 60,
    lambda world, luck: world.wait(luck.randrange(7)): 20,
    lambda world, luck: world.read(luck.randrange(4), luck.random() < 0.5): 6,
    lambda world, luck: world.come(luck.randrange(4)): 4,
    lambda world, luck: world.go(luck.randrange(4)): 2,
    lambda world, luck: world.away(luck.random() < 0.5): 3,
    lambda world, _: world.reassure(): 3,
    lambda world, _: world.sweep(): 1,
    lambda world, _: world.interrupt(): 1,
}


@given(st.integers(0, 2**32), st.integers(1, 80))
async def test_all_end_with_what_is_stored(seed: int, steps: int) -> None:
    luck = Random(seed)
    world = World()
    await world.begin()
    for act in luck.choices(list(STEPS), list(STEPS.values()), k=steps):
        await act(world, luck)
    await world.end()
    for device in world.devices:
        assert device.faults == []
        assert device.titles == world.reader.of(device.user)
        await device.disconnect()
