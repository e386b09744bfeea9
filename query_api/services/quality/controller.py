"""GET /v1/titles/{id}/quality and /v1/quality/report."""

from typing import Annotated

from litestar import Controller, get
from litestar.params import HeaderParameter, PathParameter, QueryParameter

from query_api.services.quality.reader import QualityReader, ReportStart
from query_api.services.quality.responses import QualityReport, TitleQuality
from runtime.clock import Clock
from runtime.http import problems
from runtime.http.auth import Operators
from runtime.http.paging import decode_cursor, encode_cursor
from runtime.http.problems import Problem
from runtime.http.service import Injected
from schemas.types.catalog import Kind

_PROBLEMS = (problems.INVALID_REQUEST, problems.UNKNOWN_PARAMETER, problems.UNAVAILABLE)


class TitleQualityController(Controller):
    path = "/v1/titles"
    tags = ("quality",)

    @get(
        "/{title_id:str}/quality",
        operation_id="GetTitleQuality",
        summary="How complete and how fresh a title is",
        responses=problems.documented(*_PROBLEMS, problems.NOT_FOUND),
    )
    async def title(
        self,
        title_id: Annotated[str, PathParameter(description="Id of a title.", max_length=200)],
        quality: Injected[QualityReader],
        quality_clock: Injected[Clock],
    ) -> TitleQuality:
        found = await quality.title(title_id, quality_clock.now())
        if found is None:
            raise Problem(problems.NOT_FOUND, "No live title has this id.")
        return TitleQuality.of(found)


class QualityReportController(Controller):
    path = "/v1/quality/report"
    tags = ("quality",)

    @get(
        operation_id="GetQualityReport",
        summary="What the catalog lacks",
        description="Sums over all live titles, and those below the threshold, lowest first. Needs the scope "
        "`operator`. It looks at every title: a second for some tens of thousands.",
        responses=problems.documented(
            *_PROBLEMS, problems.INVALID_CURSOR, problems.UNAUTHENTICATED, problems.FORBIDDEN
        ),
    )
    async def report(
        self,
        quality: Injected[QualityReader],
        quality_clock: Injected[Clock],
        quality_operators: Injected[Operators],
        threshold: Annotated[float, QueryParameter(ge=0, le=1, description="Scores below it are shown.")] = 0.6,
        kind: Annotated[Kind | None, QueryParameter(description="Only these titles.")] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=1000, description="Titles a page.")] = 100,
        cursor: Annotated[
            str | None, QueryParameter(description="`nextCursor` of the page before.", max_length=2048)
        ] = None,
        authorization: Annotated[
            str | None,
            HeaderParameter(
                name="Authorization",
                description="`Bearer` and a token with the scope `operator`, or the operator token.",
            ),
        ] = None,
    ) -> QualityReport:
        quality_operators.require(authorization)
        query = {"operation": "quality", "threshold": threshold, "kind": kind}
        start = decode_cursor(query, cursor, ReportStart) if cursor else None
        now = start.now if start else quality_clock.now()
        report = await quality.report(threshold, kind, start, limit + 1, now)
        last = report.low[limit - 1] if len(report.low) > limit else None
        following = encode_cursor(query, ReportStart(last.score, last.title_id, now)) if last else None
        return QualityReport.of(report, limit, now, following)
