"""Operations as events: kinds, ids that devices can compute, ranks at the end, room on the list."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from command_api.services.sync.events import rank_at_end, to_events
from command_api.services.sync.requests import parse
from command_api.services.sync.room import titles_in_question, without_room
from schemas import codec
from schemas.types.identity import PreferenceSet
from schemas.types.playback import ProgressSet, WatchedMarked
from schemas.types.watchlist import WatchlistItemAdded, WatchlistItemMoved, WatchlistItemRemoved
from sync_laws import rank
from sync_laws.clock import MAX_HLC
from sync_laws.tags import tag_of
from sync_laws.watchlist import MOST_ITEMS
from tests.support.commands import HLC, operation
from tests.support.webhooks import NOW


def queue(*operations: dict[str, Any]) -> Any:
    numbered = [{**each, "operationId": f"o-{n}"} for n, each in enumerate(operations)]
    return parse(msgspec.json.encode({"operations": numbered}), NOW)


def event_of(given: dict[str, Any]) -> Any:
    (proposed,) = to_events("ann", "tv", queue(given))
    event = proposed.event
    assert (event.user_id, event.device_id, event.hlc) == ("ann", "tv", HLC)  # type: ignore[union-attr] # those all have
    assert event.event_id == tag_of("ann", "tv", "o-0")
    assert event.occurred_at == NOW
    assert codec.key_of(event) == b"ann"
    assert codec.decode(codec.encode(event)) == event
    return event


def test_watchlist() -> None:
    added = event_of(operation("watchlist.add", titleId="t", rank="a1", observed=["x"]))
    assert isinstance(added, WatchlistItemAdded)
    assert (added.title_id, added.rank, added.observed) == ("t", "a1", ("x",))
    moved = event_of(operation("watchlist.move", titleId="t", rank="a2"))
    assert isinstance(moved, WatchlistItemMoved)
    assert moved.rank == "a2"


@pytest.mark.parametrize(("observed", "blind"), [(None, True), ([], False), (["x", "y"], False)])
def test_a_removal_without_observations_is_blind(observed: list[str] | None, blind: bool) -> None:
    found = event_of(operation("watchlist.remove", titleId="t", observed=observed))
    assert isinstance(found, WatchlistItemRemoved)
    assert (found.blind, found.observed) == (blind, tuple(observed or ()))


def test_progress_and_watched() -> None:
    progress = event_of(operation("progress.set", titleId="t", positionMs=5, durationMs=10))
    assert isinstance(progress, ProgressSet)
    assert (progress.position_ms, progress.duration_ms) == (5, 10)
    for op, watched in (("watched.mark", True), ("watched.unmark", False)):
        found = event_of(operation(op, titleId="t"))
        assert isinstance(found, WatchedMarked)
        assert found.watched is watched


@pytest.mark.parametrize(("value", "text"), [("de", '"de"'), ({"a": 1}, '{"a":1}'), (0, "0")])
def test_preferences(value: Any, text: str) -> None:
    found = event_of(operation("preference.set", name="n", value=value))
    assert isinstance(found, PreferenceSet)
    assert found.value == text


def test_a_preference_taken_back() -> None:
    assert event_of({**operation("preference.set", name="n"), "value": None}).value is None


def test_digests_tell_contents_apart() -> None:
    operations = [
        operation("watchlist.add", titleId="t"),
        operation("watchlist.add", titleId="u"),
        operation("watchlist.add", titleId="t", rank="a0"),
        operation("watchlist.remove", titleId="t"),
        operation("watchlist.remove", titleId="t", observed=[]),
        operation("watched.mark", titleId="t"),
        operation("watched.unmark", titleId="t"),
        operation("watched.mark", titleId="t", hlc=HLC - 1),
    ]
    digests = {to_events("ann", "tv", queue(each))[0].digest for each in operations}
    assert len(digests) == len(operations)
    (same,) = to_events("ann", "tv", queue(operation("watchlist.add", titleId="t", hlc=HLC)))
    assert same.digest in digests


@given(st.integers(0, MAX_HLC), st.integers(0, MAX_HLC))
def test_ranks_at_the_end_sort_by_their_clocks(one: int, other: int) -> None:
    assert rank.is_rank(rank_at_end(one))
    assert (rank_at_end(one) < rank_at_end(other)) == (one < other)


@given(st.integers(1, MAX_HLC), st.integers(1, 200))
def test_ranks_at_the_end_are_behind_lists_that_grew_and_have_room_around(hlc: int, length: int) -> None:
    grown = None
    for _ in range(length):
        grown = rank.between(grown, None)
    end = rank_at_end(hlc)
    assert grown is not None
    assert grown < end
    assert grown < rank.between(grown, end) < end < rank.between(end, None)


def listed(*titles: str) -> frozenset[str]:
    return frozenset(titles)


def adds(*titles: str) -> list[dict[str, Any]]:
    return [operation("watchlist.add", titleId=title) for title in titles]


def test_only_additions_ask_for_room() -> None:
    assert titles_in_question(queue(operation("watchlist.remove", titleId="t"))) == []
    both = queue(*adds("u"), operation("watchlist.remove", titleId="t"), operation("watched.mark", titleId="x"))
    assert titles_in_question(both) == ["t", "u"]


def test_additions_that_do_not_fit_are_named() -> None:
    found = without_room(queue(*adds("a", "b", "a", "c", "d")), MOST_ITEMS - 2, listed("b"))
    assert [error.pointer for error in found] == ["#/operations/4"]


def test_titles_that_are_listed_need_no_room() -> None:
    assert without_room(queue(*adds("a", "b")), MOST_ITEMS, listed("a", "b")) == []


def test_removals_before_make_room_and_those_after_do_not() -> None:
    remove = operation("watchlist.remove", titleId="a")
    assert without_room(queue(remove, *adds("b")), MOST_ITEMS, listed("a")) == []
    assert len(without_room(queue(*adds("b"), remove), MOST_ITEMS, listed("a"))) == 1
    assert len(without_room(queue(remove, remove, *adds("b", "c")), MOST_ITEMS, listed("a"))) == 1
    assert len(without_room(queue(operation("watchlist.remove", titleId="z"), *adds("b")), MOST_ITEMS, listed())) == 1
