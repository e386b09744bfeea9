"""Builds one Litestar app out of service specs. Nothing is connected before the app's lifespan starts."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.enums import HttpMethod
from litestar.middleware import DefineMiddleware
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler, Middleware

from runtime.http import authenticating, errors, identity, operations, serving, sockets, strictness
from runtime.http.authenticating import Authenticating
from runtime.http.docs_page import DocsPage, schema_router
from runtime.http.identity import Verifier
from runtime.http.observing import Observed
from runtime.http.service import Check, ServiceSpec
from runtime.http.shedding import Bounded
from runtime.http.sockets import SocketProblems
from runtime.settings import Settings

VERSION = "1.0.0"
_MOST_BODY_BYTES = 1_048_576  # handlers that take more say so themselves


def build_app(title: str, specs: Sequence[ServiceSpec], settings: Settings) -> Litestar:
    """An app of one or several services; `title` labels its metrics and logs."""
    checks: dict[str, Check] = {}
    stopping: list[Callable[[], None]] = []
    opened: dict[str, dict[str, object]] = {spec.name: {} for spec in specs}

    @asynccontextmanager
    async def resources(_: Litestar) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for spec in specs:
                found = await stack.enter_async_context(spec.resources(settings))
                if set(found.dependencies) != set(spec.dependencies):
                    raise RuntimeError(
                        f"service {spec.name} promised {sorted(spec.dependencies)}, opened {sorted(found.dependencies)}"
                    )
                opened[spec.name].update(found.dependencies)
                checks.update(found.ready)
                if found.stopping is not None:
                    stopping.append(found.stopping)
            yield
            checks.clear()
            stopping.clear()

    authenticated = any(spec.authenticated for spec in specs)
    verifier = identity.verifier_of(settings) if authenticated else None
    handlers: list[ControllerRouterHandler] = [operations.router(checks)]
    handlers += [_router(spec, opened[spec.name], verifier) for spec in specs]
    app = Litestar(
        handlers,
        lifespan=[resources],
        exception_handlers=errors.HANDLERS,
        after_exception=[sockets.note],
        logging_config=None,
        debug=False,
        pdb_on_exception=False,
        request_class=strictness.StrictRequest,
        request_max_body_size=_MOST_BODY_BYTES,
        openapi_config=OpenAPIConfig(
            title=f"Media Gateway: {title}",
            version=VERSION,
            description="\n\n".join(spec.description for spec in specs if spec.description) or None,
            openapi_router=schema_router(),
            render_plugins=[DocsPage()],
            components=authenticating.COMPONENTS if authenticated else Components(),
        ),
    )
    authenticating.document(app.routes)
    app.state[serving.STOPPING] = stopping
    app.asgi_handler = Bounded(Observed(SocketProblems(app.asgi_handler), title), title, settings.http_in_flight)
    return app


def _router(spec: ServiceSpec, opened: dict[str, object], verifier: Verifier | None) -> Router:
    dependencies = {name: _provide(opened, name) for name in spec.dependencies}
    middleware: list[Middleware] = []
    if spec.authenticated and verifier is not None:
        dependencies["caller"] = Provide(authenticating.caller_of, sync_to_thread=False)
        middleware.append(DefineMiddleware(Authenticating, verifier=verifier))
    middleware.append(strictness.Strict)
    router = Router(
        "/",
        route_handlers=list(spec.controllers),
        dependencies=dependencies,
        middleware=middleware,
        opt={authenticating.AUTHENTICATED: spec.authenticated},
    )
    for route in router.routes:
        if isinstance(route, HTTPRoute):
            # The router has made an answer to OPTIONS for each of its paths. Two services may share a path, and the app
            # takes only one answer, so it makes its own.
            route.route_handlers = [
                each for each in route.route_handlers if HttpMethod.OPTIONS not in each.http_methods
            ]
    return router


def _provide(opened: dict[str, object], name: str) -> Provide:
    def resource() -> object:
        return opened[name]

    return Provide(resource, sync_to_thread=False)
