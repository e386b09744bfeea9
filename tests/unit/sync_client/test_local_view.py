"""The view is the laws: whatever was queued, sent, repeated or coalesced, it shows what the service will come to."""

import copy
from collections.abc import Sequence
from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from sync_client.ledger import Ledger
from sync_client.local_view import LocalView
from sync_client.operations import (
    Operation,
    PreferenceSet,
    ProgressSet,
    Queued,
    State,
    WatchedMark,
    WatchedUnmark,
    WatchlistAdd,
    WatchlistMove,
    WatchlistRemove,
)
from sync_client.placing import Ranked, place
from sync_laws.rank import spread
from sync_laws.tags import tag_of
from sync_laws.watching import Flag, Place, Watching
from sync_laws.watchlist import Item, ordered

_titles = st.sampled_from(["t1", "t2", "t3"])
_ranks = st.sampled_from(["Zz", "a0", "a0V", "a1"])
_observed = st.lists(st.integers(0, 12).map(lambda number: tag_of("u", "tv", f"o{number}")), max_size=3).map(tuple)
_operations = st.one_of(
    st.builds(WatchlistAdd, _titles, _ranks, _observed),
    st.builds(WatchlistRemove, _titles, _observed),
    st.builds(WatchlistMove, _titles, _ranks),
    st.builds(ProgressSet, _titles, st.sampled_from([0, 50, 94, 95, 100]), st.sampled_from([None, 100])),
    st.builds(WatchedMark, _titles),
    st.builds(WatchedUnmark, _titles),
    st.builds(PreferenceSet, st.sampled_from(["p", "q"]), st.none() | st.integers(0, 3)),
)


def queue_of(operations: Sequence[Operation]) -> list[Queued]:
    return [Queued(seq, f"o{seq}", operation, 1000 + seq, 0) for seq, operation in enumerate(operations)]


def shown(view: LocalView) -> tuple[object, ...]:
    progress = {title: view.progress(title) for title in ("t1", "t2", "t3")}
    return view.watchlist(), progress, view.continue_watching(), view.watched(), view.preferences()


def by_the_laws(queue: Sequence[Queued]) -> tuple[list[str], dict[str, Watching]]:
    items: dict[str, Item] = {}
    watching: dict[str, Watching] = {}
    for queued in queue:
        match queued.operation:
            case WatchlistAdd(title, rank, observed):
                tag = tag_of("u", "tv", queued.operation_id)
                items.setdefault(title, Item()).add(tag, rank, queued.hlc, "tv", observed)
            case WatchlistRemove(title, observed):
                items.setdefault(title, Item()).remove(observed, queued.hlc)
            case WatchlistMove(title, rank):
                items.setdefault(title, Item()).move(rank, queued.hlc, "tv")
            case ProgressSet(title, position, duration):
                watching.setdefault(title, Watching()).set_by_hand(Place(queued.hlc, "tv", position, duration))
            case WatchedMark(title) | WatchedUnmark(title):
                flag = Flag(queued.hlc, "tv", isinstance(queued.operation, WatchedMark))
                watching.setdefault(title, Watching()).mark(flag)
            case _:
                pass
    return ordered(items), watching


@given(operations=st.lists(_operations, max_size=13))
def test_the_view_is_what_the_laws_make_of_the_queue(operations: list[Operation]) -> None:
    queue = queue_of(operations)
    view = LocalView("u", "tv", (), queue)
    titles, watching = by_the_laws(queue)
    assert view.watchlist() == titles
    for title, law in watching.items():
        progress = view.progress(title)
        assert progress is not None
        assert (progress.watched, progress.finished) == (law.watched, law.finished)
        assert progress.position_ms == (law.place.position_ms if law.place else None)


@given(operations=st.lists(_operations, max_size=13))
def test_one_by_one_is_the_same_as_all_at_once(operations: list[Operation]) -> None:
    queue = queue_of(operations)
    view = LocalView("u", "tv", (), ())
    for queued in queue:
        view.append(queued)
    assert shown(view) == shown(LocalView("u", "tv", (), queue))


@given(operations=st.lists(_operations, max_size=13), rejected=st.sets(st.integers(0, 12)))
def test_rejected_and_dropped_operations_leave_no_trace(operations: list[Operation], rejected: set[int]) -> None:
    queue = queue_of(operations)
    kept = [queued for queued in copy.deepcopy(queue) if queued.seq not in rejected]
    view, dropping = LocalView("u", "tv", (), queue), LocalView("u", "tv", (), copy.deepcopy(queue))
    for queued in queue:
        if queued.seq in rejected:
            queued.state = State.REJECTED
            view.changed(queued)
            dropping.drop(queued.operation_id)
    assert shown(view) == shown(dropping) == shown(LocalView("u", "tv", (), kept))


@settings(max_examples=40)
@given(operations=st.lists(_operations, max_size=30))
def test_leaving_out_progress_that_a_newer_one_replaces_comes_to_the_same(operations: list[Operation]) -> None:
    """What the queue coalesces is exactly what the laws do not miss."""
    whole, view = LocalView("u", "tv", (), ()), LocalView("u", "tv", (), ())
    for queued in queue_of(operations):
        whole.append(copy.deepcopy(queued))
        if isinstance(queued.operation, ProgressSet):
            for needless in view.needless_beside(queued.operation):
                view.drop(needless.operation_id)
        view.append(queued)
    assert shown(view) == shown(whole)
    assert len(view.queue) <= len(whole.queue)


@given(ranks=st.lists(st.sampled_from(["Zz", "a0", "a0V", "a1", "a1", "a1"]), max_size=12), index=st.integers(0, 12))
def test_there_is_room_at_every_place_of_every_list(ranks: list[str], index: int) -> None:
    order = sorted(Ranked(rank, f"t{number}") for number, rank in enumerate(ranks))
    index = min(index, len(order))
    found = place(order, index)
    moved = {other.title_id: other.rank for other in found.others}
    after = [Ranked(moved.get(each.title_id, each.rank), each.title_id) for each in order]
    after.append(Ranked(found.rank, "new"))
    assert [each.title_id for each in sorted(after)] == [
        *(each.title_id for each in order[:index]), "new", *(each.title_id for each in order[index:]),
    ]  # fmt: skip


def test_where_ranks_have_grown_too_long_the_titles_behind_get_new_ones() -> None:
    order = [Ranked("a0", "first"), Ranked("a1", "last")]
    moves = 0
    for number in range(1_500):
        found = place(order, 1)
        moved = {other.title_id: other.rank for other in found.others}
        moves += len(moved)
        order = [Ranked(moved.get(each.title_id, each.rank), each.title_id) for each in order]
        order.insert(1, Ranked(found.rank, f"n{number}"))
        assert order == sorted(order)
    assert [each.title_id for each in order[:3]] == ["first", "n1499", "n1498"]
    assert 0 < moves < 1_500


def test_ten_thousand_titles_stay_in_order_while_they_are_edited() -> None:
    ranks, random = spread(None, None, 10_000), Random(1)
    view = LocalView("u", "tv", (), queue_of([WatchlistAdd(f"t{number}", rank) for number, rank in enumerate(ranks)]))
    for seq in range(300):
        title = random.choice(view.watchlist())
        order = [each for each in view.order if each.title_id != title]
        rank = place(order, random.randint(0, len(order))).rank
        view.append(Queued(seq, f"m{seq}", WatchlistMove(title, rank), 20_000 + seq, 0))
    assert view.order == sorted(view.order)
    assert len(view.watchlist()) == 10_000


def test_ledger_limit_holds_for_operations_that_need_others(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "x.db", "u", "tv", limit=2)
    ledger.append([WatchlistAdd("a", "a0"), WatchlistMove("a", "a1")])
    assert len(ledger.view.queue) == 2
    ledger.close()
