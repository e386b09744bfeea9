import copy
from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from sync_laws.watchlist import Item, ordered

_tags = st.sampled_from("pqrstuvw")
_clocks = st.integers(0, 30)
_devices = st.sampled_from(["phone", "tv", "web"])
_ranks = st.sampled_from(["Zz", "a0", "a0V", "a1", "b00"])
_observed = st.frozensets(_tags, max_size=4)


class Add(NamedTuple):
    tag: str
    rank: str
    hlc: int
    device: str
    observed: frozenset[str] = frozenset()

    def apply(self, item: Item) -> None:
        item.add(self.tag, self.rank, self.hlc, self.device, self.observed)


class Remove(NamedTuple):
    observed: frozenset[str]
    hlc: int

    def apply(self, item: Item) -> None:
        item.remove(self.observed, self.hlc)


class Move(NamedTuple):
    rank: str
    hlc: int
    device: str

    def apply(self, item: Item) -> None:
        item.move(self.rank, self.hlc, self.device)


Operation = Add | Remove | Move
operations = st.one_of(
    st.builds(Add, _tags, _ranks, _clocks, _devices, _observed),
    st.builds(Remove, _observed, _clocks),
    st.builds(Move, _ranks, _clocks, _devices),
)
histories = st.lists(operations, max_size=12)


def after(history: Sequence[Operation], start: Item | None = None) -> Item:
    item = copy.deepcopy(start) if start is not None else Item()
    for operation in history:
        operation.apply(item)
    return item


def joined(one: Item, *others: Item) -> Item:
    result = copy.deepcopy(one)
    for other in others:
        before = copy.deepcopy(other)
        result.join(other)
        assert other == before, "join changes only its own side"
    return result


@given(one=histories, other=histories, third=histories)
def test_join_is_commutative_associative_and_idempotent(
    one: list[Operation], other: list[Operation], third: list[Operation]
) -> None:
    a, b, c = after(one), after(other), after(third)
    assert joined(a, b) == joined(b, a)
    assert joined(joined(a, b), c) == joined(a, joined(b, c))
    assert joined(a, a) == a
    assert joined(joined(a, b), b) == joined(a, b)
    assert joined(a, Item()) == a == joined(Item(), a)


@given(history=histories, shuffled=st.randoms(use_true_random=False), repeated=st.integers(0, 10))
def test_any_order_and_any_repetition_of_the_same_operations_is_the_same_item(
    history: list[Operation], shuffled: Random, repeated: int
) -> None:
    other = [*history, *(shuffled.choice(history) for _ in range(repeated if history else 0))]
    shuffled.shuffle(other)
    assert after(other) == after(history)


@given(one=histories, other=histories)
def test_joining_two_replicas_is_knowing_the_operations_of_both(one: list[Operation], other: list[Operation]) -> None:
    assert joined(after(one), after(other)) == after([*one, *other])


@given(history=histories, operation=operations)
def test_an_operation_only_adds_to_what_is_known(history: list[Operation], operation: Operation) -> None:
    """State grows in the order of the join, so that a join after it forgets nothing of it."""
    before = after(history)
    assert joined(after([operation], before), before) == after([operation], before)


lists = st.dictionaries(st.sampled_from(["t1", "t2", "t3", "t4"]), histories)


@given(one=lists, shuffled=st.randoms(use_true_random=False))
def test_two_devices_that_saw_the_same_operations_hold_the_same_list(
    one: dict[str, list[Operation]], shuffled: Random
) -> None:
    def replica(order: Callable[[list[tuple[str, Operation]]], None]) -> list[str]:
        everything = [(title, operation) for title, history in one.items() for operation in history]
        order(everything)
        items: dict[str, Item] = {}
        for title, operation in everything:
            operation.apply(items.setdefault(title, Item()))
        return ordered(items)

    assert replica(lambda _: None) == replica(shuffled.shuffle)


def test_concurrent_addition_and_removal_keep_the_title() -> None:
    """The phone removes what it saw while the television adds again: add wins, whichever arrives first."""
    first, again, removal = Add("p", "a0", 1, "web"), Add("q", "a1", 2, "tv"), Remove(frozenset("p"), 3)
    orders: list[list[Operation]] = [[first, again, removal], [first, removal, again], [removal, again, first]]
    for history in orders:
        assert after(history).present
        assert after(history).added == {"q": 2}


@given(history=histories, clock=_clocks)
def test_a_removal_wins_over_all_that_it_saw_whatever_the_clocks(history: list[Operation], clock: int) -> None:
    item = after(history)
    removal = Remove(frozenset(item.added), clock)
    assert not after([removal], item).present
    assert not after([*history, removal, *history]).present, "also when everything arrives once more"


@given(history=histories, addition=st.builds(Add, st.just("new"), _ranks, _clocks, _devices, _observed))
def test_an_addition_nobody_has_seen_is_present_whatever_the_clocks(history: list[Operation], addition: Add) -> None:
    assert after([*history, addition]).present
    assert after([addition, *history]).present


@given(history=histories, clock=_clocks)
def test_a_blind_removal_takes_all_that_is_here(history: list[Operation], clock: int) -> None:
    item = after(history)
    item.remove(None, clock)
    assert not item.present


def test_an_addition_replaces_the_ones_it_saw() -> None:
    item = after([Add("p", "a0", 1, "tv"), Add("q", "a0", 2, "tv", frozenset("p"))])
    assert (item.added, item.removed) == ({"q": 2}, {"p": 2})


def test_moving_a_removed_title_shows_when_it_comes_back() -> None:
    """A move is no addition; the place of the newest of all operations holds."""
    history: list[Operation] = [Add("p", "a0", 1, "tv"), Remove(frozenset("p"), 2), Move("a5", 9, "phone")]
    assert not after(history).present
    back = after([*history, Add("q", "a1", 4, "tv")])
    assert back.present
    assert back.rank == "a5"


@given(history=histories)
def test_the_place_is_that_of_the_newest_clock_then_device_then_rank(history: list[Operation]) -> None:
    stamps = [(each.hlc, each.device, each.rank) for each in history if not isinstance(each, Remove)]
    item = after(history)
    assert (item.rank_hlc, item.rank_device, item.rank) == max([(0, "", ""), *stamps])


def test_equal_ranks_sort_by_title() -> None:
    items = {title: after([Add("p", "a0", 1, "tv")]) for title in ("t2", "t1", "t3")}
    assert ordered(items | {"t0": after([Add("p", "a0V", 1, "tv")])}) == ["t1", "t2", "t3", "t0"]


@given(history=histories, before=_clocks)
def test_forgetting_drops_old_dead_tags_and_changes_nothing_that_shows(history: list[Operation], before: int) -> None:
    item, kept = after(history), after(history)
    kept.forget(before)
    assert (kept.present, kept.added, kept.rank) == (item.present, item.added, item.rank)
    assert kept.removed == {tag: hlc for tag, hlc in item.removed.items() if hlc >= before}


@given(history=histories)
def test_an_item_survives_being_stored(history: list[Operation]) -> None:
    item = after(history)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(item), type=Item) == item


def test_items_share_nothing() -> None:
    Item().add("p", "a0", 1, "tv")
    assert Item().added == {}
