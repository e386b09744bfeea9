"""Apps of unit tests: what an app opens is the test's own, its routes are built once a process.

Building takes longer than most tests, and every test of a file builds the same.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import msgspec
from litestar import Litestar

from runtime.http.app import build_app
from runtime.http.service import Resources, ServiceSpec
from runtime.settings import Settings

_Opener = Callable[[Settings], AbstractAsyncContextManager[Resources]]


class _Openers:
    """What opens the resources of each service, as the test at hand wants it."""

    def __init__(self) -> None:
        self.now: dict[str, _Opener] = {}
        self._open: set[str] = set()

    def of(self, name: str) -> _Opener:
        @asynccontextmanager
        async def resources(settings: Settings) -> AsyncIterator[Resources]:
            assert name not in self._open, f"{name} runs already: a second one at a time needs build_app"
            self._open.add(name)
            try:
                async with self.now[name](settings) as found:
                    yield found
            finally:
                self._open.remove(name)

        return resources


def app_of(title: str, specs: Sequence[ServiceSpec], settings: Settings) -> Litestar:
    """As `build_app`, for one lifespan at a time. The resources must not need `settings.home`."""
    forms = tuple(replace(spec, resources=_nothing) for spec in specs)
    app, openers = _built(title, forms, msgspec.structs.replace(settings, home=Path("/nonexistent")))
    openers.now = {spec.name: spec.resources for spec in specs}
    return app


@cache
def _built(title: str, forms: tuple[ServiceSpec, ...], settings: Settings) -> tuple[Litestar, _Openers]:
    openers = _Openers()
    return build_app(title, [replace(form, resources=openers.of(form.name)) for form in forms], settings), openers


def _nothing(_: Settings) -> AbstractAsyncContextManager[Resources]:
    raise AssertionError("stands for all that a test may open")
