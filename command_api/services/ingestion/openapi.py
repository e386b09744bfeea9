"""How the webhook operation is documented: its body is read raw (signed byte for byte), so it is described here."""

from dataclasses import dataclass
from typing import Any

from litestar.openapi.spec import (
    Example,
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    Parameter,
    RequestBody,
    Schema,
)

from command_api.services.ingestion.requests import MOST_ID_CHARACTERS, MOST_ITEMS

_ID = Schema(type=OpenAPIType.STRING, min_length=1, max_length=MOST_ID_CHARACTERS, description="The provider's own id.")
_TIME = Schema(
    type=OpenAPIType.STRING, format=OpenAPIFormat.DATE_TIME, description="RFC 3339 with an offset, not in the future."
)
_RAW = Schema(type=OpenAPIType.OBJECT, description="The item as the provider has it; at most 512 KiB, 64 levels.")
_UPSERTED = Schema(
    type=OpenAPIType.OBJECT, required=["id", "item"], properties={"id": _ID, "item": _RAW, "updatedAt": _TIME}
)
_WITHDRAWN = Schema(type=OpenAPIType.OBJECT, required=["id"], properties={"id": _ID, "withdrawnAt": _TIME})
_BATCH = Schema(
    type=OpenAPIType.OBJECT,
    required=["items"],
    properties={"items": Schema(type=OpenAPIType.ARRAY, min_items=1, max_items=MOST_ITEMS, items=_UPSERTED)},
)


def _payload(type_: str, data: Schema) -> Schema:
    return Schema(
        title=type_,
        type=OpenAPIType.OBJECT,
        required=["type", "data"],
        properties={
            "type": Schema(const=type_, type=OpenAPIType.STRING),
            "timestamp": _TIME,
            "data": data,
        },
    )


_ONE: dict[str, Any] = {
    "type": "catalog.item.upserted",
    "timestamp": "2026-01-15T12:00:00Z",
    "data": {"id": "Q184843", "updatedAt": "2026-01-15T11:59:00Z", "item": {"Title": "Blade Runner", "Year": 1982}},
}
_MANY: dict[str, Any] = {
    "type": "catalog.items.upserted",
    "timestamp": "2026-01-15T12:00:00Z",
    "data": {
        "items": [
            {"id": "Q184843", "item": {"Title": "Blade Runner", "Year": 1982}},
            {"id": "Q83495", "item": {"Title": "The Matrix", "Year": 1999}},
        ]
    },
}
_GONE: dict[str, Any] = {
    "type": "catalog.item.withdrawn",
    "data": {"id": "Q83495", "withdrawnAt": "2026-01-15T12:00:00Z"},
}
_TEXT = Schema(type=OpenAPIType.STRING)


@dataclass
class WebhookOperation(Operation):
    """Adds what the handler reads from the request itself."""

    def __post_init__(self) -> None:
        self.description = (
            "Signed as in Standard Webhooks: `webhook-signature` is `v1,` and the base64 HMAC-SHA256 of "
            "`{webhook-id}.{webhook-timestamp}.{body}` with the provider's secret; several, separated by spaces, while "
            "secrets rotate. All or nothing: one unusable item refuses the delivery and `errors` points at each. "
            "The same webhook-id with the same body gets the same answer for 96 hours. At most 5 MiB, uncompressed."
        )
        self.parameters = [
            *(self.parameters or []),
            Parameter(
                name="webhook-id",
                param_in="header",
                required=True,
                schema=Schema(type=OpenAPIType.STRING, pattern="^[A-Za-z0-9_:\\-]{1,128}$"),
                description="Names this delivery for ever; the same in every attempt.",
            ),
            Parameter(
                name="webhook-timestamp",
                param_in="header",
                required=True,
                schema=Schema(type=OpenAPIType.STRING, pattern="^[0-9]{1,11}$"),
                description="Seconds since 1970 of this attempt; at most five minutes from now.",
            ),
            Parameter(
                name="webhook-signature",
                param_in="header",
                required=True,
                schema=_TEXT,
                description="`v1,<base64>`, several separated by spaces.",
            ),
        ]
        self.request_body = RequestBody(
            required=True,
            content={
                "application/json": OpenAPIMediaType(
                    schema=Schema(
                        one_of=[
                            _payload("catalog.item.upserted", _UPSERTED),
                            _payload("catalog.items.upserted", _BATCH),
                            _payload("catalog.item.withdrawn", _WITHDRAWN),
                        ]
                    ),
                    examples={
                        "one": Example(summary="One item", value=_ONE),
                        "many": Example(summary="Several items", value=_MANY),
                        "withdrawn": Example(summary="An item is gone", value=_GONE),
                    },
                )
            },
        )
