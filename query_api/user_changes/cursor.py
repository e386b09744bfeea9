"""How far a caller is: per kind of row the highest revision seen, and when that was told.

One person's rows of one kind have one writer at a time, so their revisions grow in commit order and "above the highest
seen" misses nothing. That holds within one version of a read model only: a rebuilt version numbers its rows anew. So a
mark names its version, and a mark of another version counts as "nothing seen yet": the kind is told again from the
start.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct

from runtime.http.paging import decode_cursor, encode_cursor
from runtime.http.problems import CURSOR_TOO_OLD, Problem
from schemas.read_models import devices, playback_history, preferences, ratings, watch_state, watchlist
from schemas.read_models.devices import DeviceCommandRow, DeviceRow
from schemas.read_models.notices import LiveRow
from schemas.read_models.playback_history import SessionRow
from schemas.read_models.preferences import PreferenceRow
from schemas.read_models.ratings import RatingRow
from schemas.read_models.watch_state import WatchStateRow
from schemas.read_models.watchlist import WatchlistRow

MOST_DAYS: Final = 30
"""A device that stayed away longer fetches everything anew: what was forgotten meanwhile no delta can tell."""

READ_MODEL_OF: Final[Mapping[str, str]] = {
    "watch_state": watch_state.READ_MODEL,
    "watchlist": watchlist.READ_MODEL,
    "ratings": ratings.READ_MODEL,
    "preferences": preferences.READ_MODEL,
    "devices": devices.READ_MODEL,
    "device_commands": devices.READ_MODEL,
    "playback_history": playback_history.READ_MODEL,
}
"""By kind of row, which is the name of its view."""

TOPICS: Final = frozenset().union(
    watch_state.TOPICS,
    watchlist.TOPICS,
    ratings.TOPICS,
    preferences.TOPICS,
    devices.TOPICS,
    playback_history.TOPICS,
)
"""What all of them are made of."""

_DAY_SECONDS: Final = 86_400
KIND_OF: Final[Mapping[type, str]] = {
    WatchStateRow: "watch_state",
    WatchlistRow: "watchlist",
    RatingRow: "ratings",
    PreferenceRow: "preferences",
    DeviceRow: "devices",
    DeviceCommandRow: "device_commands",
    SessionRow: "playback_history",
}


class Mark(Struct, frozen=True, array_like=True):
    """The highest revision seen of one kind, in one version of its read model."""

    version: int
    revision: int


class Cursor(Struct, frozen=True, array_like=True):
    """`issued` in whole seconds since 1970. The empty cursor has seen nothing and is never too old."""

    issued: int = 0
    marks: dict[str, Mark] = {}

    def encode(self, user_id: str) -> str:
        """Only good for this person."""
        return encode_cursor(_query(user_id), self)

    @classmethod
    def decode(cls, user_id: str, text: str, parameter: str = "since") -> "Cursor":
        """Raises Problem: 400 (invalid-cursor) for one that is damaged or somebody else's."""
        return decode_cursor(_query(user_id), text, cls, parameter)

    def seen(self, kind: str, version: int) -> int:
        """The revision above which rows are news."""
        mark = self.marks.get(kind)
        return mark.revision if mark is not None and mark.version == version else 0

    def check(self, now: datetime, newest: int) -> None:
        """Raises Problem (410, cursor-too-old) after MOST_DAYS, or for one with revisions that were never given out."""
        if not self.marks:
            return
        if now.timestamp() - self.issued > MOST_DAYS * _DAY_SECONDS:
            raise Problem(CURSOR_TOO_OLD, f"It was issued more than {MOST_DAYS} days ago.")
        if any(mark.revision > newest for mark in self.marks.values()):
            raise Problem(CURSOR_TOO_OLD, "It comes from another database, or from before this one was restored.")

    def advanced(self, rows: Iterable[LiveRow], now: datetime) -> "Cursor":
        """Past these rows of notices, which must be all there are up to the highest of each kind.

        A kind that the cursor has no mark of was never read from the database and stays unknown.
        """
        marks = dict(self.marks)
        for row in rows:
            kind = kind_of(row)
            mark = marks.get(kind)
            if mark is not None and row.revision > mark.revision:
                marks[kind] = Mark(mark.version, row.revision)
        return Cursor(int(now.timestamp()), marks)


def kind_of(row: LiveRow) -> str:
    return KIND_OF[type(row)]


def _query(user_id: str) -> dict[str, object]:
    return {"operation": "changes", "user": user_id}
