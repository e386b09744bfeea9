"""One collection: the engine's shard with a writer lock, and what the engine does not keep itself."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import qdrant_edge as edge
from qdrant_client.http import models

from devstack.qdrant import config, payload_index
from devstack.qdrant.errors import QdrantError, from_engine, not_found
from devstack.qdrant.vectors import Shapes

_T = TypeVar("_T")


def calling(engine_call: Callable[..., _T], *arguments: Any) -> _T:
    """Run one call of the engine.

    :raises QdrantError: for whatever it raised.
    """
    try:
        return engine_call(*arguments)
    except QdrantError:
        raise
    except BaseException as error:
        # pyo3's PanicException is a BaseException on purpose; a panic in one request must not end the server.
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        raise from_engine(error) from error


@dataclass(slots=True, eq=False)
class Collection:
    """Reads may run in any thread at once (the engine releases the GIL and locks itself); writes hold `lock`."""

    name: str
    folder: Path
    settings: models.CreateCollection
    shard: "edge.EdgeShard"
    indexes: dict[str, Any] = field(default_factory=dict)
    """Index parameters as they were asked for, by field."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    unflushed: bool = False
    operations: int = 0
    shapes: Shapes = field(init=False)

    def __post_init__(self) -> None:
        self.shapes = config.shapes(self.settings)

    @classmethod
    def create(cls, name: str, folder: Path, settings: models.CreateCollection) -> "Collection":
        engine_config = calling(config.to_engine, settings)
        folder.mkdir(parents=True)
        try:
            shard = calling(edge.EdgeShard.create, str(folder), engine_config)
        except QdrantError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return cls(name, folder, settings, shard)

    @classmethod
    def load(cls, name: str, folder: Path, settings: models.CreateCollection, indexes: dict[str, Any]) -> "Collection":
        """Open what is on disk; the engine replays its log, so this holds every operation that was answered."""
        return cls(name, folder, settings, calling(edge.EdgeShard.load, str(folder)), indexes)

    def apply(self, operations: list[Any]) -> int:
        """Apply operations in order; the number of the last one. The caller holds `lock`.

        :raises QdrantError: 404 for points that do not exist.
        """
        for operation in operations:
            self.unflushed = True
            self.operations += 1
            calling(self.shard.update, operation)
        return self.operations

    def flush(self) -> None:
        if self.unflushed:
            self.unflushed = False
            calling(self.shard.flush)

    def close(self) -> None:
        self.flush()
        calling(self.shard.close)

    def destroy(self) -> None:
        calling(self.shard.close)
        shutil.rmtree(self.folder, ignore_errors=True)

    def vector(self, identity: Any, name: str) -> Any:
        """The stored vector of one point.

        :raises QdrantError: 404 without such a point or vector.
        """
        found = calling(self.shard.retrieve, [identity], False, [name])
        if not found:
            raise not_found(f"No point with id {identity} found")
        vectors = found[0].vector
        if not isinstance(vectors, dict):
            return vectors
        if name not in vectors:
            raise not_found(f"Point with id {identity} has no vector `{name}`")
        return vectors[name]

    def describe(self) -> dict[str, Any]:
        """`GET /collections/{name}`."""
        info = calling(self.shard.info)
        schema = {
            key: {
                "data_type": payload_index.data_type(index.data_type),
                "params": self.indexes.get(key),
                "points": index.points,
            }
            for key, index in info.payload_schema.items()
        }
        return {
            "status": "green",
            "optimizer_status": "ok",
            "indexed_vectors_count": info.indexed_vectors_count,
            "points_count": info.points_count,
            "segments_count": info.segments_count,
            "config": config.described(self.settings),
            "payload_schema": schema,
        }
