import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_laws.clock import (
    COUNTER_BITS,
    MAX_AHEAD_MS,
    MAX_HLC,
    ClockAhead,
    HybridClock,
    is_ahead,
    milliseconds_of,
    pack,
)

NOW = 1_800_000_000_000
walls = st.integers(0, 2 * NOW)


class Wall:
    """A wall clock that stands where it was put."""

    def __init__(self, milliseconds: int = NOW) -> None:
        self.milliseconds = milliseconds

    def __call__(self) -> int:
        return self.milliseconds


@given(times=st.lists(walls, min_size=1), restarts=st.sets(st.integers(0, 100)))
def test_stamps_grow_whatever_the_wall_clock_does_and_across_restarts(times: list[int], restarts: set[int]) -> None:
    wall = Wall()
    clock = HybridClock(wall)
    stamps = []
    for step, milliseconds in enumerate(times):
        wall.milliseconds = milliseconds
        if step in restarts:
            clock = HybridClock(wall, clock.last)
        stamps.append(clock.next())
    assert all(earlier < later for earlier, later in itertools.pairwise(stamps))
    assert all(milliseconds_of(stamp) >= time for stamp, time in zip(stamps, times, strict=True))


@given(seen=st.lists(st.integers(-5, pack(NOW + MAX_AHEAD_MS)), max_size=20))
def test_what_was_observed_is_below_every_later_stamp(seen: list[int]) -> None:
    clock = HybridClock(Wall())
    for stamp in seen:
        clock.observe(stamp)
        assert clock.next() > stamp
    assert clock.last >= max(seen, default=0)


def test_a_stamp_is_the_time_when_nothing_forces_it_on() -> None:
    assert HybridClock(Wall()).next() == pack(NOW)


def test_a_full_counter_carries_into_the_milliseconds() -> None:
    clock = HybridClock(Wall(), pack(NOW, (1 << COUNTER_BITS) - 1))
    assert clock.next() == pack(NOW + 1)


@given(ahead=st.integers(MAX_AHEAD_MS + 1, 10 * MAX_AHEAD_MS), counter=st.integers(0, 65535))
def test_a_stamp_from_too_far_ahead_is_refused_and_teaches_nothing(ahead: int, counter: int) -> None:
    clock = HybridClock(Wall())
    before = clock.next()
    with pytest.raises(ClockAhead, match="300 s ahead"):
        clock.observe(pack(NOW + ahead, counter))
    assert clock.last == before


@pytest.mark.parametrize(
    ("milliseconds", "ahead"),
    [(NOW, False), (NOW + MAX_AHEAD_MS, False), (NOW + MAX_AHEAD_MS + 1, True), (MAX_HLC >> COUNTER_BITS, True)],
)
def test_what_counts_as_ahead(milliseconds: int, ahead: bool) -> None:
    assert is_ahead(pack(milliseconds, 65535), NOW) is ahead


@given(milliseconds=st.integers(0, MAX_HLC >> COUNTER_BITS), counter=st.integers(0, 65535))
def test_packing_keeps_the_order_and_fits_in_a_signed_64_bit_integer(milliseconds: int, counter: int) -> None:
    stamp = pack(milliseconds, counter)
    assert 0 <= stamp <= MAX_HLC
    assert milliseconds_of(stamp) == milliseconds
    assert stamp & 65535 == counter


@pytest.mark.parametrize(("milliseconds", "counter"), [(-1, 0), (2**47, 0), (0, -1), (0, 65536)])
def test_what_does_not_fit_is_refused(milliseconds: int, counter: int) -> None:
    with pytest.raises(ValueError, match=r"must be below|not a time"):
        pack(milliseconds, counter)
