"""Turns whatever a handler raises into a problem: ours, the framework's and the unexpected."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException, InternalServerException, NotFoundException, ValidationException
from litestar.types import ExceptionHandlersMap

from runtime import logging
from runtime.http import problems, strictness
from runtime.http.problems import FieldError, Problem

Connection = ASGIConnection[Any, Any, Any, Any]
_LOG = logging.get(__name__)
_INDEX = re.compile(r"\[(\d+)\]")
_BY_STATUS = {
    400: problems.INVALID_REQUEST,
    401: problems.UNAUTHENTICATED,
    403: problems.FORBIDDEN,
    404: problems.NOT_FOUND,
    405: problems.METHOD_NOT_ALLOWED,
    409: problems.CONFLICT,
    413: problems.TOO_LARGE,
    415: problems.UNSUPPORTED_MEDIA_TYPE,
    422: problems.INVALID_CONTENT,
    429: problems.RATE_LIMITED,
    503: problems.UNAVAILABLE,
}
_MISSING = re.compile(r"Missing required (?:query|header|cookie) parameter '([^']+)'")
_DISCONNECTED = "client disconnected prematurely"


def handle(request: Request[Any, Any, Any], error: Exception) -> Response[problems.ProblemDetails]:
    problem = problem_of(request, error)
    return Response(
        problem.body(str(request.scope["state"].get("request_id", ""))),
        status_code=problem.type.status,
        media_type=problems.MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **problem.headers},
    )


def problem_of(connection: Connection, error: Exception) -> Problem:
    """What ends a request or a WebSocket. Logs what nobody expected."""
    problem = error if isinstance(error, Problem) else _translated(connection, error)
    if problem.type is problems.INTERNAL:
        # The one place an unexpected error is logged; its text never reaches the caller.
        _LOG.error("request_failed", method=connection.scope.get("method", "WEBSOCKET"), exc_info=error)
    return problem


HANDLERS: ExceptionHandlersMap = {Exception: handle, HTTPException: handle, HTTPStatus.INTERNAL_SERVER_ERROR: handle}


def _translated(connection: Connection, error: Exception) -> Problem:
    if isinstance(error, InternalServerException) and error.detail == _DISCONNECTED:
        return Problem(problems.INVALID_REQUEST, "The connection ended before the body did.")
    if isinstance(error, ValidationException):
        found = tuple(_field_errors(error.extra, strictness.parameter_names(connection))) or _missing(error.detail)
        detail = "; ".join(f"{each.parameter or each.pointer}: {each.detail}" for each in found[:3])
        return Problem(problems.INVALID_REQUEST, detail or _shown(error.detail), errors=found)
    if isinstance(error, NotFoundException):
        return Problem(problems.NOT_FOUND, "There is no such path; GET /schema shows those there are.")
    if isinstance(error, HTTPException) and error.status_code in _BY_STATUS:
        type_ = _BY_STATUS[error.status_code]
        return Problem(type_, _shown(error.detail), headers=error.headers)
    if isinstance(error, HTTPException) and error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Problem(problems.INVALID_REQUEST, _shown(error.detail))
    return Problem(problems.INTERNAL)


def pointer(path: str) -> str:
    """A msgspec path (`$.items[3].id`) as the URI fragment of a JSON pointer; it ends where a map key is unnamed."""
    named = path.partition("[...]")[0].removeprefix("$")
    inner = _INDEX.sub(r"/\1", named).replace(".", "/").strip("/")
    return f"#/{inner}" if inner else "#"


def _shown(detail: str) -> str:
    return detail if detail not in {status.phrase for status in HTTPStatus} else ""


def _missing(detail: str) -> tuple[FieldError, ...]:
    found = _MISSING.match(detail)
    return (FieldError(detail="is required", parameter=found.group(1)),) if found else ()


def _field_errors(extra: object, names: Mapping[str, str]) -> list[FieldError]:
    """The framework's `extra` (`{key, message, source}` each) as field errors; `names` are the callers' of ours."""
    found = []
    for entry in extra if isinstance(extra, list) else ():
        key, message, source = entry.get("key", ""), entry.get("message", "is not valid"), entry.get("source")
        if source in ("body", None):
            found.append(FieldError(detail=message, pointer=pointer("" if key == "data" else key)))
        else:
            found.append(FieldError(detail=message, parameter=names.get(key, key)))
    return found
