"""The Litestar application of one data folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from litestar import Litestar
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.types import Message, Scope

from devstack.qdrant.controllers.collections import AliasController, CollectionController
from devstack.qdrant.controllers.points import PointController
from devstack.qdrant.controllers.queries import QueryController
from devstack.qdrant.controllers.service import ServiceController
from devstack.qdrant.errors import EXCEPTION_HANDLERS
from devstack.qdrant.front import Front

_MAX_BODY: Final = 32 * 1024 * 1024  # Qdrant's max_request_size_mb


def create_app(root: Path) -> Litestar:
    """
    :raises BlockingIOError: another server has the folder.
    :raises UnreadableCollectionError: the engine refuses the data of one.
    """
    front = Front(root)

    @asynccontextmanager
    async def running(_: Litestar) -> AsyncIterator[None]:
        await front.start()
        try:
            yield
        finally:
            await front.stop()

    async def count(message: Message, scope: Scope) -> None:
        if message["type"] == "http.response.start" and scope["type"] == ScopeType.HTTP:
            front.responses[(scope["method"], message["status"])] += 1

    return Litestar(
        [ServiceController, CollectionController, AliasController, PointController, QueryController],
        dependencies={"front": Provide(lambda: front, sync_to_thread=False, use_cache=True)},
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=[running],
        before_send=[count],
        request_max_body_size=_MAX_BODY,
        openapi_config=None,
        logging_config=None,
    )
