"""Reading points by filter, order, similarity and value."""

import time
from collections.abc import Callable
from typing import Any, Final

import qdrant_edge as edge
from litestar import Controller, Request, Response, post
from pydantic import TypeAdapter
from qdrant_client.http import models

from devstack.qdrant import convert, render, wire
from devstack.qdrant.collection import Collection, calling
from devstack.qdrant.filters import to_filter
from devstack.qdrant.front import Front
from devstack.qdrant.grouping import grouped

_Request = Request[Any, Any, Any]

_SCROLL: Final = TypeAdapter(models.ScrollRequest)
_COUNT: Final = TypeAdapter(models.CountRequest)
_FACET: Final = TypeAdapter(models.FacetRequest)
_QUERY: Final = TypeAdapter(models.QueryRequest)
_QUERY_BATCH: Final = TypeAdapter(models.QueryRequestBatch)
_QUERY_GROUPS: Final = TypeAdapter(models.QueryGroupsRequest)


async def _read(
    front: Front, request: _Request, name: str, work: Callable[[Front, Collection, bytes], object]
) -> Response[bytes]:
    """Parse, ask the engine and encode, all in one thread."""
    started = time.perf_counter()
    collection = front.catalog.find(name)
    body = await request.body()
    return wire.respond(await front.run(lambda: wire.encode(work(front, collection, body), started)))


def _scroll(_: Front, collection: Collection, body: bytes) -> object:
    found, following = calling(collection.shard.scroll, convert.scroll(wire.decode(body, _SCROLL)))
    return {"points": [render.record(item) for item in found], "next_page_offset": following}


def _count(_: Front, collection: Collection, body: bytes) -> object:
    asked = wire.decode(body, _COUNT)
    request = edge.CountRequest(exact=asked.exact is not False, filter=to_filter(asked.filter))
    return {"count": calling(collection.shard.count, request)}


def _facet(_: Front, collection: Collection, body: bytes) -> object:
    answer = calling(collection.shard.facet, convert.facet(wire.decode(body, _FACET)))
    return {"hits": [{"value": hit.value, "count": hit.count} for hit in answer.hits]}


def _query(front: Front, collection: Collection, body: bytes) -> object:
    request = _reader(front, collection).request(wire.decode(body, _QUERY))
    return {"points": [render.scored(hit) for hit in calling(collection.shard.query, request)]}


def _query_batch(front: Front, collection: Collection, body: bytes) -> object:
    reader = _reader(front, collection)
    requests = [reader.request(item) for item in wire.decode(body, _QUERY_BATCH).searches]
    answers = calling(collection.shard.query_batch, edge.QueryBatchRequest(requests))
    return [{"points": [render.scored(hit) for hit in hits]} for hits in answers]


def _query_groups(front: Front, collection: Collection, body: bytes) -> object:
    asked = wire.decode(body, _QUERY_GROUPS)
    total = calling(collection.shard.count, edge.CountRequest())

    def search(request: "edge.QueryRequest") -> list[Any]:
        return calling(collection.shard.query, request)

    groups = grouped(asked, _reader(front, collection), search, total)
    ids = list({hit.id for group in groups for hit in group["hits"]})
    selector = convert.with_payload(asked.with_payload, default=False)
    kept = {record.id: record.payload for record in calling(collection.shard.retrieve, ids, selector, False)}
    for group in groups:
        group["hits"] = [_with_payload(hit, kept) for hit in group["hits"]]
    _look_up(front, groups, asked.with_lookup)
    return {"groups": groups}


def _with_payload(hit: "edge.ScoredPoint", kept: dict[Any, Any]) -> dict[str, Any]:
    answer = render.scored(hit)
    answer.pop("payload", None)
    return answer if (payload := kept.get(hit.id)) is None else answer | {"payload": payload}


def _look_up(front: Front, groups: list[dict[str, Any]], asked: models.WithLookupInterface | None) -> None:
    """Add to each group the point of another collection whose id is the group's."""
    if asked is None:
        return
    place = models.WithLookup(collection=asked) if isinstance(asked, str) else asked
    shard = front.catalog.find(place.collection).shard
    payload = convert.with_payload(place.with_payload, default=True)
    found = calling(shard.retrieve, [group["id"] for group in groups], payload, place.with_vectors or False)
    records = {str(record.id): render.record(record) for record in found}
    for group in groups:
        if (record := records.get(str(group["id"]))) is not None:
            group["lookup"] = record


def _reader(front: Front, collection: Collection) -> convert.QueryReader:
    def lookup(identity: Any, name: str, place: models.LookupLocation | None) -> Any:
        source = collection if place is None else front.catalog.find(place.collection)
        return source.vector(identity, name)

    return convert.QueryReader(collection.shapes, lookup)


class QueryController(Controller):
    path = "/collections/{name:str}"

    @post("/points/scroll", status_code=200)
    async def scroll(self, front: Front, request: _Request, name: str) -> Response[bytes]:
        return await _read(front, request, name, _scroll)

    @post("/points/count", status_code=200)
    async def count(self, front: Front, request: _Request, name: str) -> Response[bytes]:
        return await _read(front, request, name, _count)

    @post("/facet", status_code=200)
    async def facet(self, front: Front, request: _Request, name: str) -> Response[bytes]:
        return await _read(front, request, name, _facet)

    @post("/points/query", status_code=200)
    async def query(self, front: Front, request: _Request, name: str) -> Response[bytes]:
        return await _read(front, request, name, _query)

    @post("/points/query/batch", status_code=200)
    async def query_batch(self, front: Front, request: _Request, name: str) -> Response[bytes]:
        return await _read(front, request, name, _query_batch)

    @post("/points/query/groups", status_code=200)
    async def query_groups(self, front: Front, request: _Request, name: str) -> Response[bytes]:
        return await _read(front, request, name, _query_groups)
