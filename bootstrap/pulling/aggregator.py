"""The aggregator's shape: `GET /changes` of the Streaming Availability API, version 4.

A page lists changes and, beside them, the shows they are about as they are now. The shows are the items: what changed
is found by comparing, which also works when a change was missed. One stream a country and kind of change.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, Final

import msgspec

from bootstrap.catalog_files import RawItem
from bootstrap.pulling.source import Bookmark, Page, UnusableAnswer

KINDS: Final = ("new", "updated", "removed")
# The API answers for a month back, and a day of it passes while the last pages are read.
_REACH: Final = timedelta(days=30)


class _Change(msgspec.Struct, rename="camel"):
    show_id: str
    timestamp: int | None = None
    """Unknown for what has no date yet."""


class _Answer(msgspec.Struct, rename="camel"):
    changes: list[_Change] = []
    shows: dict[str, dict[str, Any]] = {}
    has_more: bool = False
    next_cursor: str | None = None


_DECODER = msgspec.json.Decoder(_Answer)


class StreamingAvailability:
    def __init__(self, countries: Sequence[str]) -> None:
        self._countries = tuple(country.lower() for country in countries)

    def streams(self) -> tuple[str, ...]:
        return tuple(f"{country}/{kind}" for country, kind in product(self._countries, KINDS))

    def beginning(self, now: datetime) -> Bookmark:
        return Bookmark(since=int((now - _REACH).timestamp()))

    def request(self, stream: str, bookmark: Bookmark) -> tuple[str, Mapping[str, str]]:
        country, kind = stream.split("/")
        query = {"country": country, "change_type": kind, "item_type": "show", "from": str(bookmark.since)}
        return "/changes", query | ({"cursor": bookmark.cursor} if bookmark.cursor else {})

    def read(self, bookmark: Bookmark, answer: bytes, now: datetime) -> Page:
        try:
            found = _DECODER.decode(answer)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise UnusableAnswer(f"no page of changes: {error}") from None
        items = []
        for show_id in dict.fromkeys(change.show_id for change in found.changes):
            show = found.shows.get(show_id)
            if show is None:
                raise UnusableAnswer(f"a change of show {show_id[:80]!r}, which is not beside it")
            items.append(RawItem(show_id, show, now.astimezone(UTC)))
        # A time in the future would make the next walk leave out what happens until then.
        times = [min(change.timestamp, int(now.timestamp())) for change in found.changes if change.timestamp]
        read = Bookmark(bookmark.since, bookmark.cursor, max([bookmark.newest, *times]))
        if not found.has_more:
            return Page(tuple(items), read.over(), complete=True)
        if not found.next_cursor or found.next_cursor == bookmark.cursor:
            raise UnusableAnswer("there is more, but the cursor does not move")
        return Page(tuple(items), Bookmark(read.since, found.next_cursor, read.newest), complete=False)
