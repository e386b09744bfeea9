"""POST /v1/users/{user_id}/playback/events and /ratings: what was played, and how it was liked."""

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, post
from litestar.params import PathParameter

from command_api.intake import Accepted
from command_api.openapi import BODY_REFUSALS, ID_REFUSALS, POSITION, RATES, json_body, refusals
from command_api.services.playback.reports import Reports
from command_api.services.playback.requests import PlaybackEvents, Ratings
from runtime.http import bodies
from runtime.http.authenticating import caller_of
from runtime.http.service import Injected

UserId = Annotated[str, PathParameter(description="The token's own `sub`; operators may name another.")]
_WHEN = {"hlc": "115712051609600001", "occurredAt": "2026-01-15T12:00:00Z"}
_EVENTS = {
    "Started, and three minutes later": {
        "region": "DE",
        "events": [
            {"eventId": "e-1", "kind": "started", "sessionId": "s-1", "titleId": "t-1", "positionMs": 0, **_WHEN},
            {
                "eventId": "e-2",
                "kind": "progressed",
                "sessionId": "s-1",
                "titleId": "t-1",
                "positionMs": 180_000,
                "durationMs": 7_020_000,
                "hlc": "115712063406080000",
                "occurredAt": "2026-01-15T12:03:00Z",
            },
        ],
    }
}
_RATINGS = {"Four and a half stars": {"ratings": [{"eventId": "r-1", "titleId": "t-1", "rating": 4.5, **_WHEN}]}}


class ReportsAccepted(msgspec.Struct, frozen=True, rename="camel"):
    """Everything of the request is in the log. `positions`: the newest of each partition, for MG-After."""

    count: int
    positions: tuple[str, ...]


class PlaybackController(Controller):
    path = "/v1/users/{user_id:str}"
    tags = ("playback",)

    @post(
        "/playback/events",
        status_code=202,
        operation_id="ReportPlayback",
        operation_class=json_body(
            PlaybackEvents,
            "1 to 500 events, all or nothing; appended in their order. `eventId` makes a repetition harmless: the same "
            "event is appended once, and the same id with another content refuses the request (409). Clocks more than "
            "five minutes ahead refuse it too (`clock-ahead`).",
            _EVENTS,
        ),
        summary="Report what a player did",
        response_headers=[POSITION, *RATES],
        responses=refusals(*ID_REFUSALS, *BODY_REFUSALS),
    )
    async def report(
        self, request: Request[Any, Any, Any], user_id: UserId, reports: Injected[Reports]
    ) -> Response[ReportsAccepted]:
        body = await bodies.json_body(request)
        return _answer(await reports.played(user_id, caller_of(request.scope), body))

    @post(
        "/ratings",
        status_code=202,
        operation_id="RateTitles",
        operation_class=json_body(Ratings, "1 to 100 ratings, all or nothing; `eventId` as in playback.", _RATINGS),
        summary="Rate titles",
        response_headers=[POSITION, *RATES],
        responses=refusals(*ID_REFUSALS, *BODY_REFUSALS),
    )
    async def rate(
        self, request: Request[Any, Any, Any], user_id: UserId, reports: Injected[Reports]
    ) -> Response[ReportsAccepted]:
        body = await bodies.json_body(request)
        return _answer(await reports.rated(user_id, caller_of(request.scope), body))


def _answer(accepted: Accepted) -> Response[ReportsAccepted]:
    return Response(
        ReportsAccepted(len(accepted.positions), accepted.newest), status_code=202, headers=accepted.headers
    )
