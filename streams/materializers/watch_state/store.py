"""Reads what is known of the titles a batch touches, lets the laws take in the batch, and writes what changed.

Read, change, write is safe because the store is `exclusive`: the engine holds the locks of the batch's partitions from
before the read until the commit, and whoever writes the same rows has partitions of the same numbers (both topics are
keyed by the person and have as many partitions).
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from runtime.connections import bulk
from runtime.connections.postgres import Cursor
from runtime.settings import Settings
from runtime.sql import Statements
from schemas.read_models.notices import MOST_ROWS
from schemas.read_models.watch_state import READ_MODEL, TABLES, WatchStateRow
from streams.engine.spec import StoreContext, Versions
from streams.engine.store import PostgresStore
from streams.engine.versions import PostgresVersions
from streams.materializers.watch_state.transform import Marked, PlaceSet, Played, WatchWrite
from sync_laws.watching import Place, Watching, is_finished

_QUERIES = Path(__file__).with_name("queries.sql")
_TYPES = (
    "text", "text", "bytea", "int8", "int8", "int8", "text", "bool", "int8", "text", "bool", "timestamptz",
)  # fmt: skip
_DECODE = msgspec.msgpack.Decoder(Watching).decode
# Sorted, so that one state has one document whatever its sittings came in.
_ENCODE = msgspec.msgpack.Encoder(order="deterministic").encode

Key = tuple[str, str]
"""User id, title id."""


Staged = tuple[
    str, str, bytes, int | None, int | None, int | None, str | None, bool, int | None, str | None, bool, datetime
]
"""A changed state, in the order of `stage_states`."""


def create(context: StoreContext) -> PostgresStore:
    return PostgresStore(context, write, _QUERIES, live=True, exclusive=True)


def versions(settings: Settings) -> Versions:
    return PostgresVersions(settings, READ_MODEL, TABLES)


def write(cursor: Cursor, statements: Statements, writes: Sequence[WatchWrite]) -> list[WatchStateRow] | None:
    """Rows that changed; None when they are more than anybody is told of."""
    touched: dict[Key, list[WatchWrite]] = {}
    for each in writes:
        key = (each.user_id, each.title_id)
        if key in touched:
            touched[key].append(each)
        else:
            touched[key] = [each]
    keys = sorted(touched)
    parameters = {"user_ids": _json([user_id for user_id, _ in keys]), "title_ids": _json([title for _, title in keys])}
    cursor.execute(statements["known_states"], parameters, binary=True, prepare=False)
    known: dict[Key, tuple[bytes, datetime]] = {keys[place - 1]: (document, at) for place, document, at in cursor}
    changed = [found for key in keys if (found := change(key, known.get(key), touched[key])) is not None]
    if not changed:
        return []
    bulk.stage(cursor, statements["stage_states"], statements["copy_states"], _TYPES, changed)
    told = len(changed) <= MOST_ROWS
    cursor.execute(statements["merge_staged"], {"told": told}, prepare=False)
    if not told:
        return None
    revisions = {(user_id, title_id): revision for user_id, title_id, revision in cursor}
    return [_row(each, revisions[each[0], each[1]]) for each in changed]


def change(key: Key, known: tuple[bytes, datetime] | None, writes: Sequence[WatchWrite]) -> Staged | None:
    """What `writes` make of what is known; None when they say nothing new."""
    state = Watching() if known is None else _DECODE(known[0])
    event_at = writes[0].event_at if known is None else known[1]
    for each in writes:
        if each.event_at > event_at:
            event_at = each.event_at
        if type(each) is Played:
            state.played(each.session_id, each.kind, each.place)
        elif type(each) is Marked:
            state.mark(each.flag)
        elif type(each) is PlaceSet:
            state.set_by_hand(each.place)
    document = _ENCODE(state)
    if known is not None and document == known[0] and event_at == known[1]:
        return None
    place, flag = state.place, state.flag
    position = (None, None, None, None) if place is None else _register(place)
    marked = (False, None, None) if flag is None else (flag.watched, flag.hlc, flag.device_id)
    return (*key, document, *position, *marked, is_finished(place, flag), event_at)


def _register(place: Place) -> tuple[int, int | None, int, str]:
    return place.position_ms, place.duration_ms, place.hlc, place.device_id


def _row(staged: Staged, revision: int) -> WatchStateRow:
    (
        user_id,
        title_id,
        _,
        position_ms,
        duration_ms,
        hlc,
        device,
        watched,
        watched_hlc,
        watched_device,
        finished,
        at,
    ) = staged
    return WatchStateRow(
        user_id=user_id,
        title_id=title_id,
        position_ms=position_ms,
        duration_ms=duration_ms,
        position_hlc=hlc,
        position_device=device,
        watched=watched,
        watched_hlc=watched_hlc,
        watched_device=watched_device,
        finished=finished,
        event_at=at,
        revision=revision,
    )


def _json(texts: list[str]) -> str:
    return msgspec.json.encode(texts).decode()
