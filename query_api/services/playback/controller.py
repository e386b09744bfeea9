"""GET …/playback/sessions and one of them."""

from typing import Annotated, Final

from litestar import Controller, get
from litestar.params import PathParameter, QueryParameter

from query_api.answering import After, answered
from query_api.freshness import Freshness
from query_api.services.playback.reader import SessionsReader
from query_api.services.playback.responses import EXAMPLES, SessionResponse, State
from query_api.sessions.reader import SessionStart
from query_api.sessions.responses import SessionPage
from runtime.http import problems
from runtime.http.paging import checked_limit, decode_cursor, encode_cursor
from runtime.http.problems import Problem
from runtime.http.service import Injected

UserId = Annotated[str, PathParameter(description="The caller, or whom an analyst looks at.", max_length=128)]
_MOST: Final = 100
_READ_MODELS: Final = ("playback_history", "title_catalog")
_PROBLEMS: Final = (problems.INVALID_REQUEST, problems.UNKNOWN_PARAMETER, problems.INVALID_POSITION,
                    problems.UNAVAILABLE, problems.READ_MODEL_BEHIND)  # fmt: skip
_DESCRIPTION: Final = (
    "Sessions are made from players' events by a processor: a position of `playback-events` cannot be waited for here "
    "(400)."
)


class SessionsController(Controller):
    path = "/v1/users/{user_id:str}/playback/sessions"
    tags = ("playback",)

    @get(
        operation_id="ListSessions",
        summary="Sessions, newest first",
        description=_DESCRIPTION,
        responses=answered(SessionPage, EXAMPLES.page, problems.INVALID_CURSOR, *_PROBLEMS),
    )
    async def sessions(
        self,
        user_id: UserId,
        sessions_reader: Injected[SessionsReader],
        freshness: Injected[Freshness],
        wanted: Annotated[
            State | None, QueryParameter(name="state", description="Only those that go on, or that ended.")
        ] = None,
        limit: Annotated[int, QueryParameter(description="Items a page, 1 to 100.")] = 20,
        cursor: Annotated[
            str | None, QueryParameter(description="`nextCursor` of the page before.", max_length=2048)
        ] = None,
        after: After = None,
    ) -> SessionPage:
        checked_limit(limit, _MOST)
        query = {"operation": "sessions", "user": user_id, "state": wanted}
        start = None if cursor is None else decode_cursor(query, cursor, SessionStart)
        await freshness.wait(after, *_READ_MODELS)
        is_open = None if wanted is None else wanted == "open"
        rows = await sessions_reader.sessions(user_id, start, limit + 1, is_open=is_open)
        shown = rows[:limit]
        last = shown[-1] if len(rows) > limit else None
        return SessionPage.of(
            shown,
            await sessions_reader.cards(row.title_id for row in shown),
            as_of=await freshness.as_of("playback_history"),
            next_cursor=encode_cursor(query, SessionStart(last.started_at, last.session_id)) if last else None,
        )

    @get(
        "/{session_id:str}",
        operation_id="GetSession",
        summary="One session",
        description=_DESCRIPTION,
        responses=answered(SessionResponse, EXAMPLES.one, problems.NOT_FOUND, *_PROBLEMS),
    )
    async def session(
        self,
        user_id: UserId,
        session_id: Annotated[str, PathParameter(description="Id of a session.", max_length=200)],
        sessions_reader: Injected[SessionsReader],
        freshness: Injected[Freshness],
        after: After = None,
    ) -> SessionResponse:
        await freshness.wait(after, *_READ_MODELS)
        row = await sessions_reader.session(user_id, session_id)
        if row is None:
            raise Problem(problems.NOT_FOUND, "This person has no such session.")
        entries = await sessions_reader.cards([row.title_id])
        return SessionResponse.of_one(row, entries.get(row.title_id), await freshness.as_of("playback_history"))
