"""The order of pulling: fetch, deliver, move; and what a failure in between leaves."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from bootstrap.catalog_files import RawItem
from bootstrap.importing import Imported, ImportFailed
from bootstrap.pulling.aggregator import StreamingAvailability
from bootstrap.pulling.bookmarks import LeadershipLost
from bootstrap.pulling.fetching import FetchFailed, FetchRefused
from bootstrap.pulling.puller import Puller, Round
from bootstrap.pulling.source import Bookmark
from runtime.clock import FrozenClock
from tests.support.aggregator import PAGE, Aggregator, Reply

NOW = datetime(2026, 3, 1, tzinfo=UTC)
STREAM = "us/new"


class Memory:
    """Bookmarks without a database."""

    def __init__(self, **found: Bookmark) -> None:
        self.found = {STREAM: Bookmark(0)} | found
        self.moves: list[tuple[str, Bookmark]] = []
        self.before_move: Callable[[], None] = lambda: None

    def become_leader(self) -> bool:
        return True

    def all(self) -> dict[str, Bookmark]:
        return dict(self.found)

    def begin(self, stream: str, bookmark: Bookmark) -> None:
        self.found.setdefault(stream, bookmark)

    def move(self, stream: str, expected: Bookmark, to: Bookmark) -> None:
        self.before_move()
        if self.found[stream] != expected:
            raise LeadershipLost(stream)
        self.found[stream] = to
        self.moves.append((stream, to))


class Desk:
    """An aggregator, bookmarks and an edge around one puller."""

    def __init__(self, shows: int = 8) -> None:
        self.server = Aggregator(shows, start=1000)
        self.bookmarks = Memory()
        self.delivered: list[str] = []
        self.before_delivery: Callable[[], None] = lambda: None

    async def _get(self, path: str, query: Mapping[str, str]) -> bytes:
        reply = self.server.answer(path, dict(query), "k1")
        if reply.status == 400:
            raise FetchRefused("HTTP 400")
        if reply.status != 200:
            raise FetchFailed(f"HTTP {reply.status}")
        return reply.body

    async def _deliver(self, items: Sequence[RawItem]) -> Imported:
        self.before_delivery()
        self.delivered += [item.native_id for item in items]
        return Imported(accepted=len(items))

    def round(self) -> Round:
        puller = Puller(
            "p",
            StreamingAvailability(["us"]),
            self._get,
            self.bookmarks,
            self._deliver,
            FrozenClock(NOW),
        )
        return asyncio.run(puller.round())

    @property
    def at(self) -> Bookmark:
        return self.bookmarks.found[STREAM]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def failing(error: BaseException, *, on: int) -> Callable[[], None]:
    calls = iter(range(1, 1000))

    def fail() -> None:
        if next(calls) == on:
            raise error

    return fail


ALL = [f"s{number}" for number in range(8)]


def test_a_round_reads_every_stream_to_its_end(desk: Desk) -> None:
    found = desk.round()
    assert (desk.delivered, found.items, found.pages, found.troubles) == (ALL, 8, 5, [])
    assert desk.at == Bookmark(since=1007)
    assert desk.server.pages() == ["", "3", "6"]


def test_the_next_round_asks_from_the_newest_change_on(desk: Desk) -> None:
    desk.round()
    desk.server.changes.append((1050, 99))
    desk.delivered.clear()
    desk.round()
    assert desk.delivered == ["s7", "s99"]  # of the newest second there may have been more


def test_the_bookmark_moves_after_the_delivery_and_not_before(desk: Desk) -> None:
    desk.before_delivery = failing(ImportFailed("no Kafka"), on=2)
    found = desk.round()
    assert (desk.delivered, found.troubles) == (ALL[:PAGE], ["us/new: no Kafka"])
    assert desk.at == Bookmark(0, "3", 1002)
    desk.round()
    assert desk.delivered == ALL


def test_a_death_between_delivery_and_bookmark_delivers_the_page_again(desk: Desk) -> None:
    class Killed(BaseException): ...

    desk.bookmarks.before_move = failing(Killed(), on=1)
    with pytest.raises(Killed):
        desk.round()
    desk.round()
    assert desk.delivered == ALL[:PAGE] + ALL


def test_one_stream_in_trouble_does_not_keep_the_others(desk: Desk) -> None:
    desk.server.scripted.append(Reply(503))
    found = desk.round()
    assert found.troubles == ["us/new: HTTP 503"]
    assert [query["change_type"] for query, _ in desk.server.asked] == ["new", "updated", "removed"]


def test_a_cursor_that_grew_too_old_starts_the_walk_anew(desk: Desk) -> None:
    desk.bookmarks.found[STREAM] = Bookmark(1002, "3", 1005)
    desk.server.old_cursors = {"3"}
    assert desk.round().troubles == ["us/new: HTTP 400"]
    assert desk.at == Bookmark(1002)
    desk.server.old_cursors = set()
    desk.round()
    assert desk.delivered == ALL[2:]


def test_a_refusal_without_a_cursor_changes_nothing(desk: Desk) -> None:
    desk.server.scripted.append(Reply(400))
    desk.round()
    assert desk.at == Bookmark(0)
    assert STREAM not in [stream for stream, _ in desk.bookmarks.moves]


@pytest.mark.parametrize("leads", [{"": "3", "3": "6", "6": "3"}, {"": "3", "3": "6", "6": "6"}])
def test_a_server_that_leads_in_circles_is_left(desk: Desk, leads: dict[str, str]) -> None:
    def lie(page: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
        if query["change_type"] != "new":
            return page
        return page | {"hasMore": True, "nextCursor": leads[query.get("cursor", "")]}

    desk.server.lie = lie
    found = desk.round()
    assert len(found.troubles) == 1
    assert len(desk.server.pages()) == 3
    assert desk.at == Bookmark(0)  # from the beginning, with an honest server perhaps


def test_pages_that_repeat_their_shows_are_delivered_and_passed(desk: Desk) -> None:
    pages = {"": "3", "3": "6", "6": None}

    def lie(page: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
        first = desk.server._page(query | {"cursor": "0"})
        following = pages[query.get("cursor", "")]
        return first | {"hasMore": following is not None, "nextCursor": following}

    desk.server.lie = lie
    assert desk.round().troubles == []
    assert desk.delivered == ALL[:PAGE] * 3


def test_whoever_lost_the_lead_stops(desk: Desk) -> None:
    def other() -> None:
        desk.bookmarks.found[STREAM] = Bookmark(5000)

    desk.before_delivery = other
    with pytest.raises(LeadershipLost):
        desk.round()
    assert desk.at == Bookmark(5000)


def test_standing_by_ends_when_the_leader_is_gone(monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
    turns = iter([False, False, True])
    monkeypatch.setattr(desk.bookmarks, "become_leader", lambda: next(turns))
    waits: list[float] = []
    said: list[str] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("bootstrap.pulling.puller.asyncio.sleep", sleep)
    puller = Puller("p", StreamingAvailability(["us"]), desk._get, desk.bookmarks, desk._deliver, FrozenClock(NOW))
    asyncio.run(puller.lead(said.append))
    assert (len(waits), said) == (2, ["another process pulls p; standing by"])
