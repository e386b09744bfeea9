"""A minute of answers in figures, and the line that is printed of it."""

import math

from bootstrap.lag import Lag
from proofs.load.minutes import line, minute, summary
from proofs.load.requests import BROKEN, TIMED_OUT, Answer


def answer(kind: str = "queries", seconds: float = 0.01, status: int = 200, size: int = 1) -> Answer:
    return Answer(kind, kind, seconds, status, size)


def lag(consumer: str, events: int, seconds: float) -> Lag:
    return Lag(consumer, "titles", events, seconds, 0, events)


def test_percentiles_are_in_milliseconds_and_count_errors_too() -> None:
    found = summary([answer(seconds=n / 1000, status=500 if n == 100 else 200) for n in range(1, 101)])
    assert (found.requests, found.p50, found.p95, found.p99) == (100, 50, 95, 99)
    assert found.failed == 1


def test_errors_are_counted_by_what_they_were() -> None:
    statuses = [200, 202, 503, 503, 429, BROKEN, TIMED_OUT, 404]
    found = summary([answer(status=status) for status in statuses])
    assert found.errors == {"404": 1, "429": 1, "503": 2, "broken": 1, "no answer": 1}
    assert found.failed == 6


def test_nothing_sent_is_not_a_number_and_no_error() -> None:
    found = summary([])
    assert (found.requests, found.failed) == (0, 0)
    assert math.isnan(found.p95)


def test_the_line_of_a_minute() -> None:
    answers = [answer("playback", 0.02, 202, 30), answer("playback", 0.04, 503, 10), answer()]
    lags = [lag("watch_state", 7, 0.5), lag("embedding", 5, 12.25), lag("trending", 0, 0.0)]
    found = minute(120.0, answers, lags, {"services": 300 * 1_048_576, "redis": 20 * 1_048_576})
    assert (found.behind, found.lag, found.furthest) == (12, 12.25, "embedding")
    text = line(found)
    assert text.startswith("  2.0 min | webhooks 0 (0), 0 errors,")
    assert "playback 2 (40), 1 × 503, 20/40/40 ms" in text
    assert "queries 1 (1), 0 errors, 10/10/10 ms" in text
    assert text.endswith("lag 12 events, 12.2 s (embedding) | 320 MB")
    assert "\n" not in text


def test_nobody_behind() -> None:
    assert line(minute(60.0, [], [lag("trending", 0, 0.0)], {})).endswith("lag 0 events, 0.0 s | 0 MB")
