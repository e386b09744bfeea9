"""What an update of a trend leaves."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import Position
from schemas.read_models.trending import EVERYWHERE, WINDOWS, Trend, TrendingTitle, next_offsets, position_field
from schemas.types.discovery import TrendingTitle as EventTitle
from streams.engine.outcome import InvalidEvent
from streams.materializers.trending.store import newest
from streams.materializers.trending.transform import TrendWrite, transform
from tests.support.personal import WHEN, rated, trending


def write(event: Any, offset: int = 0) -> TrendWrite:
    return transform(event, Position("title-trends", 0, offset))[0]


def title(**fields: Any) -> EventTitle:
    given_fields: dict[str, Any] = {"title_id": "t", "score": 1.0, "plays": 1}
    return EventTitle(**(given_fields | fields))


def test_an_update_is_a_trend() -> None:
    assert write(trending("DE", "24h"), 7) == TrendWrite(
        trend=Trend("DE", "24h", WHEN, (TrendingTitle("t0", 2.5, 3),)), offset=7
    )


@pytest.mark.parametrize("region", ["US", "ZZ", EVERYWHERE])
@pytest.mark.parametrize("window", WINDOWS)
def test_every_region_and_window(region: str, window: str) -> None:
    assert write(trending(region, window, titles=())).trend == Trend(region, window, WHEN, ())


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (trending(region=""), "invalid_region"),
        (trending(region="de"), "invalid_region"),
        (trending(region="DE:24h"), "invalid_region"),
        (trending(region="DE\n"), "invalid_region"),
        (trending(region="*"), "invalid_region"),
        (trending(window="2h"), "unknown_window"),
        (trending(titles=(title(title_id=""),)), "empty_id: title_id"),
        (trending(titles=(title(title_id="\0"),)), "nul_character: title_id"),
        (trending(titles=(title(plays=-1),)), "negative_number: plays"),
        (trending(titles=(title(score=-1.0),)), "negative_number: score"),
        (trending(titles=(title(score=float("nan")),)), "negative_number: score"),
        (trending(titles=(title(score=float("inf")),)), "invalid_score"),
        (trending(titles=tuple(title(title_id=str(number)) for number in range(101))), "too_many_titles: 101"),
        (rated(), "unexpected_event: RatingGiven"),
    ],
)
def test_what_no_trend_can_hold_is_refused(event: Any, reason: str) -> None:
    with pytest.raises(InvalidEvent, match=reason):
        write(event)


@given(hours=st.lists(st.integers(-2, 2), min_size=1), data=st.data())
def test_the_latest_window_and_its_latest_word_win(hours: list[int], data: st.DataObject) -> None:
    writes = [write(trending(hours=each), offset) for offset, each in enumerate(hours)]
    last = max(hours)
    (found,) = newest(data.draw(st.permutations(writes)))
    assert found == writes[len(hours) - 1 - hours[::-1].index(last)]


def test_positions_are_read_as_they_were_written() -> None:
    fields = {position_field("title-trends", number).encode(): str(number * 10).encode() for number in (0, 3)}
    assert next_offsets(fields) == {("title-trends", 0): 0, ("title-trends", 3): 30}
