"""Open-loop load: latency counts from when a request was due, however long it had to wait for its turn."""

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st

from proofs.benchmarks.load import open_loop, percentile


async def test_requests_leave_when_they_are_due_whatever_the_earlier_ones_do() -> None:
    last = asyncio.Event()

    async def call(number: int) -> bool:
        if number == 9:
            last.set()
        await last.wait()  # nobody gets an answer before the last has left
        return True

    found = await asyncio.wait_for(open_loop(call, rate=200, count=10), 10)
    assert len(found) == 10
    assert max(one.seconds for one in found) >= 0.044, "the first was due 45 ms before the last"


async def test_a_stall_shows_in_every_request_that_had_to_wait_for_it() -> None:
    async def call(number: int) -> bool:
        if number == 0:
            await asyncio.sleep(0.2)
        return True

    found = await open_loop(call, rate=100, count=10, most_in_flight=1)
    assert min(one.seconds for one in found) > 0.1, "the last was due at 90 ms and had to wait for the first"
    assert len(found) == 10


async def test_an_exception_counts_as_not_ok_and_ends_nothing() -> None:
    async def call(number: int) -> bool:
        if number == 1:
            raise ConnectionError
        return number != 2

    found = await open_loop(call, rate=1000, count=4)
    assert sorted(one.ok for one in found) == [False, False, True, True]


async def test_a_cancelled_run_ends_its_calls() -> None:
    ended = asyncio.Event()

    async def call(_number: int) -> bool:
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()
        return True

    running = asyncio.create_task(open_loop(call, rate=1000, count=2))
    await asyncio.sleep(0.02)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended.is_set()


@pytest.mark.parametrize(
    ("count", "share", "expected"),
    [
        (100, 0.95, 95),
        (100, 0.5, 50),
        (100, 1.0, 100),
        (100, 0.0, 1),
        (1, 0.99, 1),
        (4, 0.5, 2),
        (5, 0.5, 3),
        (20, 0.99, 20),
    ],
)
def test_nearest_rank(count: int, share: float, expected: int) -> None:
    assert percentile(list(range(count, 0, -1)), share) == expected


@trying(max_examples=50)
@given(values=st.lists(st.floats(allow_nan=False), min_size=1), share=st.floats(0.01, 1))
def test_a_percentile_is_a_value_that_enough_are_not_above(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
    assert sum(value < found for value in values) < share * len(values) + 1e-9


def test_nothing_measured_is_not_a_number() -> None:
    assert math.isnan(percentile([], 0.95))
