"""Reads the rows of one person that lie above a cursor, all kinds in one snapshot of the database."""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec import Struct

from query_api.reading import in_utc, snapshot
from query_api.user_changes.cursor import READ_MODEL_OF, Cursor, Mark
from runtime import sql
from runtime.connections.postgres import AsyncPool, Row
from runtime.http.positions import NextOffsets
from schemas.read_models.devices import DeviceCommandRow, DeviceRow
from schemas.read_models.notices import LiveRow
from schemas.read_models.playback_history import SessionRow
from schemas.read_models.preferences import PreferenceRow
from schemas.read_models.ratings import RatingRow
from schemas.read_models.watch_state import WatchStateRow
from schemas.read_models.watchlist import WatchlistRow
from sync_laws.watchlist import Item

_SQL = sql.beside(__file__)
_NOTHING_ABOVE: Final = 2**63 - 1
_ITEM: Final = msgspec.msgpack.Decoder(Item)


class Changes(Struct, frozen=True):
    """`rows` by revision, lowest first; a row that changed several times since is there once, as it is now."""

    rows: tuple[LiveRow, ...]
    cursor: Cursor
    """Past these rows."""
    more: bool
    """True when there are rows above the cursor already."""
    positions: NextOffsets
    """Next offset to read by (topic, partition) of every read model asked for: once `more` is false, `rows` and what
    was read before hold exactly the events below these."""
    as_of: datetime | None
    """When any of the read models last took something in."""


class _Standing(Struct, frozen=True):
    versions: Mapping[str, int]
    positions: NextOffsets
    as_of: datetime | None
    newest: int


async def read_changes(
    pool: AsyncPool,
    user_id: str,
    since: Cursor,
    limit: int,
    now: datetime,
    *,
    kinds: Collection[str] = READ_MODEL_OF.keys(),
) -> Changes:
    """At most `limit` rows above `since`; of `kinds` (names of views) only, whose marks alone move.

    Raises Problem: 410 (cursor-too-old), 503 when the database is away.
    """
    async with snapshot(pool) as read:
        read_models = sorted({READ_MODEL_OF[kind] for kind in kinds})
        standing = _standing(await read(_SQL["standing"], {"read_models": read_models}))
        since.check(now, standing.newest)
        seen = {kind: since.seen(kind, standing.versions[READ_MODEL_OF[kind]]) for kind in kinds}
        always = {"user_id": user_id, "now": now}
        above = {kind: seen.get(kind, _NOTHING_ABOVE) for kind in READ_MODEL_OF}
        heads = await read(_SQL["changed"], {**always, **above, "limit": limit + 1})
        upto = {head["kind"]: head["revision"] for head in heads[:limit]}
        found: list[LiveRow] = []
        for kind, highest in upto.items():
            stretch = {**always, "above": seen[kind], "upto": highest}
            found += map(_ROW_OF[kind], await read(_SQL[kind], stretch))
    found.sort(key=lambda row: row.revision)
    marks = {kind: Mark(standing.versions[READ_MODEL_OF[kind]], upto.get(kind, seen[kind])) for kind in kinds}
    return Changes(
        tuple(found),
        Cursor(int(now.timestamp()), {**since.marks, **marks}),
        len(heads) > limit,
        standing.positions,
        standing.as_of,
    )


def _standing(rows: list[Row]) -> _Standing:
    known = [row for row in rows if row["topic"] is not None]
    return _Standing(
        {row["read_model"]: row["version"] for row in rows},
        {(row["topic"], row["partition"]): row["next"] for row in known},
        max((row["updated_at"].astimezone(UTC) for row in known), default=None),
        max(row["newest"] for row in rows),
    )


def watchlist_row(row: Row) -> WatchlistRow:
    """From a row of the view, whose `document` has the tags."""
    item = _ITEM.decode(row["document"])
    return WatchlistRow(
        user_id=row["user_id"],
        title_id=row["title_id"],
        present=item.present,
        rank=item.rank,
        rank_hlc=item.rank_hlc,
        rank_device=item.rank_device,
        added=item.added,
        removed=item.removed,
        event_at=row["event_at"].astimezone(UTC),
        revision=row["revision"],
    )


def _converter(type_: type[LiveRow]) -> Callable[[Row], LiveRow]:
    def convert(row: Row) -> LiveRow:
        converted: LiveRow = msgspec.convert(in_utc(row), type_)
        return converted

    return convert


_ROW_OF: Final[Mapping[str, Callable[[Row], LiveRow]]] = {
    "watch_state": _converter(WatchStateRow),
    "watchlist": watchlist_row,
    "ratings": _converter(RatingRow),
    "preferences": _converter(PreferenceRow),
    "devices": _converter(DeviceRow),
    "device_commands": _converter(DeviceCommandRow),
    "playback_history": _converter(SessionRow),
}
