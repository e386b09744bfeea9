"""GET /v1/titles/{id}/history and /v1/resolution/reviews."""

from typing import Annotated

from litestar import Controller, get
from litestar.params import HeaderParameter, PathParameter, QueryParameter

from query_api.services.resolution.reader import HistoryStart, RegistryReader, ReviewStart
from query_api.services.resolution.responses import ReviewPage, TitleHistory, entry_of, review_of
from runtime.http import problems
from runtime.http.auth import Bearer
from runtime.http.paging import decode_cursor, encode_cursor
from runtime.http.problems import Problem
from runtime.http.service import Injected

TitleId = Annotated[str, PathParameter(description="Id of a title.", max_length=200)]
Limit = Annotated[int, QueryParameter(ge=1, le=100, description="Entries a page.")]
Cursor = Annotated[str | None, QueryParameter(description="`nextCursor` of the page before.", max_length=2048)]
Authorization = Annotated[
    str | None, HeaderParameter(name="Authorization", description="`Bearer` and the operator token.")
]
_PROBLEMS = (
    problems.INVALID_REQUEST, problems.UNKNOWN_PARAMETER, problems.INVALID_CURSOR, problems.UNAVAILABLE,
)  # fmt: skip


class HistoryController(Controller):
    path = "/v1/titles"
    tags = ("resolution",)

    @get(
        "/{title_id:str}/history",
        operation_id="GetTitleHistory",
        summary="Who joined a title, when and why",
        description="Also of titles that were merged or retired; a merged one names its successor.",
        responses=problems.documented(*_PROBLEMS, problems.NOT_FOUND),
    )
    async def history(
        self, title_id: TitleId, registry: Injected[RegistryReader], limit: Limit = 20, cursor: Cursor = None
    ) -> TitleHistory:
        query = {"operation": "history", "title": title_id}
        start = decode_cursor(query, cursor, HistoryStart) if cursor else None
        known = await registry.status(title_id)
        if known is None:
            raise Problem(problems.NOT_FOUND, "no such title")
        rows = await registry.history(title_id, start, limit + 1)
        more = encode_cursor(query, HistoryStart(rows[limit - 1]["id"])) if len(rows) > limit else None
        status, successor = known
        return TitleHistory(
            title_id=title_id,
            status=status,
            successor_id=successor,
            entries=tuple(map(entry_of, rows[:limit])),
            next_cursor=more,
        )


class ReviewsController(Controller):
    path = "/v1/resolution"
    tags = ("resolution",)

    @get(
        "/reviews",
        operation_id="ListResolutionReviews",
        summary="Pairs that a person should look at",
        description="Oldest first, both sides shown and the score explained. Needs the operator token.",
        responses=problems.documented(*_PROBLEMS, problems.UNAUTHENTICATED),
    )
    async def reviews(
        self,
        registry: Injected[RegistryReader],
        operator: Injected[Bearer],
        limit: Limit = 20,
        cursor: Cursor = None,
        authorization: Authorization = None,
    ) -> ReviewPage:
        operator.require(authorization)
        query = {"operation": "reviews"}
        start = decode_cursor(query, cursor, ReviewStart) if cursor else None
        rows = await registry.reviews(start, limit + 1)
        more = None
        if len(rows) > limit:
            last = rows[limit - 1]
            key = ReviewStart(last["occurred_at"], last["provider"], last["native_id"], last["candidate_id"])
            more = encode_cursor(query, key)
        return ReviewPage(reviews=tuple(map(review_of, rows[:limit])), next_cursor=more)
