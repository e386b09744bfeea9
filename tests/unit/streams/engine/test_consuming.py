"""When a batch is handed over: soon after its first event, later when many come, at once when it is full."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from faust.types.tuples import ConsumerMessage

from streams.engine import consuming
from streams.engine.consuming import _MANY_A_SECOND, hand_over_early

_SOON, _LONG = 0.02, 0.5


class _Stream:
    """What `take_events` has of a stream: something to wait with, and who looks at every event."""

    def __init__(self) -> None:
        self.note: Callable[[Any], Any] = lambda value: value
        self.current_event: Any = None

    def add_processor(self, note: Callable[[Any], Any]) -> None:
        self.note = note

    def came(self, age: float = -1.0) -> None:
        self.current_event = SimpleNamespace(message=SimpleNamespace(timestamp=time.time() - age))
        self.note("event")
        self.current_event = None

    async def wait_for_stopped(self, event: asyncio.Event, *, timeout: float) -> bool:  # noqa: ASYNC109 - Faust's signature
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), timeout)
        return False


async def _seconds(stream: _Stream, full: asyncio.Event) -> float:
    now = asyncio.get_running_loop().time
    began = now()
    await stream.wait_for_stopped(full, timeout=_LONG)
    return now() - began


@pytest.fixture
async def stream() -> _Stream:
    """After its first batch: from then on every event is noted."""
    made, full = _Stream(), asyncio.Event()
    hand_over_early(made, _SOON)
    full.set()
    await made.wait_for_stopped(full, timeout=0.01)
    return made


async def test_soon_after_the_first_event_and_then_for_the_next_one(stream: _Stream) -> None:
    for _ in range(2):
        asyncio.get_running_loop().call_later(0.05, stream.came)
        assert 0.05 + _SOON <= await _seconds(stream, asyncio.Event()) + 0.005 < _LONG


async def test_an_event_that_came_during_the_last_batch_does_not_wait_for_another(stream: _Stream) -> None:
    stream.came()
    assert await _seconds(stream, asyncio.Event()) < _LONG / 2


async def test_when_many_come_the_next_batch_gathers_longer_but_not_when_it_is_full(
    stream: _Stream,
) -> None:
    async def batch(events: int, full: asyncio.Event) -> float:
        for _ in range(events):
            stream.came()
        return await _seconds(stream, full)

    full, many = asyncio.Event(), int(2 * _LONG * _MANY_A_SECOND)
    assert await batch(many, full) < _LONG / 2, "the first of them"
    assert await batch(many, full) >= _LONG - 0.01
    assert await batch(1, full) >= _LONG - 0.01
    assert await batch(many, full) < _LONG / 2, "few came before it"
    full.set()
    assert await batch(1, full) < _LONG / 2


async def test_a_few_that_come_together_are_not_many(stream: _Stream) -> None:
    full = asyncio.Event()
    full.set()
    await _seconds(stream, full)
    for _ in range(3):
        stream.came()
    await stream.wait_for_stopped(full, timeout=_LONG)  # at once: three in no time
    asyncio.get_running_loop().call_later(0.01, stream.came)
    assert await _seconds(stream, asyncio.Event()) < _LONG / 2


async def test_what_comes_late_is_a_backlog_however_slowly_it_comes(
    stream: _Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def batch(age: float) -> float:
        stream.came(age)
        return await _seconds(stream, asyncio.Event())

    assert await batch(60) < _LONG / 2, "the first of them"
    monkeypatch.setattr(consuming, "_LONGEST_SECONDS", _LONG + 0.1)
    assert await batch(60) >= _LONG + 0.09
    assert await batch(-1) >= _LONG + 0.09
    assert await batch(-1) < _LONG / 2, "a fresh one came before it"


async def test_fausts_own_stream_hands_a_backlog_over_by_the_thousand_however_slow_a_batch_is() -> None:
    app = faust.App("consuming", broker="kafka://127.0.0.1:1", store="memory://", autodiscover=False, web_enabled=False)
    app.flow_control.resume()
    channel: Any = app.channel(maxsize=4000)
    stream: Any = app.stream(channel)
    hand_over_early(stream, 0.001)

    async def fill() -> None:
        long_ago, now = time.time() - 60, app.consumer_generation_id
        for number in range(4001):
            message = ConsumerMessage("topic", 0, number, long_ago, 0, None, b"", b"", None, None, generation_id=now)
            await channel.put(faust.Event(app, b"", b"value", None, message))
            if number == 0:
                await asyncio.sleep(0.05)  # it is a batch of its own, and the backlog comes during it

    filling = asyncio.create_task(fill())
    sizes: list[int] = []
    async with asyncio.timeout(20):
        async for batch in stream.take_events(2000, 0.1):
            sizes.append(len(batch))
            if sum(sizes) == 4001:
                break
            await asyncio.sleep(0.4)  # so few a second come meanwhile that their number alone says nothing
    await filling
    assert sizes[-1] == 2000, sizes


async def test_nothing_comes(stream: _Stream) -> None:
    assert await _seconds(stream, asyncio.Event()) >= _LONG - 0.01
