"""GET …/watchlist, /continue-watching, /progress/{titleId}, /history and /ratings of one person."""

from collections.abc import Mapping
from typing import TypeVar

from litestar import Controller, get

from query_api.answering import After, answered
from query_api.freshness import Freshness
from query_api.services.sync import examples
from query_api.services.sync.continuing import Place
from query_api.services.sync.parameters import MOST, PAGE_PROBLEMS, PROBLEMS, Limit, PageCursor, TitleIdInPath, UserId
from query_api.services.sync.reader import Continued, RankStart, RatingStart, SyncReader
from query_api.services.sync.responses import ContinuePage, ProgressResponse, RatingPage, WatchlistPage
from query_api.sessions.reader import SessionStart
from query_api.sessions.responses import SessionPage
from runtime.http.paging import checked_limit, decode_cursor, encode_cursor
from runtime.http.problems import NOT_FOUND, Problem
from runtime.http.service import Injected

T = TypeVar("T")
CATALOG = "title_catalog"


class ListsController(Controller):
    path = "/v1/users/{user_id:str}"
    tags = ("sync",)

    @get(
        "/watchlist",
        operation_id="GetWatchlist",
        summary="The watchlist in its order, with titles",
        description="A title that is moved between two pages may be missed or seen twice; `/changes` tells all.",
        responses=answered(WatchlistPage, examples.WATCHLIST, *PAGE_PROBLEMS),
    )
    async def watchlist(
        self,
        user_id: UserId,
        user_state: Injected[SyncReader],
        freshness: Injected[Freshness],
        limit: Limit = 50,
        cursor: PageCursor = None,
        after: After = None,
    ) -> WatchlistPage:
        checked_limit(limit, MOST)
        query = _query("watchlist", user_id)
        start = _start(query, cursor, RankStart)
        await freshness.wait(after, "watchlist", CATALOG)
        rows, total = await user_state.watchlist(user_id, start, limit + 1)
        shown = rows[:limit]
        last = shown[-1] if len(rows) > limit else None
        return WatchlistPage.of(
            shown,
            total,
            await user_state.cards(row.title_id for row in shown),
            as_of=await freshness.as_of("watchlist"),
            next_cursor=encode_cursor(query, RankStart(last.rank, last.title_id)) if last else None,
        )

    @get(
        "/continue-watching",
        operation_id="GetContinueWatching",
        summary="What to go on with",
        description="Unfinished titles, newest first, one entry a series: its newest unfinished episode, or the next "
        "one when the newest was seen to its end.",
        responses=answered(ContinuePage, examples.CONTINUE, *PAGE_PROBLEMS),
    )
    async def continue_watching(
        self,
        user_id: UserId,
        user_state: Injected[SyncReader],
        freshness: Injected[Freshness],
        limit: Limit = 20,
        cursor: PageCursor = None,
        after: After = None,
    ) -> ContinuePage:
        checked_limit(limit, MOST)
        query = _query("continue-watching", user_id)
        start = _start(query, cursor, Place)
        await freshness.wait(after, "watch_state", CATALOG)
        found = await user_state.continue_watching(user_id, start, limit + 1)
        shown = found.entries[:limit]
        more = len(found.entries) > limit
        return ContinuePage.of(
            Continued(shown, found.states),
            await user_state.cards(entry.title_id for entry in shown),
            as_of=await freshness.as_of("watch_state"),
            next_cursor=encode_cursor(query, shown[-1].place) if more else None,
        )

    @get(
        "/progress/{title_id:str}",
        operation_id="GetProgress",
        summary="Where somebody is in one title",
        responses=answered(ProgressResponse, examples.PROGRESS, NOT_FOUND, *PROBLEMS),
    )
    async def progress(
        self,
        user_id: UserId,
        title_id: TitleIdInPath,
        user_state: Injected[SyncReader],
        freshness: Injected[Freshness],
        after: After = None,
    ) -> ProgressResponse:
        await freshness.wait(after, "watch_state", CATALOG)
        row = await user_state.watch_state(user_id, title_id)
        if row is None:
            raise Problem(NOT_FOUND, "Nothing is known of this person and this title.")
        entries = await user_state.cards([title_id])
        return ProgressResponse.titled(row, entries.get(title_id), await freshness.as_of("watch_state"))

    @get(
        "/history",
        operation_id="GetHistory",
        summary="Sessions, open and ended, newest first",
        description="Sessions are made from players' events by a processor: a position of `playback-events` cannot be "
        "waited for here (400).",
        responses=answered(SessionPage, examples.HISTORY, *PAGE_PROBLEMS),
    )
    async def history(
        self,
        user_id: UserId,
        user_state: Injected[SyncReader],
        freshness: Injected[Freshness],
        limit: Limit = 20,
        cursor: PageCursor = None,
        after: After = None,
    ) -> SessionPage:
        checked_limit(limit, MOST)
        query = _query("history", user_id)
        start = _start(query, cursor, SessionStart)
        await freshness.wait(after, "playback_history", CATALOG)
        rows = await user_state.sessions(user_id, start, limit + 1)
        shown = rows[:limit]
        last = shown[-1] if len(rows) > limit else None
        return SessionPage.of(
            shown,
            await user_state.cards(row.title_id for row in shown),
            as_of=await freshness.as_of("playback_history"),
            next_cursor=encode_cursor(query, SessionStart(last.started_at, last.session_id)) if last else None,
        )

    @get(
        "/ratings",
        operation_id="GetRatings",
        summary="Ratings, newest first",
        responses=answered(RatingPage, examples.RATINGS, *PAGE_PROBLEMS),
    )
    async def ratings(
        self,
        user_id: UserId,
        user_state: Injected[SyncReader],
        freshness: Injected[Freshness],
        limit: Limit = 50,
        cursor: PageCursor = None,
        after: After = None,
    ) -> RatingPage:
        checked_limit(limit, MOST)
        query = _query("ratings", user_id)
        start = _start(query, cursor, RatingStart)
        await freshness.wait(after, "ratings", CATALOG)
        rows = await user_state.ratings(user_id, start, limit + 1)
        shown = rows[:limit]
        last = shown[-1] if len(rows) > limit else None
        return RatingPage.of(
            shown,
            await user_state.cards(row.title_id for row in shown),
            as_of=await freshness.as_of("ratings"),
            next_cursor=encode_cursor(query, RatingStart(last.rated_at, last.title_id)) if last else None,
        )


def _query(operation: str, user_id: str) -> dict[str, object]:
    return {"operation": operation, "user": user_id}


def _start(query: Mapping[str, object], cursor: str | None, type_: type[T]) -> T | None:
    return None if cursor is None else decode_cursor(query, cursor, type_)
