"""An evening: everything at once at its usual rates, for as long as somebody has the patience."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from proofs.figures import Figure
from proofs.load import minutes as minutes_module
from proofs.load import settling, verdict
from proofs.load.minutes import Minute
from proofs.load.plan import EVENING, Flow, sends
from proofs.load.requests import Answer
from proofs.load.traffic import Traffic
from proofs.system import System, fresh

# More than could ever be in use: waiting for one would hide that the edge refuses what it cannot do.
_CONNECTIONS: Final = 3000
_REST_SECONDS: Final = 120.0
_MINUTE: Final = 60.0
Log = Callable[[str], None]


class Evening(Struct):
    figures: list[Figure]
    minutes: list[Minute]


def run(
    home: Path,
    minutes: float,
    seed: int,
    log: Log = lambda _: None,
    *,
    flows: Sequence[Flow] = EVENING,
    folder: Path | None = None,
) -> Evening:
    """On a system of its own in `folder` (a folder of `home`). Raises SystemFailed when it does not start, or refuses
    the first films."""
    with fresh(folder or home / "load", home) as system:
        return asyncio.run(_run(system, minutes, seed, log, flows))


async def _run(system: System, minutes: float, seed: int, log: Log, flows: Sequence[Flow]) -> Evening:
    traffic = Traffic(system, seed, connections=_CONNECTIONS)
    try:
        await traffic.list_films()
        log(f"{minutes:g} minutes of load; requests (things in them), errors, p50/p95/p99 of each kind, once a minute:")
        sending = asyncio.create_task(traffic.follow(sends(flows, minutes * _MINUTE, seed)))
        answers, found = await _watch(system, traffic, sending, minutes * _MINUTE, log)
    finally:
        await traffic.close()
    caught_up = await asyncio.to_thread(settling.caught_up, system, _REST_SECONDS)
    return Evening(verdict.figures(answers, found, caught_up), found)


async def _watch(
    system: System, traffic: Traffic, sending: "asyncio.Task[None]", seconds: float, log: Log
) -> tuple[list[Answer], list[Minute]]:
    began = asyncio.get_running_loop().time()
    answers: list[Answer] = []
    found: list[Minute] = []
    at = 0.0
    while at < seconds:
        at = min(at + _MINUTE, seconds)
        remaining = began + at - asyncio.get_running_loop().time()
        await asyncio.wait({sending}, timeout=max(remaining, 0))
        if at >= seconds or sending.done():
            await sending
        lags, memory = await asyncio.gather(asyncio.to_thread(settling.lags, system), asyncio.to_thread(system.memory))
        taken = traffic.taken()
        answers += taken
        found.append(minutes_module.minute(at, taken, lags, memory))
        log(minutes_module.line(found[-1]))
    return answers, found
