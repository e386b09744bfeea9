"""What an edit says about one person and one title, and when a dead tag is forgotten."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.types import AnyEvent
from streams.engine.outcome import InvalidEvent
from streams.materializers.watchlist.store import REMEMBERED_HLC, change
from streams.materializers.watchlist.transform import MOST_TAGS, Added, Moved, Removed, transform
from sync_laws.watchlist import Item
from tests.support.viewing import POSITION, WHEN, added, moved, played, removed, writes_of

KEY = ("u1", "t1")


def item_after(*events: AnyEvent) -> Item:
    found = change(KEY, None, writes_of(transform, events))
    assert found is not None
    return msgspec.msgpack.decode(found.document, type=Item)


def test_each_event_becomes_one_write() -> None:
    assert transform(added("x", observed=("y",)), POSITION) == (
        Added(
            user_id="u1",
            title_id="t1",
            event_at=WHEN,
            hlc=10,
            device_id="d1",
            tag="x",
            offset=0,
            rank="a0",
            observed=("y",),
        ),
    )
    assert transform(moved(), POSITION) == (
        Moved(user_id="u1", title_id="t1", event_at=WHEN, hlc=11, device_id="d1", rank="a1"),
    )
    assert transform(removed("x"), POSITION) == (
        Removed(user_id="u1", title_id="t1", event_at=WHEN, hlc=12, offset=0, observed=("x",)),
    )
    assert transform(removed("x", blind=True), POSITION) == (
        Removed(user_id="u1", title_id="t1", event_at=WHEN, hlc=12, offset=0, observed=None),
    )


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (added(rank=""), "invalid_rank"),
        (added(rank="a"), "invalid_rank"),
        (added(rank="a0\0"), "invalid_rank"),
        (moved(rank="a10" + "0" * 300), "invalid_rank"),
        (added(hlc=-1), "negative_clock"),
        (added(""), "empty_id"),
        (added("a\0"), "nul_character"),
        (added(observed=("",)), "empty_id"),
        (removed("a", user_id=""), "empty_id"),
        (removed("a", title_id="\0"), "nul_character"),
        (removed("a", device_id="d" * 300), "too_long"),
        (removed(*map(str, range(MOST_TAGS + 1))), "too_many_tags"),
        (played(), "unexpected_event"),
    ],
)
def test_what_can_never_be_right_is_refused(event: AnyEvent, reason: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        transform(event, POSITION)
    assert refused.value.reason == reason


def test_a_blind_removal_takes_what_stands_before_it() -> None:
    before = item_after(added("a"), added("b"), removed(blind=True))
    assert (before.added, before.removed) == ({}, {"a": 12, "b": 12})
    assert item_after(added("a"), removed(blind=True), added("b")).added == {"b": 10}


EDITS = st.lists(
    st.builds(added, st.sampled_from("abc"), hlc=st.integers(1, 9), observed=st.sets(st.sampled_from("abc")).map(tuple))
    | st.builds(removed, st.sampled_from("abc"), hlc=st.integers(1, 9), blind=st.booleans())
    | st.builds(moved, hlc=st.integers(1, 9)),
    min_size=1,
    max_size=12,
)


@given(EDITS, st.data())
def test_reading_the_log_again_from_anywhere_changes_nothing(history: list[AnyEvent], data: st.DataObject) -> None:
    """Also not what a blind removal left alone because it was added later."""
    writes = writes_of(transform, history)
    whole = change(KEY, None, writes)
    assert whole is not None
    begin = data.draw(st.integers(0, len(writes) - 1))
    assert change(KEY, (whole.document, whole.row.event_at), writes[begin:]) is None


def test_an_addition_that_a_removal_had_not_seen_stays() -> None:
    assert item_after(added("a"), removed("a"), added("b")).added == {"b": 10}
    assert item_after(removed("a"), added("a"), added("b")).added == {"b": 10}


def test_dead_tags_are_forgotten_after_ninety_days_by_the_clocks_of_the_item() -> None:
    just = item_after(added("a"), removed("a", hlc=12), moved(hlc=12 + REMEMBERED_HLC))
    assert just.removed == {"a": 12}
    assert item_after(added("a"), removed("a", hlc=12), moved(hlc=13 + REMEMBERED_HLC)).removed == {}
    for newest in (added("n", hlc=13 + REMEMBERED_HLC), removed("n", hlc=13 + REMEMBERED_HLC)):
        assert "a" not in item_after(added("a"), removed("a", hlc=12), newest).removed


def test_a_removed_title_keeps_its_row_and_its_place() -> None:
    found = change(KEY, None, writes_of(transform, [added("a"), removed("a"), moved(rank="a5")]))
    assert found is not None
    assert (found.row.present, found.row.rank, found.row.rank_hlc) == (False, "a5", 11)
