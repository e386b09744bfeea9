"""What a service is: controllers, and the resources they need, opened with the app."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from litestar import Controller
from litestar.di import Dependency
from litestar.params import SkipValidationMarker

from runtime.settings import Settings

T = TypeVar("T")

Injected = Annotated[T, Dependency("named"), SkipValidationMarker()]
"""`reader: Injected[TitleReader]` in a handler takes the resource that is called `reader`."""

Check = Callable[[], Awaitable[None]]
"""Returns when the backend answers, raises anything when it does not."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What a service opened: objects by the name handlers ask for, and readiness checks by backend name.

    `stopping` is called when the process begins to stop, before running requests are waited for: answers without end
    must end then.
    """

    dependencies: Mapping[str, object]
    ready: Mapping[str, Check] = field(default_factory=dict)
    stopping: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """One service. `dependencies` are the names that `resources` will provide: routes are built before it runs.

    `authenticated` makes every route demand a token of the caller (runtime/http/identity.py); handlers may then take
    `caller: Injected[Caller]`, and a path parameter `user_id` must be the caller's.
    """

    name: str
    controllers: tuple[type[Controller], ...]
    resources: Callable[[Settings], AbstractAsyncContextManager[Resources]]
    dependencies: tuple[str, ...]
    description: str = ""
    authenticated: bool = False
