"""Collections, aliases and payload indexes."""

import time
from typing import Any, Final

import qdrant_edge as edge
from litestar import Controller, Request, Response, delete, get, patch, post, put
from pydantic import TypeAdapter
from qdrant_client.http import models

from devstack.qdrant import config, payload_index, wire
from devstack.qdrant.collection import Collection, calling
from devstack.qdrant.errors import bad_request
from devstack.qdrant.front import Front

_Request = Request[Any, Any, Any]

_CREATE: Final = TypeAdapter(models.CreateCollection)
_UPDATE: Final = TypeAdapter(models.UpdateCollection)
_INDEX: Final = TypeAdapter(models.CreateFieldIndex)
_ALIASES: Final = TypeAdapter(models.ChangeAliasesOperation)


class CollectionController(Controller):
    path = "/collections"

    @get("/", sync_to_thread=False)
    def list_all(self, front: Front) -> Response[bytes]:
        started = time.perf_counter()
        return wire.ok({"collections": [{"name": name} for name in front.catalog.collections]}, started)

    @get("/{name:str}")
    async def describe(self, front: Front, name: str) -> Response[bytes]:
        started = time.perf_counter()
        return wire.ok(await front.run(front.catalog.find(name).describe), started)

    @get("/{name:str}/exists", sync_to_thread=False)
    def exists(self, front: Front, name: str) -> Response[bytes]:
        started = time.perf_counter()
        known = name in front.catalog.collections or name in front.catalog.aliases
        return wire.ok({"exists": known}, started)

    @put("/{name:str}", status_code=200)
    async def create(self, front: Front, request: _Request, name: str) -> Response[bytes]:
        started = time.perf_counter()
        settings = wire.decode(await request.body() or b"{}", _CREATE)
        front.check_space()
        async with front.catalog_lock:
            await front.run(front.catalog.create, name, settings)
        return wire.ok(True, started)

    @patch("/{name:str}")
    async def update(self, front: Front, request: _Request, name: str) -> Response[bytes]:
        started = time.perf_counter()
        change = wire.decode(await request.body() or b"{}", _UPDATE)
        async with front.catalog_lock:
            collection = front.catalog.find(name)
            collection.settings = config.merged(collection.settings, change)
            await front.run(front.catalog.save)
        return wire.ok(True, started)

    @delete("/{name:str}", status_code=200)
    async def remove(self, front: Front, name: str) -> Response[bytes]:
        started = time.perf_counter()
        async with front.catalog_lock:
            collection = await front.run(front.catalog.forget, name)
        if collection is not None:
            async with collection.lock:
                await front.run(collection.destroy)
        return wire.ok(collection is not None, started)

    @put("/{name:str}/index", status_code=200)
    async def create_index(self, front: Front, request: _Request, name: str, wait: bool = False) -> Response[bytes]:
        started = time.perf_counter()
        collection = front.catalog.find(name)
        asked = wire.decode(await request.body(), _INDEX)
        if asked.field_schema is None:
            raise bad_request("field_schema is required: the embedded server does not infer it")
        schema = calling(payload_index.to_engine, asked.field_schema)
        operation = calling(edge.UpdateOperation.create_field_index, asked.field_name, schema)
        number = await front.write(collection, [operation])
        params = asked.field_schema
        shown = (
            None if isinstance(params, models.PayloadSchemaType) else params.model_dump(mode="json", exclude_none=True)
        )
        await _remember_index(front, collection, asked.field_name, shown)
        return wire.ok(wire.update_result(number, wait=wait), started)

    @delete("/{name:str}/index/{field:path}", status_code=200)
    async def delete_index(self, front: Front, name: str, field: str, wait: bool = False) -> Response[bytes]:
        started = time.perf_counter()
        collection = front.catalog.find(name)
        key = field.removeprefix("/")
        number = await front.write(collection, [calling(edge.UpdateOperation.delete_field_index, key)])
        await _remember_index(front, collection, key, None)
        return wire.ok(wire.update_result(number, wait=wait), started)


async def _remember_index(front: Front, collection: Collection, key: str, params: dict[str, Any] | None) -> None:
    """Keep the parameters as they were asked for: the engine gives back only the type."""
    if collection.indexes.get(key) == params:
        return
    async with front.catalog_lock:
        if params is None:
            collection.indexes.pop(key, None)
        else:
            collection.indexes[key] = params
        await front.run(front.catalog.save)


class AliasController(Controller):
    @get("/aliases", sync_to_thread=False)
    def list_all(self, front: Front) -> Response[bytes]:
        started = time.perf_counter()
        return wire.ok({"aliases": _listed(front.catalog.aliases)}, started)

    @get("/collections/{name:str}/aliases", sync_to_thread=False)
    def list_of_collection(self, front: Front, name: str) -> Response[bytes]:
        started = time.perf_counter()
        own = {alias: target for alias, target in front.catalog.aliases.items() if target == name}
        return wire.ok({"aliases": _listed(own)}, started)

    @post("/collections/aliases", status_code=200)
    async def change(self, front: Front, request: _Request) -> Response[bytes]:
        started = time.perf_counter()
        asked = wire.decode(await request.body(), _ALIASES)
        async with front.catalog_lock:
            await front.run(front.catalog.change_aliases, asked.actions)
        return wire.ok(True, started)


def _listed(aliases: dict[str, str]) -> list[dict[str, str]]:
    return [{"alias_name": alias, "collection_name": target} for alias, target in aliases.items()]
