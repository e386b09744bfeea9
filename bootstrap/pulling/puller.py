"""Pulling one provider, in this order:

1. lead: one puller a provider, by a lock in PostgreSQL; the others stand by;
2. fetch a page of a stream, from its bookmark;
3. deliver its items through the ingestion edge, which answers when the log has them;
4. move the bookmark, only from where it was read.

A death between 3 and 4 delivers a page twice, which changes nothing: an item that is as it was makes no event behind
normalization. What fails ends the walk of that stream, its bookmark stays, and the next round goes on there; but where
the server refuses the cursor (they grow old), repeats one or sends nonsense, the next round walks from the beginning.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Protocol

from bootstrap.catalog_files import RawItem
from bootstrap.importing import Imported, ImportFailed
from bootstrap.pulling.fetching import FetchFailed, FetchRefused
from bootstrap.pulling.source import Bookmark, Page, Source, UnusableAnswer
from runtime import logging, metrics
from runtime.clock import Clock

_STANDBY_SECONDS = 5.0
# A month of a large country is some thousands of pages; a server that makes up cursors for ever has no end.
_MOST_PAGES = 100_000

_LOG = logging.get(__name__)


class Get(Protocol):
    """The body of an answer; raises FetchFailed."""

    def __call__(self, path: str, query: Mapping[str, str]) -> Awaitable[bytes]: ...


class BookmarkStore(Protocol):
    """`bookmarks.Bookmarks`. Methods block."""

    def become_leader(self) -> bool: ...
    def all(self) -> dict[str, Bookmark]: ...
    def begin(self, stream: str, bookmark: Bookmark) -> None: ...
    def move(self, stream: str, expected: Bookmark, to: Bookmark) -> None:
        """Raises LeadershipLost."""
        ...


class Deliver(Protocol):
    """Returns when the log has the items; raises ImportFailed."""

    def __call__(self, items: Sequence[RawItem]) -> Awaitable[Imported]: ...


@dataclass(slots=True)
class Round:
    """What one look at every stream brought. `troubles`: a line for each stream that could not be read to its end."""

    pages: int = 0
    items: int = 0
    rejected: list[tuple[str, str]] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


class Puller:
    def __init__(
        self,
        provider: str,
        source: Source,
        get: Get,
        bookmarks: BookmarkStore,
        deliver: Deliver,
        clock: Clock,
    ) -> None:
        self._provider = provider
        self._source = source
        self._get = get
        self._bookmarks = bookmarks
        self._deliver = deliver
        self._clock = clock

    async def lead(self, say: Callable[[str], None]) -> None:
        """Returns when this process is the one that pulls."""
        told = False
        while not await asyncio.to_thread(self._bookmarks.become_leader):
            if not told:
                say(f"another process pulls {self._provider}; standing by")
                told = True
            await asyncio.sleep(_STANDBY_SECONDS)

    async def round(self) -> Round:
        """Every stream to its end. Raises LeadershipLost and postgres.Error; what failed elsewhere is in the result."""
        found = Round()
        for stream in self._source.streams():
            try:
                await self._walk(stream, found)
            except (FetchFailed, UnusableAnswer, ImportFailed) as error:
                metrics.PULL_FAILURES.labels(self._provider, stream).inc()
                _LOG.warning("pull_stream_failed", provider=self._provider, stream=stream, error=str(error))
                found.troubles.append(f"{stream}: {error}")
        return found

    async def _walk(self, stream: str, found: Round) -> None:
        bookmark = (await asyncio.to_thread(self._bookmarks.all)).get(stream)
        if bookmark is None:
            bookmark = self._source.beginning(self._clock.now())
            await asyncio.to_thread(self._bookmarks.begin, stream, bookmark)
        seen = {bookmark.cursor}
        for _ in range(_MOST_PAGES):
            try:
                page = await self._page(stream, bookmark, seen)
            except (FetchRefused, UnusableAnswer):
                if bookmark.cursor:
                    await asyncio.to_thread(self._bookmarks.move, stream, bookmark, Bookmark(bookmark.since))
                raise
            if page.items:
                imported = await self._deliver(page.items)
                found.items += imported.accepted
                found.rejected += imported.rejected
            await asyncio.to_thread(self._bookmarks.move, stream, bookmark, page.bookmark)
            found.pages += 1
            metrics.PULL_ITEMS.labels(self._provider).inc(len(page.items))
            if page.complete:
                metrics.PULL_COMPLETED.labels(self._provider, stream).set(self._clock.now().timestamp())
                return
            bookmark = page.bookmark
            seen.add(bookmark.cursor)
        raise UnusableAnswer(f"no end after {_MOST_PAGES} pages")

    async def _page(self, stream: str, bookmark: Bookmark, seen: AbstractSet[str]) -> Page:
        path, query = self._source.request(stream, bookmark)
        page = self._source.read(bookmark, await self._get(path, query), self._clock.now())
        if not page.complete and page.bookmark.cursor in seen:
            raise UnusableAnswer("the server leads back to a page that was read")
        return page
