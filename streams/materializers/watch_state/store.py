"""Reads what is known of the titles a batch touches, lets the laws take in the batch, and writes what changed.

Read, change, write is safe because the store is `exclusive`: the engine holds the locks of the batch's partitions from
before the read until the commit, and whoever writes the same rows has partitions of the same numbers (both topics are
keyed by the person and have as many partitions).
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from runtime.connections import bulk
from runtime.connections.postgres import Cursor
from runtime.settings import Settings
from runtime.sql import Statements
from schemas.read_models.notices import MOST_ROWS
from schemas.read_models.watch_state import READ_MODEL, TABLES, WatchStateRow
from streams.engine.spec import StoreContext, Versions
from streams.engine.store import PostgresStore
from streams.engine.versions import PostgresVersions
from streams.materializers.watch_state.transform import Marked, Played, WatchWrite
from sync_laws.watching import Watching

_QUERIES = Path(__file__).with_name("queries.sql")
_TYPES = (
    "text", "text", "bytea", "int8", "int8", "int8", "text", "bool", "int8", "text", "bool", "timestamptz",
)  # fmt: skip
_DECODE = msgspec.msgpack.Decoder(Watching).decode
# Sorted, so that one state has one document whatever its sittings came in.
_ENCODE = msgspec.msgpack.Encoder(order="deterministic").encode

Key = tuple[str, str]
"""User id, title id."""


class Changed(Struct, gc=False):
    """A state that a batch changed; `row` has no revision yet."""

    row: WatchStateRow
    document: bytes


def create(context: StoreContext) -> PostgresStore:
    return PostgresStore(context, write, _QUERIES, live=True, exclusive=True)


def versions(settings: Settings) -> Versions:
    return PostgresVersions(settings, READ_MODEL, TABLES)


def write(cursor: Cursor, statements: Statements, writes: Sequence[WatchWrite]) -> list[WatchStateRow] | None:
    """Rows that changed; None when they are more than anybody is told of."""
    touched: dict[Key, list[WatchWrite]] = {}
    for each in writes:
        touched.setdefault((each.user_id, each.title_id), []).append(each)
    keys = sorted(touched)
    parameters = {"user_ids": [user_id for user_id, _ in keys], "title_ids": [title_id for _, title_id in keys]}
    cursor.execute(statements["known_states"], parameters, binary=True, prepare=False)
    known: dict[Key, tuple[bytes, datetime]] = {keys[n - 1]: (document, at) for n, document, at in cursor}
    changed = [found for key in keys if (found := change(key, known.get(key), touched[key])) is not None]
    if not changed:
        return []
    bulk.stage(cursor, statements["stage_states"], statements["copy_states"], _TYPES, map(_staged, changed))
    cursor.execute(statements["merge_staged"], {"told": len(changed) <= MOST_ROWS}, prepare=False)
    if len(changed) > MOST_ROWS:
        return None
    revisions = {(user_id, title_id): revision for user_id, title_id, revision in cursor}
    return [
        msgspec.structs.replace(each.row, revision=revisions[each.row.user_id, each.row.title_id]) for each in changed
    ]


def change(key: Key, known: tuple[bytes, datetime] | None, writes: Sequence[WatchWrite]) -> Changed | None:
    """What `writes` make of what is known; None when they say nothing new."""
    state = Watching({}) if known is None else _DECODE(known[0])
    event_at = writes[0].event_at if known is None else known[1]
    for each in writes:
        if each.event_at > event_at:
            event_at = each.event_at
        if type(each) is Played:
            state.played(each.session_id, each.kind, each.place)
        elif type(each) is Marked:
            state.mark(each.flag)
        else:
            state.set_by_hand(each.place)  # type: ignore[union-attr]  # the third of three
    document = _ENCODE(state)
    if known is not None and document == known[0] and event_at == known[1]:
        return None
    place, flag = state.place, state.flag
    row = WatchStateRow(
        user_id=key[0],
        title_id=key[1],
        position_ms=place.position_ms if place else None,
        duration_ms=place.duration_ms if place else None,
        position_hlc=place.hlc if place else None,
        position_device=place.device_id if place else None,
        watched=state.watched,
        watched_hlc=flag.hlc if flag else None,
        watched_device=flag.device_id if flag else None,
        finished=state.finished,
        event_at=event_at,
    )
    return Changed(row, document)


def _staged(each: Changed) -> tuple[object, ...]:
    row = each.row
    return (
        row.user_id,
        row.title_id,
        each.document,
        row.position_ms,
        row.duration_ms,
        row.position_hlc,
        row.position_device,
        row.watched,
        row.watched_hlc,
        row.watched_device,
        row.finished,
        row.event_at,
    )
