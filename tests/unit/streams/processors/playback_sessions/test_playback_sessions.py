"""What a session is: begun, ended, taken up again, never begun twice."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.types import AnyEvent
from schemas.types.playback import PlaybackSessionEnded, PlaybackSessionStarted
from streams.engine.outcome import InvalidEvent
from streams.processors.playback_sessions.state import Viewer
from streams.processors.playback_sessions.transform import (
    MOST_SESSIONS,
    REMEMBERED_MS,
    SILENCE_MS,
    step,
    tick,
    wakes_at,
)
from tests.support.stateful import MINUTE, at, event, kinds, received


class Run:
    """Events one after another."""

    def __init__(self) -> None:
        self.state: Viewer | None = None
        self.made: list[AnyEvent] = []
        self._number = 0

    def see(self, kind: str, at_ms: int, position_ms: int = 0, **changes: Any) -> list[AnyEvent]:
        self._number += 1
        what = event(self._number, at_ms, **{"kind": kind, "position_ms": position_ms, **changes})
        self.state, made = step(self.state, received(what), 0)
        self.made += made
        return list(made)

    def wait(self, until_ms: int) -> list[AnyEvent]:
        assert self.state is not None
        self.state, made = tick(self.state, at(until_ms))
        self.made += made
        return list(made)

    @property
    def watched(self) -> int:
        assert self.state is not None
        return self.state.sessions["s1"].watched_ms


def ended(made: list[AnyEvent]) -> PlaybackSessionEnded:
    [found] = made
    assert isinstance(found, PlaybackSessionEnded)
    return found


def test_a_session_starts_with_its_first_event_and_stops() -> None:
    run = Run()
    [started] = run.see("started", 0)
    assert isinstance(started, PlaybackSessionStarted)
    assert run.see("progressed", 60_000, 60_000) == []
    stopped = ended(run.see("stopped", 90_000, 90_000))
    assert (stopped.reason, stopped.position_ms, stopped.watched_ms, stopped.events) == ("stopped", 90_000, 90_000, 3)
    assert stopped.started_at == started.started_at == started.occurred_at


@pytest.mark.parametrize(
    ("kind", "position_ms", "duration_ms", "reason"),
    [
        ("completed", 0, None, "completed"),
        ("stopped", 95 * MINUTE, 100 * MINUTE, "completed"),
        ("stopped", 95 * MINUTE - 1, 100 * MINUTE, "stopped"),
        ("stopped", 10, 0, "stopped"),
        ("stopped", 10, None, "stopped"),
    ],
)
def test_reasons(kind: str, position_ms: int, duration_ms: int | None, reason: str) -> None:
    run = Run()
    run.see("started", 0, duration_ms=duration_ms)
    assert ended(run.see(kind, 1000, position_ms, duration_ms=duration_ms)).reason == reason


def test_only_the_end_of_a_session_that_begins_with_it() -> None:
    started, stopped = Run().see("stopped", 0, 7)
    assert isinstance(started, PlaybackSessionStarted)
    assert ended([stopped]).events == 1


def test_silence_ends_a_session_at_its_last_position() -> None:
    run = Run()
    run.see("started", 0)
    run.see("progressed", 30_000, 30_000)
    assert run.state is not None
    assert wakes_at(run.state) == at(30_000 + SILENCE_MS)
    assert run.wait(30_000 + SILENCE_MS - 1) == []
    found = ended(run.wait(30_000 + SILENCE_MS))
    assert (found.reason, found.position_ms) == ("timed_out", 30_000)
    assert (found.occurred_at - found.ended_at).total_seconds() == 180
    assert run.wait(30_000 + SILENCE_MS) == []


def test_silence_is_found_by_the_next_event_too_and_ends_the_same_way() -> None:
    """The outcome depends on the log alone, not on whether a timer fired in time."""
    by_timer, by_event = Run(), Run()
    for run in (by_timer, by_event):
        run.see("started", 0)
    by_timer.wait(SILENCE_MS)
    for run in (by_timer, by_event):
        run.see("progressed", SILENCE_MS, 1000)
    assert by_timer.made == by_event.made
    assert by_timer.state == by_event.state
    assert [type(one).__name__ for one in by_timer.made] == ["PlaybackSessionStarted", "PlaybackSessionEnded"]


def test_a_session_goes_on_after_a_time_out_and_ends_again_with_a_newer_clock() -> None:
    run = Run()
    run.see("started", 0)
    first = ended(run.wait(SILENCE_MS))
    assert run.see("progressed", SILENCE_MS + 1000, 60_000) == []
    second = ended(run.see("stopped", SILENCE_MS + 2000, 61_000))
    assert second.hlc > first.hlc
    assert second.event_id != first.event_id
    assert second.started_at == first.started_at


def test_what_was_reported_late_by_an_offline_device_was_heard_of_just_now() -> None:
    state, made = step(None, received(event(1, 0, kind="started"), recorded_ms=10 * 3_600_000), 0)
    assert len(made) == 1
    assert state is not None
    assert wakes_at(state) == at(10 * 3_600_000 + SILENCE_MS)


def test_repeated_and_older_events_change_nothing() -> None:
    run = Run()
    run.see("started", 0)
    run.see("progressed", 10_000, 10_000)
    before = run.state
    assert run.see("progressed", 5000, 5000, hlc=2 << 16) == []
    assert run.see("stopped", 10_000, 10_000, hlc=3 << 16) == []
    assert run.state is before


@pytest.mark.parametrize("end", ["stopped", "completed"])
def test_stragglers_do_not_open_an_ended_session(end: str) -> None:
    run = Run()
    run.see("started", 0)
    run.see(end, 10_000, 10_000)
    before = run.state
    assert run.see("progressed", 9000, 9000, hlc=2 << 16) == []
    assert run.see(end, 10_000, 10_000, hlc=3 << 16) == []
    assert run.see("progressed", 11_000, 11_000) == []  # a player's last word after its end
    assert run.state is before
    assert run.see("resumed", 20_000, 10_000) == []
    assert ended(run.see("stopped", 30_000, 20_000)).watched_ms == 20_000


def test_ended_sessions_are_forgotten_after_a_day() -> None:
    run = Run()
    run.see("started", 0)
    run.see("stopped", 1000)
    assert run.state is not None
    assert wakes_at(run.state) == at(1000 + REMEMBERED_MS)
    run.wait(1000 + REMEMBERED_MS)
    assert run.state is None


def test_several_sessions_of_one_user() -> None:
    run = Run()
    run.see("started", 0)
    run.see("started", 100_000, session_id="s2", title_id="other")
    found = ended(run.wait(SILENCE_MS))
    assert found.session_id == "s1"
    found = ended(run.wait(100_000 + SILENCE_MS))
    assert found.session_id == "s2"


def test_a_session_keeps_its_title() -> None:
    run = Run()
    run.see("started", 0)
    before = run.state
    with pytest.raises(InvalidEvent, match="title_changed"):
        run.see("progressed", 1000, title_id="other")
    assert run.state is before


def test_memory_of_a_user_is_bounded_and_an_open_session_never_vanishes_without_an_end() -> None:
    run = Run()
    for number in range(MOST_SESSIONS + 10):
        run.see("started", 0, session_id=f"s{number}")
    assert run.state is not None
    assert len(run.state.sessions) == MOST_SESSIONS
    ends = [one.session_id for one in run.made if isinstance(one, PlaybackSessionEnded)]
    assert ends == [f"s{number}" for number in range(10)]


def test_pauses_are_not_watched() -> None:
    run = Run()
    run.see("started", 0)
    run.see("paused", 60_000, 60_000)
    run.see("resumed", 120_000, 60_000)
    run.see("progressed", 130_000, 70_000)
    assert run.watched == 70_000


def test_jumps_are_not_watched() -> None:
    run = Run()
    run.see("started", 0)
    run.see("seeked", 10_000, 50 * MINUTE)  # ten seconds until the jump
    run.see("progressed", 20_000, 50 * MINUTE + 10_000)
    assert run.watched == 20_000
    run.see("progressed", 30_000, 90 * MINUTE)  # a jump nobody told us about
    assert run.watched == 20_000 + 2 * 10_000 + 1000
    run.see("progressed", 40_000, 10 * MINUTE)  # and one back
    assert run.watched == 20_000 + 2 * 10_000 + 1000


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(kinds()),
        st.integers(0, 4 * 60_000),
        st.one_of(st.integers(0, 100 * MINUTE), st.integers(-(2**63), 2**63 - 1)),
    ),
    min_size=1,
    max_size=20,
)


@given(EVENTS)
def test_nobody_watches_more_than_twice_the_time_that_passed(told: list[tuple[str, int, int]]) -> None:
    run, now = Run(), 0
    watched = 0
    for number, (kind, passed, position) in enumerate(told):
        now += passed
        run.see(kind, now, position)
        assert watched <= run.watched <= 2 * now + 1000 * number
        watched = run.watched


@given(EVENTS, st.randoms())
def test_repetition_changes_nothing(told: list[tuple[str, int, int]], random: Any) -> None:
    """Every event again, right behind itself and anywhere later."""
    events = []
    now = 0
    for number, (kind, passed, position) in enumerate(told):
        now += passed
        events.append((number, event(number, now, kind=kind, position_ms=position), now))
    once: list[Any] = []
    state = None
    for _, what, when in events:
        state, made = step(state, received(what, recorded_ms=when), 0)
        once += made
    often: list[Any] = []
    again = None
    for number, what, when in events:
        repeats = [what, what] + [events[random.randint(0, number)][1] for _ in range(2)]
        for one in repeats:
            again, made = step(again, received(one, recorded_ms=when), 0)
            often += made
    assert often == once
    assert again == state


@given(EVENTS)
def test_every_session_starts_once_and_ends_with_ever_newer_clocks(told: list[tuple[str, int, int]]) -> None:
    run, now = Run(), 0
    for kind, passed, position in told:
        now += passed
        run.see(kind, now, position)
    if run.state is not None:
        run.wait(now + SILENCE_MS)
    ends = [one.hlc for one in run.made if isinstance(one, PlaybackSessionEnded)]
    assert ends == sorted(set(ends))
    assert ends
    assert sum(isinstance(one, PlaybackSessionStarted) for one in run.made) == 1
    ids = [one.event_id for one in run.made]
    assert len(set(ids)) == len(ids)
