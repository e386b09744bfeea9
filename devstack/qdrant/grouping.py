"""Search results in groups by a payload field, on top of plain queries (the engine has no groups of its own)."""

from collections.abc import Callable
from typing import Any, Final

import qdrant_edge as edge
from qdrant_client.http import models

from devstack.qdrant.convert import QueryReader, limit
from devstack.qdrant.errors import validation_error

_DEFAULT_GROUP_SIZE: Final = 3
_OVERSAMPLING: Final = 4

Search = Callable[["edge.QueryRequest"], list[Any]]


def grouped(source: models.QueryGroupsRequest, reader: QueryReader, search: Search, total: int) -> list[dict[str, Any]]:
    """The best `limit` groups with their best `group_size` hits: `[{"id": value, "hits": [ScoredPoint, ...]}, ...]`.

    Reads twice as many points each round until the groups are full or no point is left, so the answer is exact;
    `total` is the number of points in the collection. Points without a string or integer in the field are in no group,
    a point with several values is in several. Hits carry their whole payload: the caller cuts it.

    :raises QdrantError: as a query does.
    """
    groups, size = limit(source.limit), limit(source.group_size, "group_size", default=_DEFAULT_GROUP_SIZE)
    if not source.group_by:
        raise validation_error("group_by", "must not be empty")
    wanted = groups * size * _OVERSAMPLING
    while True:
        hits = search(reader.request(_ungrouped(source, wanted)))
        found = _collect(hits, source.group_by, groups, size)
        full = len(found) == groups and all(len(group) == size for group in found.values())
        if full or len(hits) < wanted or wanted >= total:
            return [{"id": key, "hits": group} for key, group in found.items()]
        wanted *= 2


def _ungrouped(source: models.QueryGroupsRequest, wanted: int) -> models.QueryRequest:
    return models.QueryRequest.model_construct(
        prefetch=source.prefetch,
        query=source.query,
        using=source.using,
        filter=source.filter,
        params=source.params,
        score_threshold=source.score_threshold,
        limit=wanted,
        with_vector=source.with_vector,
        with_payload=True,
        lookup_from=source.lookup_from,
    )


def _collect(hits: list[Any], key: str, groups: int, size: int) -> dict[str | int, list[Any]]:
    found: dict[str | int, list[Any]] = {}
    for hit in hits:
        for value in values_at(hit.payload or {}, key):
            if value not in found and len(found) == groups:
                continue
            group = found.setdefault(value, [])
            if len(group) < size:
                group.append(hit)
    return found


def values_at(payload: Any, key: str) -> list[str | int]:
    """Strings and integers at a dotted path, each once; `[]` after a step means every element of a list."""
    level: list[Any] = [payload]
    for step in key.split("."):
        name = step.removesuffix("[]")
        level = [item[name] for item in level if isinstance(item, dict) and name in item]
        level = [inner for item in level for inner in (item if isinstance(item, list) else [item])]
    return list(dict.fromkeys(value for value in level if isinstance(value, str | int) and not isinstance(value, bool)))
