import copy
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_laws.watching import BY_HAND, MOST_SITTINGS, Flag, Place, Watching, is_completed

LENGTH = 100_000
_clocks = st.integers(1, 40)
_devices = st.sampled_from(["phone", "tv"])
_positions = st.sampled_from([0, 10_000, 50_000, 94_999, 95_000, LENGTH, 2 * LENGTH])
_lengths = st.sampled_from([None, LENGTH, 50_000])
_sessions = st.sampled_from([f"s{number}" for number in range(MOST_SITTINGS - 1)])
_kinds = st.sampled_from(["started", "progressed", "paused", "resumed", "seeked", "stopped", "completed", "unknown"])
places = st.builds(Place, _clocks, _devices, _positions, _lengths)


class Played(NamedTuple):
    session: str
    kind: str
    place: Place

    def apply(self, watching: Watching) -> None:
        watching.played(self.session, self.kind, self.place)


class Set(NamedTuple):
    place: Place

    def apply(self, watching: Watching) -> None:
        watching.set_by_hand(self.place)


class Marked(NamedTuple):
    flag: Flag

    def apply(self, watching: Watching) -> None:
        watching.mark(self.flag)


Event = Played | Set | Marked
events = st.one_of(
    st.builds(Played, _sessions, _kinds, places),
    st.builds(Played, _sessions, _kinds, places),
    st.builds(Set, places),
    st.builds(Marked, st.builds(Flag, _clocks, _devices, st.booleans())),
)
histories = st.lists(events, max_size=25)


def after(history: Sequence[Event], start: Watching | None = None) -> Watching:
    watching = copy.deepcopy(start) if start is not None else Watching()
    for event in history:
        event.apply(watching)
    return watching


def at(hlc: int, position_ms: int, duration_ms: int | None = LENGTH, device: str = "tv") -> Place:
    return Place(hlc, device, position_ms, duration_ms)


def joined(one: Watching, other: Watching) -> Watching:
    result, before = copy.deepcopy(one), copy.deepcopy(other)
    result.join(other)
    assert other == before, "join changes only its own side"
    return result


@given(history=histories, shuffled=st.randoms(use_true_random=False), repeated=st.integers(0, 15))
def test_any_order_and_any_repetition_of_the_same_events_is_the_same_state(
    history: list[Event], shuffled: Random, repeated: int
) -> None:
    other = [*history, *(shuffled.choice(history) for _ in range(repeated if history else 0))]
    shuffled.shuffle(other)
    one, two = after(history), after(other)
    assert one == two
    assert (one.place, one.watched, one.finished) == (two.place, two.watched, two.finished)


@given(one=histories, other=histories, third=histories)
def test_join_is_commutative_associative_idempotent_and_knows_all(
    one: list[Event], other: list[Event], third: list[Event]
) -> None:
    a, b, c = after(one), after(other), after(third)
    assert joined(a, b) == joined(b, a) == after([*one, *other])
    assert joined(joined(a, b), c) == joined(a, joined(b, c))
    assert joined(a, a) == a == joined(a, Watching())


@given(history=histories)
def test_something_played_or_set_has_a_place(history: list[Event]) -> None:
    assert (after(history).place is None) is all(isinstance(event, Marked) for event in history)


@given(history=histories, late=st.builds(Played, _sessions, _kinds, places), device=_devices)
def test_nothing_that_is_older_than_the_mark_un_watches_or_watches(
    history: list[Event], late: Played, device: str
) -> None:
    """Every clock of the history is below 50."""
    for watched in (True, False):
        marked = after([*history, Marked(Flag(50, device, watched))])
        assert after([late], marked).watched is watched


@given(history=histories, played=st.lists(st.builds(Played, _sessions, _kinds, places), max_size=8))
def test_playing_never_un_watches(history: list[Event], played: list[Event]) -> None:
    before = after(history)
    assert after(played, before).watched or not before.watched


@pytest.mark.parametrize(
    ("position_ms", "duration_ms", "completed"),
    [
        (95_000, LENGTH, True), (94_999, LENGTH, False), (LENGTH + 1, LENGTH, True), (0, LENGTH, False), (0, 0, False),
        (10, 0, False), (10, None, False), (19, 20, True), (2**62, 2**62, True), (5, -5, False), (-5, 100, False),
    ],
)  # fmt: skip
def test_completed_is_95_percent_of_a_known_length(position_ms: int, duration_ms: int | None, completed: bool) -> None:
    assert is_completed(position_ms, duration_ms) is completed
    for event in (Played("s", "progressed", at(1, position_ms, duration_ms)), Set(at(1, position_ms, duration_ms))):
        assert after([event]).watched is completed
        assert after([event]).finished is completed


@given(
    sitting=st.lists(st.tuples(_kinds, st.integers(10, 20), _positions), min_size=1, max_size=6),
    newer=st.lists(st.tuples(_kinds, st.integers(22, 30), _positions), min_size=1, max_size=6),
    straggler=st.tuples(_kinds, st.integers(1, 10_000), _positions),
    shuffled=st.randoms(use_true_random=False),
)
def test_a_straggler_of_an_ended_sitting_moves_nothing_once_a_newer_one_began(
    sitting: list[tuple[str, int, int]],
    newer: list[tuple[str, int, int]],
    straggler: tuple[str, int, int],
    shuffled: Random,
) -> None:
    """Whatever its clock says, and wherever among the others it arrives."""
    history: list[Event] = [Played("old", kind, at(hlc, position)) for kind, hlc, position in sitting]
    history += [Played("old", "stopped", at(21, 5_000))]
    history += [Played("new", kind, at(hlc, position, device="phone")) for kind, hlc, position in newer]
    late = Played("old", straggler[0], at(straggler[1], straggler[2]))
    expected = after(history).place
    assert expected is not None
    assert expected.device_id == "phone"
    assert after([*history, late]).place == expected
    mixed = [*history, late]
    shuffled.shuffle(mixed)
    assert after(mixed).place == expected


def test_a_sitting_that_ended_counts_until_another_begins_after_its_end() -> None:
    ended: list[Event] = [Played("one", "started", at(1, 0)), Played("one", "stopped", at(5, 40_000))]
    late = Played("one", "progressed", at(9, 39_000))
    assert after([*ended, late]).place == at(9, 39_000)
    begun_before = Played("two", "started", at(4, 0, device="phone"))
    assert after([*ended, begun_before]).place == at(5, 40_000)
    begun_after = Played("two", "started", at(6, 0, device="phone"))
    assert after([*ended, late, begun_after]).place == at(6, 0, device="phone")


def test_a_second_viewing_continues_from_its_own_place_and_stays_watched() -> None:
    first: list[Event] = [Played("one", "started", at(1, 0)), Played("one", "completed", at(5, LENGTH))]
    assert (after(first).watched, after(first).finished) == (True, True)
    second = after([*first, Played("two", "started", at(10, 0)), Played("two", "progressed", at(11, 20_000))])
    assert (second.watched, second.finished, second.place) == (True, False, at(11, 20_000))
    late = after([Played("one", "progressed", at(3, 50_000))], second)
    assert (late.watched, late.finished, late.place) == (True, False, at(11, 20_000))


@pytest.mark.parametrize("duration_ms", [None, LENGTH])
def test_a_player_that_says_completed_before_95_percent_is_believed(duration_ms: int | None) -> None:
    """Credits are long, and not every player knows the length."""
    found = after([Played("one", "progressed", at(1, 80_000, duration_ms)), Played("one", "completed", at(2, 90_000))])
    assert (found.watched, found.finished) == (True, True)
    alone = after([Played("one", "completed", at(2, 90_000, duration_ms))])
    assert (alone.watched, alone.finished) == (True, True)


@given(history=histories, hand=places)
def test_positions_set_by_hand_count_by_their_clock_and_never_end(history: list[Event], hand: Place) -> None:
    others = [event for event in history if not isinstance(event, Set)]
    place = after(others).place
    newest = hand if hand.wins_over(place) else place
    assert after([*others, Set(hand)]).place == newest


def test_the_newer_stamp_wins_then_the_device_then_the_position() -> None:
    assert after([Set(at(2, 5)), Set(at(1, 9))]).place == at(2, 5)
    assert after([Set(at(1, 5, device="tv")), Set(at(1, 9, device="phone"))]).place == at(1, 5, device="tv")
    assert after([Set(at(1, 5)), Set(at(1, 9, None))]).place == at(1, 9, None)
    assert after([Set(at(1, 5, None)), Set(at(1, 5, 10))]).place == at(1, 5, 10)


def test_finished_follows_the_newest_of_place_and_mark() -> None:
    here: list[Event] = [Set(at(5, 30_000))]
    assert not after(here).finished
    assert not after([*here, Marked(Flag(4, "tv", watched=True))]).finished
    assert after([*here, Marked(Flag(6, "tv", watched=True))]).finished
    assert not after([*here, Marked(Flag(6, "tv", watched=True)), Set(at(7, 1_000))]).finished
    assert not after([*here, Marked(Flag(6, "tv", watched=True)), Marked(Flag(7, "tv", watched=False))]).finished
    assert after([Marked(Flag(6, "tv", watched=True))]).finished, "nothing to continue without a place"


@given(history=st.lists(st.builds(Played, st.integers(0, 60).map(str), _kinds, places), max_size=80))
def test_no_more_sittings_are_kept_than_allowed(history: list[Event]) -> None:
    assert len(after(history).sittings) <= MOST_SITTINGS


@given(
    history=st.lists(
        st.builds(Played, st.integers(0, 40).map(str), st.just("progressed"), places), min_size=30, max_size=60
    ),
    hand=st.none() | places,
)
def test_forgetting_sittings_never_moves_the_place_back(history: list[Event], hand: Place | None) -> None:
    """Without ends every place counts, so the resume position is the newest ever seen."""
    if hand is not None:
        history = [Set(hand), *history]
    watching, newest = Watching(), None
    for event in history:
        event.apply(watching)
        assert not isinstance(event, Marked)
        newest = event.place if event.place.wins_over(newest) else newest
        assert watching.place == newest


def test_a_long_sitting_outlives_many_short_ones_begun_after_it() -> None:
    short: list[Event] = [Played(f"s{number}", "started", at(2 + number, 0)) for number in range(3 * MOST_SITTINGS)]
    film: list[Event] = [Played("film", "started", at(1, 0)), Played("film", "progressed", at(900, 70_000))]
    assert after([*film, *short]).place == at(900, 70_000)


@given(history=histories)
def test_a_state_survives_being_stored(history: list[Event]) -> None:
    watching = after(history)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(watching), type=Watching) == watching


def test_states_share_nothing() -> None:
    Watching().set_by_hand(at(1, 1))
    assert Watching().sittings == {}
    assert BY_HAND not in Watching().sittings
