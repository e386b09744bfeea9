"""POST /v1/resolution/decisions: which items are one work, because an operator says so."""

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, post
from litestar.params import HeaderParameter

from command_api.openapi import BODY_REFUSALS, ID_REFUSALS, POSITION, RATES, json_body, refusals
from command_api.services.resolution.decisions import Decisions
from command_api.services.resolution.requests import Command
from runtime.http import bodies
from runtime.http.auth import Operators
from runtime.http.service import Injected

_TITLE, _OTHER = "0195506e-4c00-7a10-8b52-2f7d1b6c0a77", "0195506e-4c00-7a10-8b52-2f7d1b6c0a78"
_ITEM = {"provider": "netflix", "item": "80117540"}
_WHY = {"reason": "Same film, festival title; see the credits."}
_EXAMPLES = {
    "A review is right": {"kind": "confirm", "decisionId": "d-1", "item": _ITEM, "titleId": _TITLE, **_WHY},
    "A review is wrong": {"kind": "reject", "decisionId": "d-2", "item": _ITEM, "titleId": _TITLE, **_WHY},
    "Two titles are one work": {
        "kind": "merge", "decisionId": "d-3", "titleId": _TITLE, "otherTitleId": _OTHER, **_WHY,
    },
    "A title is two works": {"kind": "split", "decisionId": "d-4", "titleId": _TITLE, "items": [_ITEM], **_WHY},
    "An earlier decision was wrong": {"kind": "undo", "decisionId": "d-5", "undoes": "d-3", "reason": "My mistake."},
}  # fmt: skip


class DecisionAccepted(msgspec.Struct, frozen=True, rename="camel"):
    """The decision is in the log. What became of it: `GET /v1/resolution/decisions/{decisionId}`, a moment later."""

    decision_id: str
    positions: tuple[str, ...]


class DecisionsController(Controller):
    path = "/v1/resolution"
    tags = ("resolution",)

    @post(
        "/decisions",
        status_code=202,
        operation_id="DecideResolution",
        operation_class=json_body(
            Command,  # type: ignore[arg-type] # a union of structs: its schema is made the same way
            "Operators only. `decisionId` makes a repetition harmless; the same id with another content is refused "
            "(409). The decision is applied, or refused with a reason where it contradicts an earlier one, once it is "
            "read from the log.",
            _EXAMPLES,
        ),
        summary="Decide which items are one work",
        response_headers=[POSITION, *RATES],
        responses=refusals(*ID_REFUSALS, *BODY_REFUSALS),
    )
    async def decide(
        self,
        request: Request[Any, Any, Any],
        decisions: Injected[Decisions],
        operators: Injected[Operators],
        authorization: Annotated[
            str | None, HeaderParameter(name="Authorization", description="As for reviews: a token of an operator.")
        ] = None,
    ) -> Response[DecisionAccepted]:
        operator = operators.require(authorization)
        taken = await decisions.decide(operator, await bodies.json_body(request))
        answer = DecisionAccepted(taken.command.decision_id, taken.accepted.newest)
        return Response(answer, status_code=202, headers=taken.accepted.headers)
