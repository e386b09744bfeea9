"""What a puller asks and what it is told: bookmarks, requests and pages. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

import msgspec

from bootstrap.catalog_files import RawItem


class Bookmark(msgspec.Struct, frozen=True, rename="camel"):
    """How far one stream was read. Times are Unix seconds.

    A walk goes from `since` page by page (`cursor`; empty at its beginning) and remembers the `newest` change it saw.
    When it is over, the next walk begins at that change: the server may have more of the same second.
    """

    since: int
    cursor: str = ""
    newest: int = 0

    def over(self) -> "Bookmark":
        return Bookmark(since=max(self.since, self.newest))


class Page(msgspec.Struct, frozen=True):
    """Items of one answer, and where to go on. `complete`: the walk is over."""

    items: tuple[RawItem, ...]
    bookmark: Bookmark
    complete: bool


class UnusableAnswer(Exception):
    """The server answered 200 with something that cannot be gone on with; the message says what."""


class Source(Protocol):
    """One kind of server. A stream is read by itself and has a bookmark of its own."""

    def streams(self) -> tuple[str, ...]: ...

    def beginning(self, now: datetime) -> Bookmark:
        """Where a stream starts that nobody has read yet."""
        ...

    def request(self, stream: str, bookmark: Bookmark) -> tuple[str, Mapping[str, str]]:
        """Path and parameters of the next page."""
        ...

    def read(self, bookmark: Bookmark, answer: bytes, now: datetime) -> Page:
        """Raises UnusableAnswer."""
        ...
