"""What an event says about one person and one title; what can never be right is refused with its reason."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.types import AnyEvent
from streams.engine.outcome import InvalidEvent
from streams.materializers.watch_state.store import change
from streams.materializers.watch_state.transform import MOST_CHARACTERS, Marked, PlaceSet, Played, transform
from sync_laws.watching import Flag, Place
from tests.support.viewing import POSITION, WHEN, added, marked, played, progress, writes_of

KEY = ("u1", "t1")
LATER = WHEN + timedelta(minutes=1)


def test_each_event_becomes_one_write() -> None:
    assert transform(played(kind="paused"), POSITION) == (
        Played("u1", "t1", WHEN, "s1", "paused", Place(10, "d1", 1000, 100_000)),
    )
    assert transform(progress(duration_ms=None), POSITION) == (PlaceSet("u1", "t1", WHEN, Place(10, "d1", 1000)),)
    assert transform(marked(watched=False), POSITION) == (Marked("u1", "t1", WHEN, Flag(10, "d1", watched=False)),)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (played(position_ms=-1), "negative_position"),
        (progress(position_ms=-(2**63)), "negative_position"),
        (played(duration_ms=-1), "negative_duration"),
        (played(hlc=-1), "negative_clock"),
        (progress(hlc=-1), "negative_clock"),
        (marked(hlc=-(2**63)), "negative_clock"),
        (played(kind="unknown"), "unknown_kind"),
        (played(user_id=""), "empty_id"),
        (played(title_id=""), "empty_id"),
        (played(device_id=""), "empty_id"),
        (played(session_id=""), "empty_id"),
        (marked(user_id=""), "empty_id"),
        (progress(title_id="a\0b"), "nul_character"),
        (played(session_id="\0"), "nul_character"),
        (marked(device_id="\0"), "nul_character"),
        (played(title_id="x" * (MOST_CHARACTERS + 1)), "too_long"),
        (added(), "unexpected_event"),
    ],
)
def test_what_can_never_be_right_is_refused(event: AnyEvent, reason: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        transform(event, POSITION)
    assert refused.value.reason == reason


@pytest.mark.parametrize("value", [0, 2**63 - 1])
def test_the_ends_of_what_is_possible_are_taken(value: int) -> None:
    for event in (played(position_ms=value, hlc=value), played(duration_ms=value), progress(position_ms=value)):
        (write,) = transform(event, POSITION)
        assert change(KEY, None, [write]) is not None


def test_a_position_beyond_the_end_counts_as_the_end_and_a_length_of_zero_as_none() -> None:
    beyond = change(KEY, None, writes_of(transform, [played(position_ms=200_000)]))
    no_length = change(KEY, None, writes_of(transform, [played(duration_ms=0)]))
    assert beyond is not None
    assert no_length is not None
    assert (beyond[7], beyond[10]) == (True, True)  # watched, finished
    assert (no_length[7], no_length[10]) == (False, False)


@pytest.mark.parametrize("again", [played(), progress(), marked()])
def test_what_says_nothing_new_is_no_change(again: Any) -> None:
    everything = [played(), progress(), marked()]
    first = change(KEY, None, writes_of(transform, everything))
    assert first is not None
    assert change(KEY, (first[2], first[11]), writes_of(transform, [again])) is None


def test_a_row_says_when_its_newest_event_happened_even_if_nothing_else_is_new() -> None:
    first = change(KEY, None, writes_of(transform, [played()]))
    assert first is not None
    later = change(KEY, (first[2], first[11]), writes_of(transform, [played(occurred_at=LATER)]))
    assert later is not None
    assert (later[:11], later[11]) == (first[:11], LATER)
    assert change(KEY, (later[2], later[11]), writes_of(transform, [played()])) is None


def test_one_state_has_one_document() -> None:
    events = [played(session_id=name, hlc=hlc) for name, hlc in (("b", 3), ("a", 2), ("c", 1))]
    forth = change(KEY, None, writes_of(transform, events))
    back = change(KEY, None, writes_of(transform, events[::-1]))
    assert forth == back
