"""Cursors of deltas: how far somebody is, for how long, and whose they are."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query_api.user_changes.cursor import KIND_OF, MOST_DAYS, READ_MODEL_OF, Cursor, Mark, kind_of
from query_api.user_changes.responses import LIST_OF, Preference, to_response
from runtime.http.problems import Problem
from schemas.read_models import notices
from schemas.read_models.notices import LiveRow
from schemas.read_models.preferences import PreferenceRow
from schemas.read_models.ratings import RatingRow

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MARKS = st.builds(Mark, st.integers(1, 2**31), st.integers(0, 2**63 - 1))
CURSORS = st.builds(Cursor, st.integers(0, 2**40), st.dictionaries(st.sampled_from(sorted(READ_MODEL_OF)), MARKS))


def rating(revision: int) -> RatingRow:
    return RatingRow(
        user_id="ann", title_id="heat", rating=4.0, hlc=2**62, device_id="tv", rated_at=NOW, revision=revision
    )


def preference(value: str | None) -> PreferenceRow:
    return PreferenceRow(user_id="ann", name="audio", value=value, hlc=1, device_id="tv", event_at=NOW)


@given(CURSORS, st.text(min_size=1, max_size=128))
def test_cursors_come_back_as_they_were(cursor: Cursor, user: str) -> None:
    text = cursor.encode(user)
    assert Cursor.decode(user, text) == cursor
    assert len(text) < 2048
    with pytest.raises(Problem, match="invalid-cursor"):
        Cursor.decode(f"{user}x", text)
    with pytest.raises(Problem, match="invalid-cursor"):
        Cursor.decode(user, text[:-1])


def test_a_mark_counts_in_its_own_version_only() -> None:
    cursor = Cursor(0, {"ratings": Mark(2, 40)})
    assert [cursor.seen("ratings", version) for version in (1, 2, 3)] == [0, 40, 0]
    assert cursor.seen("devices", 2) == 0


@pytest.mark.parametrize(
    ("age", "revision", "fine"),
    [
        (timedelta(0), 10, True),
        (timedelta(days=MOST_DAYS), 10, True),
        (timedelta(days=MOST_DAYS, seconds=1), 10, False),
        (timedelta(days=-1), 10, True),  # of a server whose clock is ahead
        (timedelta(0), 11, False),
        (timedelta(0), 2**64 - 1, False),
    ],
)
def test_how_long_a_cursor_is_good(age: timedelta, revision: int, fine: bool) -> None:
    cursor = Cursor(int((NOW - age).timestamp()), {"ratings": Mark(1, revision)})
    if fine:
        cursor.check(NOW, newest=10)
        return
    with pytest.raises(Problem) as refused:
        cursor.check(NOW, newest=10)
    assert (refused.value.type.slug, refused.value.type.status) == ("cursor-too-old", 410)


def test_whoever_has_seen_nothing_is_never_too_late() -> None:
    Cursor().check(NOW, newest=0)


@pytest.mark.parametrize("issued", [0, -(2**63), 2**63 - 1, 2**64 - 1])
def test_no_time_is_too_odd_to_judge(issued: int) -> None:
    cursor = Cursor(issued, {"ratings": Mark(1, 1)})
    try:
        cursor.check(NOW, newest=10)
    except Problem as problem:
        assert problem.type.status == 410  # noqa: PT017 - either is an answer


def test_rows_of_notices_move_a_cursor_on_and_never_back() -> None:
    cursor = Cursor(0, {"ratings": Mark(3, 40), "devices": Mark(1, 7)})
    moved = cursor.advanced([rating(42), rating(41), rating(39), preference("1")], NOW)
    assert moved.marks == {"ratings": Mark(3, 42), "devices": Mark(1, 7)}
    assert moved.issued == int(NOW.timestamp())
    assert cursor.marks["ratings"].revision == 40


def test_every_kind_of_row_has_its_view_and_its_list() -> None:
    assert set(KIND_OF) == set(notices.TYPES.values())
    assert set(KIND_OF.values()) == set(READ_MODEL_OF)
    assert kind_of(rating(1)) == "ratings"
    assert len(LIST_OF) == len(notices.TYPES)


@pytest.mark.parametrize(
    ("text", "value", "present"),
    [('{"a": [1, null]}', {"a": [1, None]}, True), ("null", None, True), (None, None, False), ("{no", "{no", True)],
)
def test_preferences_are_json(text: str | None, value: object, present: bool) -> None:
    shown = to_response(preference(text))
    assert isinstance(shown, Preference)
    assert (shown.value, shown.present) == (value, present)


def test_clocks_are_strings() -> None:
    row: LiveRow = rating(1)
    assert to_response(row).hlc == str(2**62)  # type: ignore[union-attr] # not of every kind
