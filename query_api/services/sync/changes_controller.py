"""GET …/changes of one person."""

from typing import Annotated, Final

from litestar import Controller, get
from litestar.params import QueryParameter

from query_api.answering import After, answered
from query_api.freshness import Freshness
from query_api.services.sync import examples
from query_api.services.sync.parameters import PAGE_PROBLEMS, UserId
from query_api.services.sync.reader import SyncReader
from query_api.user_changes.cursor import MOST_DAYS, READ_MODEL_OF, Cursor
from query_api.user_changes.responses import ChangesResponse
from runtime.clock import Clock
from runtime.http.paging import checked_limit
from runtime.http.problems import CURSOR_TOO_OLD
from runtime.http.service import Injected

_MOST: Final = 1_000
_READ_MODELS: Final = tuple(dict.fromkeys(READ_MODEL_OF.values()))


class ChangesController(Controller):
    path = "/v1/users/{user_id:str}/changes"
    tags = ("sync",)

    @get(
        operation_id="GetChanges",
        summary="What changed since a cursor; everything without one",
        description="Each row that changed, once, as it is now; what was taken away is told as such (`present`, "
        "`removed`). While `more` is true there is more already: go on with `cursor`. No row is skipped or repeated "
        f"unless it changes meanwhile. A cursor is good for {MOST_DAYS} days; after that (410) fetch everything "
        "without `since`. Commands that have expired are left out. Sessions follow players' events by way of a "
        "processor: MG-After with a position of `playback-events` waits for the watch states, not for them.",
        responses=answered(ChangesResponse, examples.CHANGES, CURSOR_TOO_OLD, *PAGE_PROBLEMS),
    )
    async def changes(
        self,
        user_id: UserId,
        user_state: Injected[SyncReader],
        freshness: Injected[Freshness],
        query_clock: Injected[Clock],
        since: Annotated[
            str | None, QueryParameter(description="`cursor` of the answer before.", max_length=2048)
        ] = None,
        limit: Annotated[int, QueryParameter(description="Rows an answer, 1 to 1000.")] = 500,
        after: After = None,
    ) -> ChangesResponse:
        checked_limit(limit, _MOST)
        start = Cursor() if since is None else Cursor.decode(user_id, since)
        await freshness.wait(after, *_READ_MODELS)
        return ChangesResponse.of(user_id, await user_state.changes(user_id, start, limit, query_clock.now()))
