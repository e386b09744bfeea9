"""How operations of the read edge describe themselves."""

from typing import Annotated, Any

import msgspec
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import HeaderParameter

from runtime.http.positions import AFTER_HEADER
from runtime.http.problems import ProblemType, documented

After = Annotated[
    str | None,
    HeaderParameter(name=AFTER_HEADER, description="Log positions (MG-Position) that the answer must include."),
]


def answered(container: type[Any], example: object, *types: ProblemType) -> dict[int, ResponseSpec]:
    """The 200 answer with an example, and the problems it may be instead."""
    shown = Example(summary="An answer", value=msgspec.to_builtins(example))
    success = ResponseSpec(container, generate_examples=False, description="The answer.", examples=[shown])
    return {200: success, **documented(*types)}
