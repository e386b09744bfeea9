"""Waiting until consumers have read what there is, and what lag looks like from a process of its own."""

import time
from contextlib import suppress
from typing import Final

import msgspec

from bootstrap import lag
from bootstrap.lag import Lag
from proofs.system import System, SystemFailed, wait_until

_QUIET: Final = 2
"""Times in a row: a processor may be about to publish what it just read."""


def lags(system: System) -> list[Lag]:
    """Asked for by another process: it takes a second of a core, which requests that are due must not wait for."""
    return msgspec.json.decode(system.mg("lag", "--json"), type=list[Lag])


def caught_up(system: System, seconds: float) -> float:
    """How long it takes until every consumer has everything; NaN when that is not within `seconds`."""
    began, quiet, since = time.monotonic(), 0, 0.0

    def resting() -> bool:
        nonlocal quiet, since
        now = time.monotonic()
        behind = sum(each.events for each in lag.consumers(system.settings))
        since = now if quiet == 0 else since
        quiet = quiet + 1 if behind == 0 else 0
        return quiet >= _QUIET

    with suppress(SystemFailed):
        wait_until(resting, seconds, "rest")
        return since - began
    return float("nan")


def reached(system: System, seconds: float) -> float:
    """How long it takes until every consumer has what the log holds now; NaN when that is not within `seconds`. What
    processors make of it meanwhile, and whatever else comes in, is not waited for."""
    began = time.monotonic()
    wanted = {(each.consumer, each.topic): each.end for each in lags(system)}

    def there() -> bool:
        found = {(each.consumer, each.topic): each.end - each.events for each in lags(system)}
        return all(found[key] >= end for key, end in wanted.items())

    with suppress(SystemFailed):
        wait_until(there, seconds, "recovery")
        return time.monotonic() - began
    return float("nan")
