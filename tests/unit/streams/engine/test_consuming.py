"""When a batch is handed over: soon after its first event, later while many are waiting, at once when it is full."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from streams.engine.consuming import _BACKLOG, hand_over_early

_SOON, _LONG = 0.02, 0.5


class _Channel:
    def __init__(self) -> None:
        self.queue: asyncio.Queue[int] = asyncio.Queue()


class _Stream:
    """What `take_events` has of a stream: something to wait with, and who looks at every event."""

    def __init__(self) -> None:
        self.channel = _Channel()
        self.note: Callable[[Any], Any] = lambda value: value

    def add_processor(self, note: Callable[[Any], Any]) -> None:
        self.note = note

    async def wait_for_stopped(self, event: asyncio.Event, *, timeout: float) -> bool:  # noqa: ASYNC109 - Faust's signature
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), timeout)
        return False


async def _seconds(stream: _Stream, full: asyncio.Event) -> float:
    now = asyncio.get_running_loop().time
    began = now()
    await stream.wait_for_stopped(full, timeout=_LONG)
    return now() - began


async def test_soon_after_the_first_event_and_then_for_the_next_one() -> None:
    stream, full = _Stream(), asyncio.Event()
    hand_over_early(stream, _SOON)
    for _ in range(2):
        asyncio.get_running_loop().call_later(0.05, stream.note, "event")
        assert 0.05 + _SOON <= await _seconds(stream, full) + 0.005 < _LONG


async def test_an_event_that_came_during_the_last_batch_does_not_wait_for_another() -> None:
    stream, full = _Stream(), asyncio.Event()
    hand_over_early(stream, _SOON)
    assert stream.note("event") == "event"
    assert await _seconds(stream, full) < _LONG / 2


async def test_a_backlog_gathers_for_the_whole_time_but_not_beyond_a_full_batch() -> None:
    stream, full = _Stream(), asyncio.Event()
    hand_over_early(stream, _SOON)
    for number in range(_BACKLOG):
        stream.channel.queue.put_nowait(number)
    stream.note("event")
    assert await _seconds(stream, full) >= _LONG - 0.01
    stream.note("event")
    full.set()
    assert await _seconds(stream, full) < _LONG / 2


async def test_nothing_comes() -> None:
    stream, full = _Stream(), asyncio.Event()
    hand_over_early(stream, _SOON)
    assert await _seconds(stream, full) >= _LONG - 0.01
