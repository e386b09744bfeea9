import time
from datetime import UTC, datetime, timedelta

from runtime.clock import FrozenClock, SystemClock, from_milliseconds, to_milliseconds

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_frozen_clock_moves_only_when_told() -> None:
    clock = FrozenClock(START)
    assert (clock.now(), clock.monotonic()) == (START, 0.0)
    clock.advance(1.5)
    assert (clock.now(), clock.monotonic()) == (START + timedelta(seconds=1.5), 1.5)


def test_a_wall_clock_may_go_back_and_monotonic_time_does_not() -> None:
    clock = FrozenClock(START)
    clock.advance(10)
    clock.advance(-30)
    assert (clock.now(), clock.monotonic()) == (START - timedelta(seconds=20), 10.0)
    clock.set(START)
    assert (clock.now(), clock.monotonic()) == (START, 10.0)


def test_the_systems_clock_is_utc_and_runs() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    assert abs(clock.now().timestamp() - time.time()) < 5
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() >= before


def test_milliseconds_are_exact_both_ways() -> None:
    for count in (0, 1, -1, 1_767_225_600_001, 253_402_300_799_999, -62_135_596_800_000):
        assert to_milliseconds(from_milliseconds(count)) == count
    assert to_milliseconds(datetime(2026, 1, 1, 0, 0, 0, 999, tzinfo=UTC)) == 1_767_225_600_000
