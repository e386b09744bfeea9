"""Change notices: what a materializer tells live listeners after a commit, through Redis pub/sub.

A notice says which stretch of the log was applied (`moved`) and which rows that changed. Pub/sub may lose messages, so
a listener checks that each stretch begins where the last one it knows of ended; after a gap, or without rows (`rows`
None: too many to send), it reads the rows above the revision it knows from the read model itself. Notices hurry things
up; they are never the only copy.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from schemas.read_models.devices import DeviceCommandRow, DeviceRow
from schemas.read_models.playback_history import SessionRow
from schemas.read_models.preferences import PreferenceRow
from schemas.read_models.ratings import RatingRow
from schemas.read_models.watch_state import WatchStateRow
from schemas.read_models.watchlist import WatchlistRow

MOST_ROWS: Final = 500
"""A batch that changed more rows is told without them: its listeners are better off reading once."""

LiveRow = WatchStateRow | WatchlistRow | RatingRow | SessionRow | DeviceRow | DeviceCommandRow | PreferenceRow


class Moved(Struct, frozen=True, array_like=True):
    """Offsets [first, next) of one partition were applied.

    Both are equal when an owner took over there: it says how far the read model is, in case that the last notices of
    the one before were lost with it."""

    topic: str
    partition: int
    first: int
    next: int


class Notice(Struct, frozen=True, array_like=True):
    """`rows` by type name (`WatchStateRow`), each list in MessagePack; None when there were more than MOST_ROWS."""

    read_model: str
    moved: tuple[Moved, ...]
    rows: dict[str, msgspec.Raw] | None = None


TYPES: Final[dict[str, type[LiveRow]]] = {
    kind.__name__: kind
    for kind in (WatchStateRow, WatchlistRow, RatingRow, SessionRow, DeviceRow, DeviceCommandRow, PreferenceRow)
}


def channel(read_model: str) -> str:
    """Redis channel of one read model."""
    return f"mg:notices:{read_model}"


def encode(read_model: str, moved: tuple[Moved, ...], rows: Sequence[LiveRow] | None) -> bytes:
    """`rows` None: more than MOST_ROWS, and nobody counted or built them."""
    if rows is None or len(rows) > MOST_ROWS:
        return msgspec.msgpack.encode(Notice(read_model, moved))
    by_type: dict[str, list[LiveRow]] = {}
    for row in rows:
        by_type.setdefault(type(row).__name__, []).append(row)
    packed = {name: msgspec.Raw(msgspec.msgpack.encode(group)) for name, group in by_type.items()}
    return msgspec.msgpack.encode(Notice(read_model, moved, packed))


def decode(data: bytes) -> tuple[Notice, tuple[LiveRow, ...]]:
    """The notice and its rows (none when it carries none). Raises msgspec.MsgspecError; a row type of a newer version
    is skipped."""
    notice = msgspec.msgpack.decode(data, type=Notice)
    rows: list[LiveRow] = []
    for name, packed in (notice.rows or {}).items():
        if name in TYPES:
            rows += msgspec.msgpack.decode(packed, type=list[TYPES[name]])  # type: ignore[valid-type]
    return notice, tuple(rows)
