"""How bodies that handlers read themselves are documented: from the types that they are read into."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar.datastructures import ResponseHeader
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example, OpenAPIMediaType, Operation, RequestBody

from runtime.http import problems
from runtime.http.positions import POSITION_HEADER
from runtime.http.problems import ProblemType

POSITION = ResponseHeader(
    name=POSITION_HEADER,
    documentation_only=True,
    description="Newest log position of each partition; send it as MG-After to read your write.",
)
RATES = (
    ResponseHeader(name="RateLimit", documentation_only=True, description="What is left of the user's allowance."),
    ResponseHeader(name="RateLimit-Policy", documentation_only=True, description="The user's allowance."),
)


def json_body(type_: type[msgspec.Struct], description: str, examples: Mapping[str, Any]) -> type[Operation]:
    """For `operation_class`. `examples` are bodies by what they show."""

    @dataclass
    class JsonBodyOperation(Operation):
        def __post_init__(self) -> None:
            self.description = description
            self.request_body = RequestBody(
                required=True,
                content={
                    "application/json": OpenAPIMediaType(
                        schema=_schema(type_),  # type: ignore[arg-type] # rendered as it is, like a Schema's own parts
                        examples={
                            f"example{number}": Example(summary=summary, value=value)
                            for number, (summary, value) in enumerate(examples.items(), 1)
                        },
                    )
                },
            )

    return JsonBodyOperation


def refusals(*more: ProblemType) -> dict[int, ResponseSpec]:
    """What every command of a person's device may be answered, and `more`."""
    return problems.documented(
        problems.INVALID_REQUEST,
        problems.UNKNOWN_PARAMETER,
        problems.UNAUTHENTICATED,
        problems.FORBIDDEN,
        *more,
        problems.RATE_LIMITED,
        problems.UNAVAILABLE,
    )


BODY_REFUSALS = (
    problems.TOO_LARGE,
    problems.UNSUPPORTED_MEDIA_TYPE,
    problems.INVALID_CONTENT,
    problems.CLOCK_AHEAD,
)
"""Of commands with a body."""
ID_REFUSALS = (problems.OPERATION_CONFLICT, problems.OPERATION_IN_PROGRESS)
"""Of commands whose ids are remembered."""


def _schema(type_: type[msgspec.Struct]) -> dict[str, Any]:
    """Self-contained: component names belong to the framework."""
    found = msgspec.json.schema(type_)
    definitions = found.pop("$defs")
    inlined: dict[str, Any] = _inlined(found, definitions)
    return inlined


def _inlined(part: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(part, dict):
        if "$ref" in part:
            return _inlined(definitions[part["$ref"].rpartition("/")[2]], definitions)
        return {name: _inlined(value, definitions) for name, value in part.items() if name != "discriminator"}
    return [_inlined(each, definitions) for each in part] if isinstance(part, list) else part
