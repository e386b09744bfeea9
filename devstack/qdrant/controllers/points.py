"""Writing points, and reading them by id."""

import time
from collections.abc import Callable
from typing import Any, Final

from litestar import Controller, Request, Response, get, post, put
from pydantic import TypeAdapter
from qdrant_client.http import models

from devstack.qdrant import convert, render, wire
from devstack.qdrant.collection import Collection, calling
from devstack.qdrant.errors import not_found
from devstack.qdrant.front import Front
from devstack.qdrant.updates import Operations, clear_payload, set_payload, to_operations

_Request = Request[Any, Any, Any]

_UPSERT: Final[TypeAdapter[Any]] = TypeAdapter(models.PointInsertOperations)
_SELECTOR: Final[TypeAdapter[Any]] = TypeAdapter(models.PointsSelector)
_SET_PAYLOAD: Final[TypeAdapter[Any]] = TypeAdapter(models.SetPayload)
_DELETE_PAYLOAD: Final[TypeAdapter[Any]] = TypeAdapter(models.DeletePayload)
_UPDATE_VECTORS: Final[TypeAdapter[Any]] = TypeAdapter(models.UpdateVectors)
_DELETE_VECTORS: Final[TypeAdapter[Any]] = TypeAdapter(models.DeleteVectors)
_BATCH: Final = TypeAdapter(models.UpdateOperations)
_RETRIEVE: Final = TypeAdapter(models.PointRequest)


async def _write(
    front: Front,
    request: _Request,
    name: str,
    adapter: TypeAdapter[Any],
    *,
    wait: bool,
    read: Callable[[Any, Collection], Operations] = lambda asked, collection: to_operations(asked, collection.shapes),
) -> Response[bytes]:
    started = time.perf_counter()
    collection = front.catalog.find(name)
    body = await request.body()
    operations = await front.run(lambda: read(wire.decode(body, adapter), collection))
    number = await front.write(collection, operations)
    return wire.ok(wire.update_result(number, wait=wait), started)


class PointController(Controller):
    path = "/collections/{name:str}/points"

    @put("/", status_code=200)
    async def upsert(self, front: Front, request: _Request, name: str, wait: bool = False) -> Response[bytes]:
        return await _write(front, request, name, _UPSERT, wait=wait)

    @post("/delete", status_code=200)
    async def delete(self, front: Front, request: _Request, name: str, wait: bool = False) -> Response[bytes]:
        return await _write(front, request, name, _SELECTOR, wait=wait)

    @put("/vectors", status_code=200)
    async def update_vectors(self, front: Front, request: _Request, name: str, wait: bool = False) -> Response[bytes]:
        return await _write(front, request, name, _UPDATE_VECTORS, wait=wait)

    @post("/vectors/delete", status_code=200)
    async def delete_vectors(self, front: Front, request: _Request, name: str, wait: bool = False) -> Response[bytes]:
        return await _write(front, request, name, _DELETE_VECTORS, wait=wait)

    @post("/payload", status_code=200)
    async def set_payload(self, front: Front, request: _Request, name: str, wait: bool = False) -> Response[bytes]:
        return await _write(front, request, name, _SET_PAYLOAD, wait=wait, read=lambda asked, _: [set_payload(asked)])

    @put("/payload", status_code=200)
    async def overwrite_payload(
        self, front: Front, request: _Request, name: str, wait: bool = False
    ) -> Response[bytes]:
        def read(asked: models.SetPayload, _: Collection) -> Operations:
            return [set_payload(asked, overwrite=True)]

        return await _write(front, request, name, _SET_PAYLOAD, wait=wait, read=read)

    @post("/payload/delete", status_code=200)
    async def delete_payload(self, front: Front, request: _Request, name: str, wait: bool = False) -> Response[bytes]:
        return await _write(front, request, name, _DELETE_PAYLOAD, wait=wait)

    @post("/payload/clear", status_code=200)
    async def clear_payload(self, front: Front, request: _Request, name: str, wait: bool = False) -> Response[bytes]:
        return await _write(front, request, name, _SELECTOR, wait=wait, read=lambda asked, _: [clear_payload(asked)])

    @post("/batch", status_code=200)
    async def batch(self, front: Front, request: _Request, name: str, wait: bool = False) -> Response[bytes]:
        started = time.perf_counter()
        collection = front.catalog.find(name)
        asked = await front.run(wire.decode, await request.body(), _BATCH)
        # Every entry is read before the first is applied: a mistake in the last one leaves the collection as it was.
        entries = [to_operations(entry, collection.shapes) for entry in asked.operations]
        results = [wire.update_result(await front.write(collection, entry), wait=wait) for entry in entries]
        return wire.ok(results, started)

    @post("/", status_code=200)
    async def retrieve(self, front: Front, request: _Request, name: str) -> Response[bytes]:
        started = time.perf_counter()
        collection = front.catalog.find(name)
        body = await request.body()

        def work() -> bytes:
            asked = wire.decode(body, _RETRIEVE)
            payload = convert.with_payload(asked.with_payload, default=True)
            found = calling(collection.shard.retrieve, list(asked.ids), payload, asked.with_vector or False)
            return wire.encode([render.record(item) for item in found], started)

        return wire.respond(await front.run(work))

    @get("/{point:str}")
    async def retrieve_one(self, front: Front, name: str, point: str) -> Response[bytes]:
        started = time.perf_counter()
        collection = front.catalog.find(name)
        identity: Any = int(point) if point.isdecimal() and point.isascii() else point

        def work() -> bytes:
            found = calling(collection.shard.retrieve, [identity], True, True)
            if not found:
                raise not_found(f"Point with id {point} does not exists!")
            return wire.encode(render.record(found[0]), started)

        return wire.respond(await front.run(work))
