"""Open-loop load: requests leave when they are due, whatever the earlier ones do, and latency counts from the due time.

So a stall shows in every request that had to wait for it (no coordinated omission).
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any

import msgspec


class Outcome(msgspec.Struct, frozen=True):
    """`seconds` from when it was due; `ok` is what the call returned."""

    seconds: float
    ok: bool


async def open_loop(
    call: Callable[[int], Awaitable[bool]], rate: float, count: int, *, most_in_flight: int = 500
) -> list[Outcome]:
    """Calls `call(0) … call(count - 1)` at `rate` a second. A call that raises counts as not ok."""
    outcomes: list[Outcome] = []
    gate = asyncio.Semaphore(most_in_flight)

    async def one(number: int, due: float) -> None:
        async with gate:
            try:
                ok = await call(number)
            except Exception:  # noqa: BLE001 - an error is a result here
                ok = False
        outcomes.append(Outcome(time.perf_counter() - due, ok))

    await scheduled((number / rate for number in range(count)), one)
    return outcomes


async def scheduled(times: Iterable[float], call: Callable[[int, float], Coroutine[Any, Any, None]]) -> None:
    """Calls `call(number, due)` at each of the times (seconds from now, rising), whatever became of the earlier calls.
    `due` is on `time.perf_counter`'s clock. Returns when all have ended; what one raises ends the others."""
    started = time.perf_counter()

    async with asyncio.TaskGroup() as group:
        for number, time_ in enumerate(times):
            due = started + time_
            await asyncio.sleep(max(due - time.perf_counter(), 0))
            group.create_task(call(number, due))


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank: the smallest value that at least `share` of all are not above. NaN for nothing."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]
