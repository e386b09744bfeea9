import pytest

from streams.processors.normalization.durations import Duration, parse_duration, plausible_minutes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90 min", Duration(minutes=90)),
        (" 90 ", Duration(minutes=90)),
        ("90.0", Duration(minutes=90)),
        ("1h 30m", Duration(minutes=90)),
        ("2 hours", Duration(minutes=120)),
        ("PT1H30M", Duration(minutes=90)),
        ("1 Season", Duration(seasons=1)),
        ("12 Seasons", Duration(seasons=12)),
        ("0 min", Duration()),
        ("99999 min", Duration()),
        ("TV-MA", None),
        ("", None),
        ("ninety", None),
        ("-5 min", None),
    ],
)
def test_parse_duration(text: str, expected: Duration | None) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    ("minutes", "expected"), [(None, None), (0, None), (-1, None), (1, 1), (1500, 1500), (1501, None)]
)
def test_plausible_minutes(minutes: int | None, expected: int | None) -> None:
    assert plausible_minutes(minutes) == expected
