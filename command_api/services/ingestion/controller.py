"""POST /v1/webhooks/{provider}: the one way in for catalog data."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, post
from litestar.datastructures import ResponseHeader
from litestar.params import PathParameter

from command_api.services.ingestion.intake import DeliveryAccepted, Intake
from command_api.services.ingestion.openapi import WebhookOperation
from command_api.services.ingestion.requests import MOST_BODY_BYTES
from runtime.http import problems
from runtime.http.bodies import json_body
from runtime.http.positions import POSITION_HEADER
from runtime.http.service import Injected

Provider = Annotated[str, PathParameter(description="A configured provider.", pattern="^[a-z0-9_-]{1,64}$")]


class WebhookController(Controller):
    path = "/v1/webhooks"
    tags = ("webhooks",)

    @post(
        "/{provider:str}",
        status_code=202,
        operation_id="ReceiveWebhook",
        operation_class=WebhookOperation,
        summary="Take a provider's catalog changes",
        request_max_body_size=MOST_BODY_BYTES,
        response_headers=[
            ResponseHeader(
                name=POSITION_HEADER,
                documentation_only=True,
                description="Newest log position of each partition; send it as MG-After to read your write.",
            ),
            ResponseHeader(
                name="RateLimit", documentation_only=True, description="What is left of the provider's allowance."
            ),
            ResponseHeader(name="RateLimit-Policy", documentation_only=True, description="The provider's allowance."),
        ],
        responses=problems.documented(
            problems.INVALID_REQUEST,
            problems.INVALID_SIGNATURE,
            problems.NOT_FOUND,
            problems.DELIVERY_CONFLICT,
            problems.TOO_LARGE,
            problems.UNSUPPORTED_MEDIA_TYPE,
            problems.INVALID_DELIVERY,
            problems.DELIVERY_IN_PROGRESS,
            problems.RATE_LIMITED,
            problems.UNAVAILABLE,
        ),
    )
    async def receive(
        self, request: Request[Any, Any, Any], provider: Provider, intake: Injected[Intake]
    ) -> Response[DeliveryAccepted]:
        webhook = intake.admit(provider, request.headers)
        answer = await intake.accept(provider, webhook, await json_body(request))
        return Response(
            answer.accepted,
            status_code=202,
            headers={POSITION_HEADER: ", ".join(answer.accepted.positions), **answer.headers},
        )
