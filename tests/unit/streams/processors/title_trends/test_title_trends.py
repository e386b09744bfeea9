"""Which plays count, for how long, and what they add up to."""

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.read_models.trending import EVERYWHERE, WINDOWS
from schemas.types.discovery import TrendingUpdated
from streams.engine.outcome import InvalidEvent
from streams.engine.spec import Counted
from streams.processors.title_trends.state import STEP_MS, STEPS, Play, Plays, Sat, end_of
from streams.processors.title_trends.transform import (
    LATEST_MS,
    MOST_AHEAD_MS,
    MOST_SITTINGS,
    REMEMBERED_MS,
    count,
    expires_at,
    forgets_at,
    sit_down,
    tick_plays,
    tick_viewer,
    time_of,
)
from streams.processors.title_trends.trends import MOST_TITLES, Trends
from tests.support.personal import rated
from tests.support.stateful import MINUTE, at, event, received

HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE


def sit(state: Sat | None, at_ms: int, now_ms: int | None = None, **changes: Any) -> tuple[Sat | None, list[Any]]:
    what = received(event(0, at_ms, **{"kind": "started", **changes}))
    state, made = sit_down(state, what, at(at_ms if now_ms is None else now_ms))
    return state, list(made)


def test_a_title_plays_once_a_session_and_only_when_it_starts() -> None:
    state, made = sit(None, 0)
    assert made == [Play("DE", "film", at(0))]
    repeats: tuple[dict[str, Any], ...] = ({}, {"kind": "progressed"}, {"kind": "completed"}, {"hlc": 99 << 16})
    for changes in repeats:
        again, nothing = sit(state, 1000, **changes)
        assert nothing == []
        assert again is state
    for name, value in (("session_id", "s2"), ("title_id", "other")):
        _, made = sit(state, 1000, None, **{name: value})
        assert len(made) == 1


def test_an_hour_of_lateness_counts_and_more_does_not() -> None:
    assert sit(None, 0, LATEST_MS - 1)[1] == [Play("DE", "film", at(0))]
    assert sit(None, 0, LATEST_MS) == (None, [Counted("late")])


def test_a_device_from_the_future_does_not_make_everybody_else_late() -> None:
    far = received(event(at_ms=365 * DAY), recorded_ms=0)
    assert time_of(far) == at(0)
    near = received(event(at_ms=MOST_AHEAD_MS), recorded_ms=0)
    assert time_of(near) == at(MOST_AHEAD_MS)


def test_a_region_is_two_letters_or_unknown() -> None:
    assert [sit(None, 0, region=region)[1][0].region for region in ("US", "", EVERYWHERE, "a/b")] == [
        "US", "ZZ", "ZZ", "ZZ",
    ]  # fmt: skip


def test_sittings_are_forgotten_after_a_day_and_bounded() -> None:
    state, _ = sit(None, 0)
    assert state is not None
    assert forgets_at(state) == at(REMEMBERED_MS)
    assert tick_viewer(state, at(REMEMBERED_MS))[0] is None
    for number in range(MOST_SITTINGS + 5):
        state, _ = sit(state, number, session_id=f"s{number}")
    assert state is not None
    assert len(state.sittings) == MOST_SITTINGS


def test_other_events_are_refused() -> None:
    with pytest.raises(InvalidEvent):
        sit_down(None, received(rated()), 0)  # type: ignore[arg-type]  # on purpose


def plays_at(*times: int, now: int) -> Plays:
    state: Plays | None = None
    for when in times:
        state, _ = count(state, Play("DE", "film", at(when)), at(now))
    assert state is not None
    return state


def test_plays_leave_each_window_in_turn() -> None:
    state = plays_at(0, 0, now=0)
    for ago, left in ((HOUR + MINUTE, [0, 2, 2]), (DAY + HOUR, [0, 0, 2])):
        later, _ = count(state, Play("DE", "film", at(ago)), at(ago))
        assert [sum(steps.values()) - 1 for steps in later.counts] == left


def test_a_title_nobody_plays_is_forgotten_after_the_longest_window() -> None:
    state = plays_at(0, now=0)
    when = expires_at(state)
    assert when is not None
    assert 7 * DAY - STEP_MS[-1] <= when - at(0) <= 7 * DAY
    assert tick_plays(state, when - 1)[0] is state
    assert tick_plays(state, when)[0] is None


def saw(trends: Trends, region: str, title: str, plays: Plays | None, partition: int = 0) -> None:
    trends.saw("plays", partition, f"{region}/{title}".encode(), plays)


def by_window(made: Any, region: str) -> dict[str, TrendingUpdated]:
    return {one.window: one for one in made if one.region == region}


def test_a_play_is_seen_in_its_region_and_everywhere_in_every_window() -> None:
    trends = Trends()
    saw(trends, "DE", "film", plays_at(0, now=0))
    made = trends.publish(at(0))
    assert {(one.region, one.window) for one in made} == {(r, w) for r in ("DE", EVERYWHERE) for w in WINDOWS}
    for one in made:
        [title] = one.titles
        assert (title.title_id, title.plays, title.score) == ("film", 1, 1.0)
        assert one.window_end.timestamp() * 1000 > at(0)


def test_a_score_halves_every_quarter_of_the_window() -> None:
    for window, (name, seconds) in enumerate(WINDOWS.items()):
        trends = Trends()
        start = end_of(window, at(0)) * STEP_MS[window] - at(0)
        saw(trends, "DE", "film", plays_at(start, now=start))
        for quarters, score in ((0, 1.0), (1, 0.5), (2, 0.25), (3, 0.125)):
            found = by_window(trends.publish(at(start + quarters * seconds * 250)), "DE")[name]
            assert found.titles[0].score == pytest.approx(score)
        assert by_window(trends.publish(at(start + seconds * 1000)), "DE")[name].titles == ()
        assert name not in by_window(trends.publish(at(start + seconds * 2000)), "DE")


def test_nothing_new_is_not_published_and_the_same_has_the_same_id() -> None:
    trends, successor = Trends(), Trends()
    for one in (trends, successor):
        saw(one, "DE", "film", plays_at(0, now=0))
    first = trends.publish(at(0))
    assert list(trends.publish(at(0))) == []
    saw(trends, "DE", "film", plays_at(0, now=0))
    assert list(trends.publish(at(0))) == []
    assert [one.event_id for one in successor.publish(at(0))] == [one.event_id for one in first]


def test_forgotten_titles_leave() -> None:
    trends = Trends()
    saw(trends, "DE", "film", plays_at(0, now=0))
    saw(trends, "FR", "film", plays_at(0, now=0))
    trends.publish(at(0))
    saw(trends, "DE", "film", None)
    made = trends.publish(at(0))
    assert by_window(made, "DE")["1h"].titles == ()
    assert by_window(made, EVERYWHERE)["1h"].titles[0].plays == 1


def test_at_most_a_hundred_titles_best_first_equal_ones_by_id() -> None:
    trends = Trends()
    for number in range(MOST_TITLES + 20):
        saw(trends, "DE", f"t{number:03}", plays_at(*[0] * (2 if number == 70 else 1), now=0))
    titles = [one.title_id for one in by_window(trends.publish(at(0)), "DE")["1h"].titles]
    assert titles == ["t070", *[f"t{n:03}" for n in range(MOST_TITLES) if n != 70]]


PLAYS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["DE", "FR"]), st.integers(0, 4), st.integers(0, 2 * HOUR)),
    min_size=1,
    max_size=40,
)


@given(PLAYS, st.randoms())
def test_the_sum_does_not_depend_on_partitions_nor_on_the_order_of_states(plays: Any, order: random.Random) -> None:
    now = 2 * HOUR
    states: dict[tuple[int, str, str], Plays] = {}
    steps = []
    for partition, region, title, when in plays:
        place = (partition, region, f"t{title}")
        states[place], _ = count(states.get(place), Play(region, f"t{title}", at(when)), at(now))
        steps.append((place, states[place]))
    one, other, all_in_one = Trends(), Trends(), Trends()
    for (partition, region, title), state in steps:  # every intermediate state too
        saw(one, region, title, state, partition)
    final = list(states.items())
    order.shuffle(final)
    for (partition, region, title), state in final:
        saw(other, region, title, state, partition)
    together: dict[tuple[str, str], Plays] = {}
    for _, region, title, when in plays:
        known = together.get((region, f"t{title}"))
        together[region, f"t{title}"], _ = count(known, Play(region, f"t{title}", at(when)), at(now))
    for (region, title), state in together.items():
        saw(all_in_one, region, title, state)
    results = [sorted(one.publish(at(now)), key=lambda e: (e.region, e.window)) for one in (one, other, all_in_one)]
    assert results[0] == results[1] == results[2]
    for region in ("DE", "FR", EVERYWHERE):
        end = end_of(0, at(now))
        exact = Counter(
            f"t{title}"
            for _, where, title, when in plays
            if region in (where, EVERYWHERE) and end - STEPS <= at(when) // STEP_MS[0] < end
        )
        found = by_window(results[0], region).get("1h")
        assert {one.title_id: one.plays for one in found.titles} == exact if found else not exact
