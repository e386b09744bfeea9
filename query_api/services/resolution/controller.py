"""GET /v1/titles/{id}/history, /v1/resolution/reviews and /v1/resolution/decisions."""

from typing import Annotated

from litestar import Controller, get
from litestar.params import HeaderParameter, PathParameter, QueryParameter

from query_api.services.resolution.reader import DecisionStart, HistoryStart, RegistryReader, ReviewStart
from query_api.services.resolution.responses import (
    DecisionPage,
    DecisionTaken,
    ReviewPage,
    TitleHistory,
    decision_of,
    entry_of,
    review_of,
)
from runtime.http import problems
from runtime.http.auth import Operators
from runtime.http.paging import decode_cursor, encode_cursor
from runtime.http.problems import Problem
from runtime.http.service import Injected

DecisionId = Annotated[str, PathParameter(description="As the client made it.", pattern="^[A-Za-z0-9_-]{1,64}$")]
TitleId = Annotated[str, PathParameter(description="Id of a title.", max_length=200)]
Limit = Annotated[int, QueryParameter(ge=1, le=100, description="Entries a page.")]
Cursor = Annotated[str | None, QueryParameter(description="`nextCursor` of the page before.", max_length=2048)]
Authorization = Annotated[
    str | None,
    HeaderParameter(
        name="Authorization", description="`Bearer` and a token with the scope `operator`, or the operator token."
    ),
]
_PROBLEMS = (
    problems.INVALID_REQUEST, problems.UNKNOWN_PARAMETER, problems.INVALID_CURSOR, problems.UNAVAILABLE,
)  # fmt: skip
_OPERATORS = (problems.UNAUTHENTICATED, problems.FORBIDDEN)


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
        description="Oldest first, both sides shown, the score explained; without those decided. For operators.",
        responses=problems.documented(*_PROBLEMS, *_OPERATORS),
    )
    async def reviews(
        self,
        registry: Injected[RegistryReader],
        operators: Injected[Operators],
        limit: Limit = 20,
        cursor: Cursor = None,
        authorization: Authorization = None,
    ) -> ReviewPage:
        operators.require(authorization)
        query = {"operation": "reviews"}
        start = decode_cursor(query, cursor, ReviewStart) if cursor else None
        rows = await registry.reviews(start, limit + 1)
        more = None
        if len(rows) > limit:
            last = rows[limit - 1]
            key = ReviewStart(last["occurred_at"], last["provider"], last["native_id"], last["candidate_id"])
            more = encode_cursor(query, key)
        return ReviewPage(reviews=tuple(map(review_of, rows[:limit])), next_cursor=more)

    @get(
        "/decisions",
        operation_id="ListResolutionDecisions",
        summary="What operators decided",
        description="Newest first, with what became of each. For operators.",
        responses=problems.documented(*_PROBLEMS, *_OPERATORS),
    )
    async def decisions(
        self,
        registry: Injected[RegistryReader],
        operators: Injected[Operators],
        limit: Limit = 20,
        cursor: Cursor = None,
        authorization: Authorization = None,
    ) -> DecisionPage:
        operators.require(authorization)
        query = {"operation": "decisions"}
        start = decode_cursor(query, cursor, DecisionStart) if cursor else None
        rows = await registry.decisions(start, limit + 1)
        more = encode_cursor(query, DecisionStart(rows[limit - 1]["id"])) if len(rows) > limit else None
        return DecisionPage(decisions=tuple(map(decision_of, rows[:limit])), next_cursor=more)

    @get(
        "/decisions/{decision_id:str}",
        operation_id="GetResolutionDecision",
        summary="What became of a decision",
        description="404 until entity resolution has read it, usually less than a second. For operators.",
        responses=problems.documented(*_PROBLEMS, *_OPERATORS, problems.NOT_FOUND),
    )
    async def decision(
        self,
        decision_id: DecisionId,
        registry: Injected[RegistryReader],
        operators: Injected[Operators],
        authorization: Authorization = None,
    ) -> DecisionTaken:
        operators.require(authorization)
        found = await registry.decision(decision_id)
        if found is None:
            raise Problem(problems.NOT_FOUND, "no such decision (by now)")
        return decision_of(found)
