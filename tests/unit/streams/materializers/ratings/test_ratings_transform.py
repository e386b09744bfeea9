"""What a rating leaves."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import Position
from schemas.read_models.ratings import RatingRow
from streams.engine.checks import MOST_ID_CHARACTERS
from streams.engine.outcome import InvalidEvent
from streams.materializers.ratings.store import newest
from streams.materializers.ratings.transform import order, transform
from tests.support.personal import WHEN, prefers, rated

POSITION = Position("ratings", 0, 0)


def test_a_rating_is_a_row() -> None:
    assert transform(rated("u", "t", 4.5, 7), POSITION) == (
        RatingRow(user_id="u", title_id="t", rating=4.5, hlc=7, device_id="phone", rated_at=WHEN),
    )


@pytest.mark.parametrize("rating", [half / 2 for half in range(1, 11)])
def test_halves_from_one_half_to_five(rating: float) -> None:
    assert transform(rated(rating=rating), POSITION)[0].rating == rating


@pytest.mark.parametrize("rating", [0.0, -0.0, 0.25, 4.4, 5.5, -1.0, 1e300, float("nan"), float("inf"), float("-inf")])
def test_any_other_number_is_refused(rating: float) -> None:
    with pytest.raises(InvalidEvent, match="invalid_rating"):
        transform(rated(rating=rating), POSITION)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"user_id": ""}, "empty_id: user_id"),
        ({"title_id": ""}, "empty_id: title_id"),
        ({"device_id": ""}, "empty_id: device_id"),
        ({"title_id": "a\0b"}, "nul_character: title_id"),
        ({"device_id": "x" * (MOST_ID_CHARACTERS + 1)}, "id_too_long: device_id has 201 characters"),
        ({"hlc": -1}, "negative_number: hlc is -1"),
    ],
)
def test_what_no_row_can_hold_is_refused(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidEvent, match=reason):
        transform(rated(**({"user": "u"} | fields)), POSITION)


def test_an_event_of_another_topic_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="unexpected_event: PreferenceSet"):
        transform(prefers(), POSITION)


ROWS = st.builds(
    RatingRow,
    user_id=st.sampled_from("uv"),
    title_id=st.sampled_from("st"),
    rating=st.sampled_from((0.5, 5.0)),
    hlc=st.integers(0, 2),
    device_id=st.sampled_from("ab"),
    rated_at=st.just(WHEN),
)


@given(rows=st.lists(ROWS, min_size=1), data=st.data())
def test_the_newest_wins_in_any_order(rows: list[RatingRow], data: st.DataObject) -> None:
    found = newest(rows)
    assert newest(data.draw(st.permutations(rows))) == found
    assert [(row.user_id, row.title_id) for row in found] == sorted({(row.user_id, row.title_id) for row in rows})
    for winner in found:
        mine = [row for row in rows if (row.user_id, row.title_id) == (winner.user_id, winner.title_id)]
        assert order(winner) == max(map(order, mine))
