"""What a preference leaves."""

from typing import Any

import pytest

from schemas.envelope import Position
from schemas.read_models.preferences import PreferenceRow
from streams.engine.outcome import InvalidEvent
from streams.materializers.preferences.store import newest
from streams.materializers.preferences.transform import transform
from tests.support.personal import WHEN, prefers, rated

POSITION = Position("preference-changes", 0, 0)


def row(*arguments: Any, **fields: Any) -> PreferenceRow:
    return transform(prefers(*arguments, **fields), POSITION)[0]


def test_a_preference_is_a_row() -> None:
    assert row("u", "subtitles.size", '{"em":1.5}', 7) == PreferenceRow(
        user_id="u", name="subtitles.size", value='{"em":1.5}', hlc=7, device_id="phone", event_at=WHEN
    )


@pytest.mark.parametrize("value", ["", "{", "nul", "'de'", "NaN", '"a" 1', "[" * 100_000])
def test_what_is_no_json_is_refused(value: str) -> None:
    with pytest.raises(InvalidEvent, match="invalid_json: value"):
        row(value=value)


@pytest.mark.parametrize("value", ["null", "1", '"\\u0000"', "[]", None])
def test_any_json_goes_and_none_takes_it_back(value: str | None) -> None:
    assert row(value=value).value == value


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"name": ""}, "empty_id: name"),
        ({"user": ""}, "empty_id: user_id"),
        ({"device_id": ""}, "empty_id: device_id"),
        ({"value": '"\0"'}, "nul_character: value"),
        ({"hlc": -(2**63)}, "negative_number: hlc"),
    ],
)
def test_what_no_row_can_hold_is_refused(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidEvent, match=reason):
        row(**fields)


def test_an_event_of_another_topic_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="unexpected_event: RatingGiven"):
        transform(rated(), POSITION)


def test_clock_then_device_then_value_decide() -> None:
    taken_back, empty = row(value=None, hlc=2), row(value='""', hlc=2)
    later_device = row(value="0", hlc=2, device_id="tv")
    everything = [row(value="9", hlc=1, device_id="z"), taken_back, empty, later_device]
    assert newest([*everything[:1], taken_back]) == [taken_back]
    assert newest([empty, taken_back]) == newest([taken_back, empty]) == [empty]
    assert newest(everything) == newest(everything[::-1]) == [later_device]
