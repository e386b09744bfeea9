"""Write requests: the client's models to the engine's operations, checked before any of them is written."""

from collections.abc import Iterator
from typing import Any, Final

import qdrant_edge as edge
from qdrant_client.http import models

from devstack.qdrant.errors import QdrantError, bad_request, format_error, from_engine, unsupported, validation_error
from devstack.qdrant.filters import point_id, to_filter
from devstack.qdrant.vectors import Shapes, named

_MAX_KEY_STEPS: Final = 16  # with wire.MAX_DEPTH below the nesting that the engine can read back
_MODES: Final = {
    models.UpdateMode.UPSERT: edge.UpdateMode.Upsert,
    models.UpdateMode.INSERT_ONLY: edge.UpdateMode.InsertOnly,
    models.UpdateMode.UPDATE_ONLY: edge.UpdateMode.UpdateOnly,
}

Operations = list[Any]
"""`edge.UpdateOperation`s to apply in order; none when the request names no point by filter or id."""


def to_operations(source: object, shapes: Shapes) -> Operations:
    """The operations of one write request, or of one entry of `points/batch`.

    :raises QdrantError: 400, 422 or 501; nothing has been written then.
    """
    try:
        return list(_operations(source, shapes))
    except QdrantError:
        raise
    except Exception as error:  # the engine raises bare Exception, ValueError, TypeError, OverflowError
        raise from_engine(error) from error


def _operations(source: object, shapes: Shapes) -> Iterator[Any]:  # noqa: C901 - one case per operation of the API
    update = edge.UpdateOperation
    match source:
        case models.PointsList():
            points = [_point(item.id, item.vector, item.payload, shapes) for item in source.points]
            yield _upsert(points, source.update_filter, source.update_mode)
        case models.PointsBatch():
            yield _upsert(_batch(source.batch, shapes), source.update_filter, source.update_mode)
        case models.UpdateVectors():
            vectors = [edge.PointVectors(point_id(item.id), named(item.vector, shapes)) for item in source.points]
            _require(vectors)
            yield update.update_vectors(vectors, to_filter(source.update_filter))
        case models.PointIdsList():
            yield update.delete_points(_ids(source.points))
        case models.FilterSelector():
            yield update.delete_points_by_filter(to_filter(source.filter) or edge.Filter())
        case models.DeleteVectors():
            yield from _delete_vectors(source, shapes)
        case models.DeletePayload():
            yield _delete_payload(source)
        case models.UpsertOperation():
            yield from _operations(source.upsert, shapes)
        case models.DeleteOperation():
            yield from _operations(source.delete, shapes)
        case models.SetPayloadOperation():
            yield set_payload(source.set_payload)
        case models.OverwritePayloadOperation():
            yield set_payload(source.overwrite_payload, overwrite=True)
        case models.DeletePayloadOperation():
            yield _delete_payload(source.delete_payload)
        case models.ClearPayloadOperation():
            yield clear_payload(source.clear_payload)
        case models.UpdateVectorsOperation():
            yield from _operations(source.update_vectors, shapes)
        case models.DeleteVectorsOperation():
            yield from _operations(source.delete_vectors, shapes)
        case _:
            raise unsupported(f"operation {type(source).__name__}")


def set_payload(source: models.SetPayload, *, overwrite: bool = False) -> Any:
    """Merge into the payload of the points, or replace it."""
    if source.key is not None and source.key.count(".") + source.key.count("[") > _MAX_KEY_STEPS:
        raise validation_error("key", f"must have at most {_MAX_KEY_STEPS} steps")
    update = edge.UpdateOperation
    if source.points is not None:
        by_id = update.overwrite_payload if overwrite else update.set_payload
        return by_id(_ids(source.points), source.payload, source.key)
    by_filter = update.overwrite_payload_by_filter if overwrite else update.set_payload_by_filter
    return by_filter(_needed(source.filter), source.payload, source.key)


def clear_payload(source: models.PointsSelector) -> Any:
    """Remove the whole payload of the points."""
    if isinstance(source, models.PointIdsList):
        return edge.UpdateOperation.clear_payload(_ids(source.points))
    return edge.UpdateOperation.clear_payload_by_filter(_needed(source.filter))


def _delete_payload(source: models.DeletePayload) -> Any:
    if source.points is not None:
        return edge.UpdateOperation.delete_payload(_ids(source.points), source.keys)
    return edge.UpdateOperation.delete_payload_by_filter(_needed(source.filter), source.keys)


def _delete_vectors(source: models.DeleteVectors, shapes: Shapes) -> Iterator[Any]:
    if not source.vector:
        raise validation_error("vector", "must name at least one vector")
    if unknown := [name for name in source.vector if name not in shapes]:
        raise bad_request(f"Not existing vector name error: {unknown[0]}")
    if source.points is None and source.filter is None:
        _needed(None)
    if source.points is not None:
        yield edge.UpdateOperation.delete_vectors(_ids(source.points), source.vector)
    if source.filter is not None:
        yield edge.UpdateOperation.delete_vectors_by_filter(_needed(source.filter), source.vector)


def _upsert(points: list[Any], condition: models.Filter | None, mode: models.UpdateMode | None) -> Any:
    _require(points)
    return edge.UpdateOperation.upsert_points(points, to_filter(condition), None if mode is None else _MODES[mode])


def _point(identity: object, vector: object, payload: dict[str, Any] | None, shapes: Shapes) -> "edge.Point":
    return edge.Point(point_id(identity), named(vector, shapes), payload)


def _batch(source: models.Batch, shapes: Shapes) -> list[Any]:
    """The columns of a batch as points."""
    count = len(source.ids)
    payloads: list[Any] = [None] * count if source.payloads is None else source.payloads
    if len(payloads) != count:
        raise validation_error("batch", f"number of ids and payloads must be equal ({count} != {len(payloads)})")
    columns: Any = source.vectors if isinstance(source.vectors, dict) else {"": source.vectors}
    for column in columns.values():
        if len(column) != count:
            raise validation_error("batch", f"number of ids and vectors must be equal ({count} != {len(column)})")
    return [
        _point(identity, {name: column[row] for name, column in columns.items()}, payloads[row], shapes)
        for row, identity in enumerate(source.ids)
    ]


def _ids(source: list[Any]) -> list[Any]:
    _require(source)
    return [point_id(item) for item in source]


def _require(items: list[Any]) -> None:
    if not items:
        raise bad_request("Empty update request")


def _needed(source: models.Filter | None) -> Any:
    if source is None:
        raise format_error("either a list of point ids or a filter must be given")
    return to_filter(source)
