"""Bytes in, the client's own models; plain values in, Qdrant's response envelope out."""

import time
from collections.abc import Iterable
from typing import Any, Final, TypeVar

import msgspec
from litestar import MediaType, Response
from pydantic import TypeAdapter, ValidationError

from devstack.qdrant.errors import bad_request, format_error

MAX_DEPTH: Final = 64
"""JSON nesting that is accepted. The engine reads its log and payloads with a limit of 128, and an operation adds
levels of its own; what it cannot read back makes the whole collection unreadable."""

_CONTAINERS: Final = frozenset({dict, list})
_T = TypeVar("_T")
_ENCODER = msgspec.json.Encoder(uuid_format="canonical")


def check_depth(value: object, limit: int = MAX_DEPTH) -> None:
    """Refuse JSON nested deeper than `limit`.

    :raises QdrantError: 400.
    """
    level: list[Any] = [value]
    for _ in range(limit):
        below: list[Any] = []
        for item in level:
            children: Iterable[Any] = item.values() if type(item) is dict else item
            if _CONTAINERS.isdisjoint(map(type, children)):  # most lists are vectors: this stays in C
                continue
            below.extend(child for child in children if type(child) in _CONTAINERS)
        if not below:
            return
        level = below
    raise format_error("recursion limit exceeded")


def decode(body: bytes, adapter: TypeAdapter[_T]) -> _T:
    """Parse a request body strictly as one of the client's models.

    msgspec reads the JSON (it knows no NaN and no infinity), pydantic checks the shape.

    :raises QdrantError: 400 with the first three places that do not fit.
    """
    try:
        raw: Any = msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise format_error(str(error)) from error
    if isinstance(raw, dict | list):
        check_depth(raw)
    if isinstance(raw, dict) and raw.get("shard_key") is not None:
        message = "Shard key cannot be specified: collections of the embedded server have no custom sharding"
        raise bad_request(message)
    try:
        return adapter.validate_python(raw)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)[:3]
        places = (f"{'.'.join(map(str, item['loc']))}: {item['msg']}"[:200] for item in found)
        raise format_error("; ".join(places)) from error


def encode(result: object, started: float) -> bytes:
    return _ENCODER.encode({"result": result, "status": "ok", "time": time.perf_counter() - started})


def respond(body: bytes) -> Response[bytes]:
    return Response(body, status_code=200, media_type=MediaType.JSON)


def ok(result: object, started: float) -> Response[bytes]:
    return respond(encode(result, started))


def update_result(number: int, *, wait: bool) -> dict[str, object]:
    """The answer to a write. It is applied either way: without `wait` the caller just is not promised it."""
    return {"operation_id": number, "status": "completed" if wait else "acknowledged"}
