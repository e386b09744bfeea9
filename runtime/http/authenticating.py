"""Before every route of an authenticated service, HTTP and WebSocket: the caller's token, and whose path it is."""

from collections.abc import Sequence
from urllib.parse import unquote_plus

from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import Components, SecurityRequirement, SecurityScheme
from litestar.routes import BaseRoute, HTTPRoute
from litestar.types import ASGIApp, Receive, Scope, Send

from runtime.http import problems
from runtime.http.identity import READ_USERS, REALM, WRITE_USERS, Caller, Verifier
from runtime.http.problems import Problem, parameter_error

QUERY_PARAMETER = "access_token"
TOKEN_IN_QUERY = {"token_in_query": True}
"""`opt=TOKEN_IN_QUERY` on a GET handler lets the token also come as `?access_token=…`, for browsers' EventSource, which
sends no headers. WebSocket routes always do, for the same reason. Elsewhere a token has no place in an address."""
AUTHENTICATED = "authenticated"
"""The name in a handler's `opt` that says whether its service is."""
_USER_PARAMETERS = ("user_id", "userId")
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
COMPONENTS = Components(
    security_schemes={
        "bearer": SecurityScheme(
            type="http",
            scheme="bearer",
            bearer_format="JWT",
            description="A token with `sub` (the user), `device_id`, `aud`, `iat`, `exp`, and `scope` where needed.",
        ),
        "bearerInQuery": SecurityScheme(
            type="apiKey",
            name=QUERY_PARAMETER,
            security_scheme_in="query",
            description="The same token, for what cannot send headers.",
        ),
    }
)
_BEARER: SecurityRequirement = {"bearer": []}
_BEARER_IN_QUERY: SecurityRequirement = {"bearerInQuery": []}


class Authenticating:
    """ASGI application around a service's routes. Raises Problem: 401 without a good token, 403 on others' paths."""

    def __init__(self, app: ASGIApp, verifier: Verifier) -> None:
        self._app = app
        self._verifier = verifier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = self._verifier.verify(_token(scope))
        _require_own_path(scope, caller)
        scope["user"] = caller
        await self._app(scope, receive, send)


def caller_of(scope: Scope) -> Caller:
    """Who calls, behind `Authenticating`: what handlers get as `caller`."""
    found: Caller = scope["user"]
    return found


def document(routes: Sequence[BaseRoute]) -> None:
    """Adds to every operation of authenticated services the token it takes, and the 401 and 403 it may answer."""
    for route in routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            if handler.opt.get(AUTHENTICATED):
                _document(handler, owned=any(name in route.path_parameters for name in _USER_PARAMETERS))


def _document(handler: HTTPRouteHandler, *, owned: bool) -> None:
    refusals = (problems.UNAUTHENTICATED, problems.FORBIDDEN) if owned else (problems.UNAUTHENTICATED,)
    handler.responses = {**problems.documented(*refusals), **(handler.responses or {})}
    in_query = [_BEARER_IN_QUERY] if handler.opt.get("token_in_query") else []
    handler.security = [_BEARER, *in_query]


def _token(scope: Scope) -> str:
    """RFC 6750, section 2: from the Authorization header, else from the query where that is allowed; not from both."""
    found = [value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"]
    if scope["type"] == ScopeType.WEBSOCKET or scope["route_handler"].opt.get("token_in_query"):
        found += [f"Bearer {token}" for token in _taken_from_query(scope)]
    if len(found) > 1:
        raise parameter_error("Authorization", "send one token, once")
    scheme, _, token = (found[0] if found else "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        # Without an error code, as the RFC asks: nothing was wrong with a token, there was none.
        raise Problem(
            problems.UNAUTHENTICATED, "Send a token as `Authorization: Bearer …`.", headers={"WWW-Authenticate": REALM}
        )
    return token.strip()


def _taken_from_query(scope: Scope) -> list[str]:
    """Takes tokens out of the address, which the framework quotes in errors and handlers may log."""
    parts = scope["query_string"].split(b"&")
    prefix = f"{QUERY_PARAMETER}=".encode()
    scope["query_string"] = b"&".join(part for part in parts if not part.startswith(prefix))
    return [unquote_plus(part.removeprefix(prefix).decode("latin-1")) for part in parts if part.startswith(prefix)]


def _require_own_path(scope: Scope, caller: Caller) -> None:
    owner = next((scope["path_params"][name] for name in _USER_PARAMETERS if name in scope["path_params"]), None)
    if owner is None or owner == caller.user_id or WRITE_USERS in caller.scopes:
        return
    # A WebSocket has no method; what it sends is answered under the rules of its own service.
    if READ_USERS in caller.scopes and scope.get("method", "GET") in _READING:
        return
    raise Problem(
        problems.FORBIDDEN,
        "The path is another user's than the token's.",
        headers={"WWW-Authenticate": f'{REALM}, error="insufficient_scope"'},
    )
