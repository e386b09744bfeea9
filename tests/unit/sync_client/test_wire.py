"""What the client says is what the services hear, and the other way round: their own code on both ends."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from command_api.services.sync import requests
from command_api.services.sync.events import to_events
from command_api.services.sync.queues import MutationsAccepted, OperationAccepted
from query_api.services.live.responses import changes_of, command_of, encode
from query_api.user_changes.cursor import Cursor, Mark
from query_api.user_changes.reader import Changes
from query_api.user_changes.responses import ChangesResponse
from schemas.read_models.devices import DeviceCommandRow, DeviceRow
from schemas.read_models.preferences import PreferenceRow
from schemas.read_models.ratings import RatingRow
from schemas.read_models.watch_state import WatchStateRow
from schemas.read_models.watchlist import WatchlistRow
from sync_client import live, rows
from sync_client.ledger import Ledger, to_wire
from sync_client.operations import (
    MOST_MS,
    Kind,
    Operation,
    PreferenceSet,
    ProgressSet,
    WatchedMark,
    WatchedUnmark,
    WatchlistAdd,
    WatchlistMove,
    WatchlistRemove,
)
from sync_laws.tags import tag_of
from tests.unit.sync_client.conftest import NOW

AT = datetime.fromtimestamp(NOW / 1000, UTC)
STAMP = 2**62 + 1
OPERATIONS: list[Operation] = [
    WatchlistAdd("t-1", "a0"),
    WatchlistAdd("t-1", "a0V", (tag_of("u", "tv", "x"),)),
    WatchlistRemove("t-1", (tag_of("u", "tv", "x"), tag_of("u", "tv", "y"))),
    WatchlistRemove("t-1", ()),
    WatchlistMove("t-1", "Zz"),
    ProgressSet("t-2", 0),
    ProgressSet("t-2", MOST_MS, MOST_MS),
    WatchedMark("Ünïcode / title"),
    WatchedUnmark("t" * 200),
    PreferenceSet("subtitles.language", "de"),
    PreferenceSet("a", {"b": [1, None, 2.5]}),
    PreferenceSet("a", None),
]


def test_every_operation_is_understood_by_the_service(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "tv.db", "u", "tv", wall_ms=lambda: NOW)
    ids = [ledger.append([operation])[0] for operation in OPERATIONS if not isinstance(operation, ProgressSet)]
    ids += ledger.append([ProgressSet("t-2", 0), ProgressSet("t-2", MOST_MS, MOST_MS)])
    batch = ledger.take(500)
    parsed = requests.parse(to_wire(batch), AT)
    assert [each.operation.operation_id for each in parsed] == ids
    assert [each.hlc for each in parsed] == [queued.hlc for queued in batch]
    assert [each.occurred_at for each in parsed] == [AT] * len(batch)
    assert requests.parse(to_wire(batch), AT) == parsed, "a repetition has the same body"
    events = {proposed.event.event_id: proposed.event for proposed in to_events("u", "tv", parsed)}
    for queued in batch:
        event: Any = events[tag_of("u", "tv", queued.operation_id)]
        operation: Any = queued.operation
        for field in {"title_id", "rank", "observed", "position_ms", "duration_ms", "name"} & set(
            operation.__struct_fields__
        ):
            assert getattr(event, field) == getattr(operation, field)
        if isinstance(operation, WatchlistRemove):
            assert event.blind is False, "a device with a copy of the list never removes what it did not see"
    ledger.close()


def test_a_device_knows_the_tag_that_the_service_will_give(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "tv.db", "u", "tv", wall_ms=lambda: NOW)
    ledger.append([WatchlistAdd("t-1", "a0")])
    (proposed,) = to_events("u", "tv", requests.parse(to_wire(ledger.take(1)), AT))
    item = ledger.view.item("t-1")
    assert item is not None
    assert list(item.added) == [proposed.event.event_id]
    ledger.close()


def test_the_services_answer_is_understood() -> None:
    body = msgspec.json.encode(MutationsAccepted((OperationAccepted("o-1", "e-1", "watchlist-changes:3:7"),)))
    found = msgspec.json.decode(body, type=rows.MutationsAnswer)
    assert found.operations == (rows.Accepted("o-1", "e-1", "watchlist-changes:3:7"),)


@pytest.fixture
def changed() -> tuple[Any, ...]:
    return (
        WatchStateRow(
            user_id="u", title_id="t-1", position_ms=5, duration_ms=None, position_hlc=STAMP, position_device="tv",
            watched=True, watched_hlc=STAMP + 1, watched_device="phone", finished=True, event_at=AT, revision=1,
        ),
        WatchStateRow(user_id="u", title_id="t-2", finished=True, event_at=AT, revision=2),
        WatchlistRow(
            user_id="u", title_id="t-1", present=True, rank="a0", rank_hlc=STAMP, rank_device="tv",
            added={"x": STAMP}, removed={"y": STAMP + 2}, event_at=AT, revision=3,
        ),
        WatchlistRow(
            user_id="u", title_id="t-2", present=False, rank="", rank_hlc=0, rank_device="", added={}, removed={},
            event_at=AT, revision=4,
        ),
        PreferenceRow(user_id="u", name="p", value='{"a":1}', hlc=STAMP, device_id="tv", event_at=AT, revision=5),
        PreferenceRow(user_id="u", name="q", value=None, hlc=STAMP, device_id="tv", event_at=AT, revision=6),
    )  # fmt: skip


OTHERS = (
    msgspec.convert(
        {"user_id": "u", "title_id": "t-1", "rating": 4.5, "hlc": STAMP, "device_id": "tv", "rated_at": AT,
         "event_at": AT, "revision": 7}, RatingRow,
    ),
    msgspec.convert(
        {"user_id": "u", "device_id": "tv", "name": "TV", "kind": "tv", "capabilities": ["play"], "removed": False,
         "hlc": STAMP, "event_at": AT, "revision": 8}, DeviceRow,
    ),
)  # fmt: skip
COMMAND = msgspec.convert(
    {"user_id": "u", "command_id": "c-1", "device_id": "phone", "target_device_id": "tv", "command": "seek",
     "title_id": None, "position_ms": 5, "issued_at": AT, "expires_at": AT, "revision": 9, "event_at": AT},
    DeviceCommandRow,
)  # fmt: skip


def check(found: list[rows.Row]) -> None:
    by_subject = {rows.subject_of(row): row for row in found}
    state: Any = by_subject[Kind.WATCH_STATES, "t-1"]
    watching = state.watching()
    assert (watching.place.position_ms, watching.place.hlc, watching.place.device_id) == (5, STAMP, "tv")
    assert (watching.flag.watched, watching.flag.hlc, watching.flag.device_id) == (True, STAMP + 1, "phone")
    empty: Any = by_subject[Kind.WATCH_STATES, "t-2"]
    assert empty.watching().place is None
    item: Any = by_subject[Kind.WATCHLIST, "t-1"]
    assert (item.item().added, item.item().removed, item.item().rank) == ({"x": STAMP}, {"y": STAMP + 2}, "a0")
    gone: Any = by_subject[Kind.WATCHLIST, "t-2"]
    assert not gone.item().present
    preference: Any = by_subject[Kind.PREFERENCES, "p"]
    assert (preference.value, preference.hlc) == ({"a": 1}, STAMP)
    assert state.newest_hlc == STAMP + 1
    assert item.newest_hlc == STAMP + 2


def test_changes_are_understood(changed: tuple[Any, ...]) -> None:
    cursor = Cursor(1, {"watchlist": Mark(1, 9)})
    answer = ChangesResponse.of("u", Changes((*changed, *OTHERS, COMMAND), cursor, True, {}, AT))
    found = msgspec.json.decode(msgspec.json.encode(answer), type=rows.ChangesAnswer, strict=False)
    check(list(found))
    assert (found.cursor, found.more) == (cursor.encode("u"), True)
    assert [rating.rating for rating in found.ratings] == [4.5]
    assert [device.name for device in found.devices] == ["TV"]
    assert [(command.command, command.expires_at) for command in found.commands] == [("seek", "2027-01-15T08:00:00Z")]


def test_live_messages_are_understood(tmp_path: Path, changed: tuple[Any, ...]) -> None:
    ledger = Ledger(tmp_path / "tv.db", "u", "tv", wall_ms=lambda: NOW)
    told: list[rows.DeviceCommand] = []
    for message in (changes_of((*changed, *OTHERS), "c-1"), command_of(COMMAND, "c-2")):
        live._take_in(ledger, encode(message), told.append, lambda: None)
    assert ledger.cursor == "c-2"
    assert [command.command_id for command in told] == ["c-1"]
    assert ledger.view.watchlist() == ["t-1"]
    assert ledger.view.preferences() == {"p": {"a": 1}}
    ledger.close()
    again = Ledger(tmp_path / "tv.db", "u", "tv", wall_ms=lambda: NOW)
    check(list(again._store.rows()))
    again.close()
