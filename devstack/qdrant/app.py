"""The Litestar application of one data folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from litestar import Litestar, Response
from litestar.di import Provide

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
    """
    front = Front(root)

    @asynccontextmanager
    async def running(_: Litestar) -> AsyncIterator[None]:
        await front.start()
        try:
            yield
        finally:
            await front.stop()

    def counted(response: Response[Any]) -> Response[Any]:
        front.responses[("all", response.status_code or 200)] += 1
        return response

    return Litestar(
        [ServiceController, CollectionController, AliasController, PointController, QueryController],
        dependencies={"front": Provide(lambda: front, sync_to_thread=False, use_cache=True)},
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=[running],
        after_request=counted,
        request_max_body_size=_MAX_BODY,
        openapi_config=None,
        logging_config=None,
    )
