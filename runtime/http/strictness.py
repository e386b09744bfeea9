"""What no operation takes: undeclared or repeated query parameters, NUL characters, bodies that only look like JSON."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from litestar import Litestar, Request
from litestar.connection import ASGIConnection
from litestar.routes import HTTPRoute, WebSocketRoute
from litestar.types import ASGIApp, Method, Receive, Scope, Send

from runtime.http import problems
from runtime.http.problems import Problem, parameter_error

_MOST_PARAMETERS = 100


class StrictRequest(Request[Any, Any, Any]):
    """Bytes that are not UTF-8 or nested without end are the caller's error; the framework lets both escape."""

    async def json(self) -> Any:
        try:
            return await super().json()
        except UnicodeDecodeError as error:
            raise Problem(problems.INVALID_REQUEST, f"The body is not UTF-8 at byte {error.start}.") from None
        except RecursionError:
            raise Problem(problems.INVALID_REQUEST, "The body is nested too deeply.") from None


class Strict:
    """ASGI application around a service's routes. Raises Problem (400), before a handler's own parameters are read.

    No guard of the framework's: it would copy the handler for each request, and run in a thread of its own.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for name, value in scope["path_params"].items():
            if isinstance(value, str) and "\x00" in value:
                raise parameter_error(name, "must not contain NUL characters")
        if query := scope["query_string"]:
            _check_query(query, _declared(scope["litestar_app"], scope["path_template"], scope.get("method")))
        await self._app(scope, receive, send)


def _check_query(query: bytes, known: Mapping[str, bool]) -> None:
    """Raises Problem (400). `known` are the parameters there are, and whether each may repeat."""
    try:
        given = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_PARAMETERS, errors="strict"
        )
    except UnicodeError:
        raise Problem(problems.INVALID_REQUEST, "The query string is not percent-encoded UTF-8.") from None
    except ValueError:
        raise Problem(problems.INVALID_REQUEST, f"More than {_MOST_PARAMETERS} query parameters.") from None
    seen: set[str] = set()
    for name, value in given:
        shown = name[:64]
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise parameter_error(shown, f"is not a parameter here; known: {listed}", problems.UNKNOWN_PARAMETER)
        if name in seen and not known[name]:
            raise parameter_error(shown, "is given more than once")
        if "\x00" in value:
            raise parameter_error(shown, "must not contain NUL characters")
        seen.add(name)


def parameter_names(connection: ASGIConnection[Any, Any, Any, Any]) -> dict[str, str]:
    """Names that callers know by names of the handler's arguments, as the framework's errors call them."""
    scope: Any = connection.scope
    for route in connection.app.routes:
        if isinstance(route, HTTPRoute) and route.path_format == scope.get("path_template"):
            _, model = route.route_handler_map.get(scope.get("method", ""), (None, None))
            found = (*model.expected_query_params, *model.expected_header_params) if model else ()
            return {each.field_name: each.field_alias for each in found}
    return {}


@lru_cache(maxsize=512)
def _declared(app: Litestar, template: str, method: Method | None) -> dict[str, bool]:
    """Query parameters of a route and whether each may repeat, as the framework itself parsed them. A WebSocket has no
    method."""
    for route in app.routes:
        if route.path_format != template:
            continue
        model = None
        if isinstance(route, HTTPRoute) and method is not None:
            _, model = route.route_handler_map[method]
        elif isinstance(route, WebSocketRoute) and method is None:
            model = route.handler_parameter_model
        if model is not None:
            return {found.field_alias: found.is_sequence for found in model.expected_query_params}
    return {}
