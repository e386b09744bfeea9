"""What all requests share: the catalog, the threads that call the engine, the flush task."""

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

from devstack.qdrant.catalog import Catalog
from devstack.qdrant.collection import Collection
from devstack.qdrant.errors import QdrantError, no_space

logger = logging.getLogger("devstack.qdrant")

_P = ParamSpec("_P")
_T = TypeVar("_T")

_FLUSH_SECONDS: Final = 5.0  # Qdrant's flush_interval_sec
_THREADS: Final = 4
LEAST_FREE_BYTES: Final = 128 * 1024 * 1024
"""Room for two segments of the log, as Qdrant keeps free, and for the largest request twice."""


class Front:
    """Lives as long as the server. Coroutines run on the event loop; engine calls and JSON of size run in threads."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.catalog = Catalog.open(root)
        self.catalog_lock = asyncio.Lock()
        self.responses: Counter[tuple[str, int]] = Counter()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="engine")
        self._flusher: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._flusher = asyncio.create_task(self._flush_forever(), name="flush")

    async def stop(self) -> None:
        """Flush and close; called once no request is left."""
        if self._flusher is not None:
            self._flusher.cancel()
        await self.run(self.catalog.close)
        self._threads.shutdown()

    async def run(self, work: Callable[_P, _T], *arguments: _P.args, **options: _P.kwargs) -> _T:
        """Call `work` in a thread of the pool."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: work(*arguments, **options))

    async def write(self, collection: Collection, operations: list[Any]) -> int:
        """Apply under the collection's writer lock; they are in the engine's log when this returns.

        :raises QdrantError: 500 when the disk is nearly full, or as the engine says.
        """
        self.check_space()
        async with collection.lock:
            return await self.run(collection.apply, operations)

    def check_space(self) -> None:
        """Refuse to write to a nearly full disk: the engine writes to mapped files, where no space left is a SIGBUS.

        :raises QdrantError: 500, with Qdrant's wording.
        """
        disk = os.statvfs(self._root)
        if disk.f_bavail * disk.f_frsize < LEAST_FREE_BYTES:
            raise no_space(LEAST_FREE_BYTES)

    async def _flush_forever(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            for collection in list(self.catalog.collections.values()):
                if collection.unflushed:
                    await self._flush(collection)

    async def _flush(self, collection: Collection) -> None:
        async with collection.lock:
            try:
                await self.run(collection.flush)
            except QdrantError as error:  # the log still has everything; a full disk may have room again next time
                logger.warning("flush_failed", extra={"collection": collection.name, "reason": str(error)})
                collection.unflushed = True
