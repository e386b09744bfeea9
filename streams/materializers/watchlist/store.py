"""Reads what is known of the titles a batch touches, lets the laws take in the edits in order, writes what changed.

Safe because the store is `exclusive`: see `streams.engine.store`.
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
from schemas.read_models.watchlist import READ_MODEL, TABLES, WatchlistRow
from streams.engine.spec import StoreContext, Versions
from streams.engine.store import PostgresStore
from streams.engine.versions import PostgresVersions
from streams.materializers.watchlist.transform import Added, ListWrite, Removed
from sync_laws import clock
from sync_laws.watchlist import Item

_QUERIES = Path(__file__).with_name("queries.sql")
_TYPES = ("text", "text", "bytea", "bool", "text", "timestamptz")


class Kept(Item):
    """An item as it is stored; readers decode an `Item`. `places` are the offsets at which live tags were added: a
    blind removal takes away what the log has before it, also when it is read again."""

    places: dict[str, int] = msgspec.field(default_factory=dict)


_DECODE = msgspec.msgpack.Decoder(Kept).decode
# Sorted, so that one item has one document whatever its tags came in.
_ENCODE = msgspec.msgpack.Encoder(order="deterministic").encode
REMEMBERED_HLC = clock.pack(90 * 24 * 3600 * 1000)
"""How long dead tags are kept, counted from the newest clock of their item: ninety days."""

Key = tuple[str, str]
"""User id, title id."""


class Changed(Struct, gc=False):
    """An item that a batch changed; `row` has no revision yet."""

    row: WatchlistRow
    document: bytes


def create(context: StoreContext) -> PostgresStore:
    return PostgresStore(context, write, _QUERIES, live=True, exclusive=True)


def versions(settings: Settings) -> Versions:
    return PostgresVersions(settings, READ_MODEL, TABLES)


def write(cursor: Cursor, statements: Statements, writes: Sequence[ListWrite]) -> list[WatchlistRow] | None:
    """Rows that changed; None when they are more than anybody is told of."""
    touched: dict[Key, list[ListWrite]] = {}
    for each in writes:
        touched.setdefault((each.user_id, each.title_id), []).append(each)
    keys = sorted(touched)
    parameters = {"user_ids": _json([user_id for user_id, _ in keys]), "title_ids": _json([title for _, title in keys])}
    cursor.execute(statements["known_items"], parameters, binary=True, prepare=False)
    known: dict[Key, tuple[bytes, datetime]] = {keys[place - 1]: (document, at) for place, document, at in cursor}
    changed = [found for key in keys if (found := change(key, known.get(key), touched[key])) is not None]
    if not changed:
        return []
    bulk.stage(cursor, statements["stage_items"], statements["copy_items"], _TYPES, map(_staged, changed))
    cursor.execute(statements["merge_staged"], {"told": len(changed) <= MOST_ROWS}, prepare=False)
    if len(changed) > MOST_ROWS:
        return None
    revisions = {(user_id, title_id): revision for user_id, title_id, revision in cursor}
    return [
        msgspec.structs.replace(each.row, revision=revisions[each.row.user_id, each.row.title_id]) for each in changed
    ]


def change(key: Key, known: tuple[bytes, datetime] | None, writes: Sequence[ListWrite]) -> Changed | None:
    """What `writes`, in this order, make of what is known; None when they say nothing new."""
    item = Kept() if known is None else _DECODE(known[0])
    event_at = max(each.event_at for each in writes)
    if known is not None:
        event_at = max(event_at, known[1])
    for each in writes:
        if isinstance(each, Added):
            item.add(each.tag, each.rank, each.hlc, each.device_id, each.observed)
            item.places[each.tag] = min(each.offset, item.places.get(each.tag, each.offset))
        elif isinstance(each, Removed):
            item.remove(_before(item, each.offset) if each.observed is None else each.observed, each.hlc)
        else:
            item.move(each.rank, each.hlc, each.device_id)
    item.places = {tag: offset for tag, offset in item.places.items() if tag in item.added}
    item.forget(_newest(item) - REMEMBERED_HLC)
    document = _ENCODE(item)
    if known is not None and document == known[0] and event_at == known[1]:
        return None
    row = WatchlistRow(
        user_id=key[0],
        title_id=key[1],
        present=item.present,
        rank=item.rank,
        rank_hlc=item.rank_hlc,
        rank_device=item.rank_device,
        added=item.added,
        removed=item.removed,
        event_at=event_at,
    )
    return Changed(row, document)


def _before(item: Kept, offset: int) -> list[str]:
    return [tag for tag in item.added if item.places.get(tag, -1) < offset]


def _newest(item: Item) -> int:
    return max(item.rank_hlc, *item.added.values(), *item.removed.values(), 0)


def _staged(each: Changed) -> tuple[object, ...]:
    row = each.row
    return (row.user_id, row.title_id, each.document, row.present, row.rank, row.event_at)


def _json(texts: list[str]) -> str:
    return msgspec.json.encode(texts).decode()
