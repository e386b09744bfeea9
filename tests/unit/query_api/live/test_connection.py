"""What one client has been told, and what waits for it."""

import pytest

from query_api.services.live import connection
from query_api.services.live.connection import MOST_ROWS_A_MESSAGE, Connection, End
from query_api.services.live.responses import RefetchReason
from query_api.user_changes.cursor import READ_MODEL_OF, Cursor, Mark
from schemas.read_models.notices import LiveRow
from schemas.read_models.watch_state import WatchStateRow
from tests.support.live_model import NOW, caller, command, state

START = Cursor(0, {kind: Mark(1, 100) for kind in READ_MODEL_OF})


@pytest.fixture
def live() -> Connection:
    """Everything up to revision 100 is known; the hub is at epoch 1."""
    found = Connection("ann", caller())
    found.start_at(START)
    found.begin_read(1)
    found.read((), START)
    found.end_read()
    return found


def taken(found: Connection) -> list[tuple[str, int]]:
    rows = found.take(NOW)
    assert isinstance(rows, tuple)
    return [(row.title_id, row.revision) for row in rows if isinstance(row, WatchStateRow)]


def mark(found: Connection, kind: str = "watch_state") -> int:
    return found.cursor(NOW).marks[kind].revision


def test_rows_are_told_once_and_in_order_of_their_revisions(live: Connection) -> None:
    live.offer([state("ann", "b", 102), state("ann", "a", 101), state("ann", "old", 100)], 1)
    live.offer([state("ann", "a", 101)], 1)
    assert taken(live) == [("a", 101), ("b", 102)]
    assert live.take(NOW) is None
    assert mark(live) == 102


def test_while_a_client_is_slow_only_the_newest_of_each_row_waits(live: Connection) -> None:
    for revision in range(101, 601):
        live.offer([state("ann", f"t{revision % 3}", revision)], 1)
    assert live.waiting == 3
    assert mark(live) == 597  # the lowest that waits, less one
    assert taken(live) == [("t1", 598), ("t2", 599), ("t0", 600)]
    assert mark(live) == 600


def test_a_long_queue_is_told_in_parts_each_with_a_cursor_of_its_own(live: Connection) -> None:
    rows = [state("ann", f"t{number}", 101 + number) for number in range(MOST_ROWS_A_MESSAGE + 5)]
    live.offer(rows, 1)
    assert len(taken(live)) == MOST_ROWS_A_MESSAGE
    assert mark(live) == 100 + MOST_ROWS_A_MESSAGE
    assert len(taken(live)) == 5
    assert mark(live) == 105 + MOST_ROWS_A_MESSAGE


def test_beyond_the_bound_everything_is_dropped_for_one_refetch(
    live: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST_WAITING", 10)
    for number in range(1_000):
        live.offer([state("ann", f"t{number}", 101 + number)], 1)
        assert live.waiting <= 11
    assert (live.ending, live.reason, live.waiting) == (End.REFETCH, RefetchReason.TOO_SLOW, 0)


def test_a_notice_of_another_epoch_is_left_to_the_read_that_will_come(live: Connection) -> None:
    live.offer([state("ann", "after-the-gap", 105)], 2)
    assert live.take(NOW) is None
    assert mark(live) == 100


def test_what_comes_during_a_read_continues_it(live: Connection) -> None:
    live.begin_read(2)
    live.offer([state("ann", "a", 104), state("ann", "b", 106)], 2)
    live.read([state("ann", "a", 104), state("ann", "c", 105)], _cursor(105))
    live.end_read()
    assert taken(live) == [("a", 104), ("c", 105), ("b", 106)]
    live.offer([state("ann", "d", 107)], 2)
    assert taken(live) == [("d", 107)]


def test_a_read_that_was_overtaken_by_a_gap_is_not_continued(live: Connection) -> None:
    live.begin_read(2)
    live.offer([state("ann", "b", 106)], 3)
    live.read([state("ann", "a", 104)], _cursor(104))
    live.end_read()
    assert live.epoch == 2
    assert taken(live) == [("a", 104)]
    live.offer([state("ann", "c", 107)], 3)
    assert live.take(NOW) is None


def test_too_much_during_a_read_makes_it_void_instead_of_growing(
    live: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST_WAITING", 10)
    live.begin_read(2)
    for number in range(100):
        live.offer([state("ann", f"t{number}", 200 + number)], 2)
        assert live.waiting <= 10
    live.read((), START)
    live.end_read()
    assert live.epoch != 2
    assert (mark(live), live.ending) == (100, None)


def test_a_rebuilt_read_model_may_number_its_rows_lower(live: Connection) -> None:
    live.begin_read(2)
    live.read([state("ann", "a", 7)], Cursor(0, {**START.marks, "watch_state": Mark(2, 7)}))
    live.end_read()
    assert taken(live) == [("a", 7)]
    assert live.cursor(NOW).marks["watch_state"] == Mark(2, 7)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (command("ann", "c", 101), True),
        (command("ann", "c", 101, target="phone"), False),
        (command("ann", "c", 101, seconds=0.0), False),
    ],
)
def test_commands_are_for_their_target_and_their_time(live: Connection, row: LiveRow, told: bool) -> None:
    live.offer([row], 1)
    assert live.take(NOW) == (row if told else None)
    assert mark(live, "device_commands") == 101


def test_a_command_comes_after_the_changes_and_with_its_own_cursor(live: Connection) -> None:
    live.offer([command("ann", "c", 101), state("ann", "a", 102)], 1)
    assert taken(live) == [("a", 102)]
    assert (mark(live), mark(live, "device_commands")) == (102, 100)
    live.take(NOW)
    assert mark(live, "device_commands") == 101


def test_the_first_ending_counts(live: Connection) -> None:
    live.offer([state("ann", "a", 102)], 1)
    live.end(End.EXPIRED)
    live.end(End.CLIENT_GONE)
    live.offer([state("ann", "b", 103)], 1)
    assert (live.ending, live.waiting) == (End.EXPIRED, 0)


def _cursor(revision: int) -> Cursor:
    return Cursor(0, {**START.marks, "watch_state": Mark(1, revision)})
