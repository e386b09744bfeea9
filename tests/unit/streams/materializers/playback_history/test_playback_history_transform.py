"""What the begin and the end of a session leave."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.envelope import Position
from schemas.read_models.playback_history import SessionRow
from streams.engine.outcome import InvalidEvent
from streams.materializers.playback_history.store import newest
from streams.materializers.playback_history.transform import transform
from tests.support.personal import WHEN, began, ended, rated

POSITION = Position("playback-sessions", 0, 0)


def row(event: Any) -> SessionRow:
    return transform(event, POSITION)[0]


def test_a_begin_is_an_open_session() -> None:
    assert row(began("u", "s", 7)) == SessionRow(
        user_id="u",
        session_id="s",
        title_id="t",
        device_id="phone",
        region="DE",
        started_at=WHEN,
        position_ms=0,
        duration_ms=6_000_000,
        hlc=7,
    )


def test_an_end_says_everything() -> None:
    assert row(ended("u", "s", 8, reason="timed_out")) == SessionRow(
        user_id="u",
        session_id="s",
        title_id="t",
        device_id="phone",
        region="DE",
        started_at=WHEN,
        ended_at=WHEN + timedelta(minutes=10),
        reason="timed_out",
        position_ms=600_000,
        duration_ms=6_000_000,
        watched_ms=590_000,
        hlc=8,
    )


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (began(user=""), "empty_id: user_id"),
        (began(session=""), "empty_id: session_id"),
        (began(title_id=""), "empty_id: title_id"),
        (began(device_id=""), "empty_id: device_id"),
        (began(region=""), "empty_id: region"),
        (began(session="s\0"), "nul_character: session_id"),
        (began(region="\0"), "nul_character: region"),
        (began(session="s" * 201), "id_too_long: session_id"),
        (began(hlc=-1), "negative_number: hlc"),
        (began(position_ms=-1), "negative_number: position_ms"),
        (began(duration_ms=-1), "negative_number: duration_ms"),
        (ended(watched_ms=-1), "negative_number: watched_ms"),
        (ended(events=-1), "negative_number: events"),
        (ended(reason="unknown"), "unknown_reason"),
        (rated(), "unexpected_event: RatingGiven"),
    ],
)
def test_what_no_row_can_hold_is_refused(event: Any, reason: str) -> None:
    with pytest.raises(InvalidEvent, match=reason):
        transform(event, POSITION)


@pytest.mark.parametrize("moment", [datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC)])
def test_a_month_outside_of_1970_to_2100_is_refused(moment: datetime) -> None:
    for event in (began(started_at=moment), ended(started_at=moment)):
        with pytest.raises(InvalidEvent, match="time_out_of_range: started_at is"):
            transform(event, POSITION)


@pytest.mark.parametrize("moment", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 12, 31, 23, 59, 59, tzinfo=UTC)])
def test_the_first_and_the_last_month_are_taken(moment: datetime) -> None:
    assert row(began(started_at=moment)).started_at == moment


def test_at_one_clock_the_end_wins() -> None:
    begin, end = row(began(hlc=5)), row(ended(hlc=5))
    assert newest([end, begin]) == newest([begin, end]) == [end]


def test_a_session_that_went_on_ends_with_its_newer_clock() -> None:
    timed_out, stopped = row(ended(hlc=5, reason="timed_out")), row(ended(hlc=9, watched_ms=1))
    assert newest([stopped, timed_out]) == newest([timed_out, stopped]) == [stopped]


def test_of_two_ends_at_one_clock_the_one_that_knows_more_wins() -> None:
    """A straggler went into a session that had timed out."""
    first, second = row(ended(hlc=5, watched_ms=10)), row(ended(hlc=5, watched_ms=20))
    assert newest([second, first]) == newest([first, second]) == [second]
