"""The engine's answers as plain values that JSON can carry."""

from typing import Any

import qdrant_edge as edge


def vector(value: Any) -> Any:
    """A dense or multi vector as it is, a sparse one as indices and values, named ones each."""
    if isinstance(value, edge.SparseVector):
        return {"indices": value.indices, "values": value.values}
    if isinstance(value, dict):
        return {name: vector(item) for name, item in value.items()}
    return value


def record(item: "edge.Record") -> dict[str, Any]:
    answer: dict[str, Any] = {"id": item.id}
    if (payload := item.payload) is not None:
        answer["payload"] = payload
    if (vectors := item.vector) is not None:
        answer["vector"] = vector(vectors)
    if (order_value := item.order_value) is not None:
        answer["order_value"] = order_value
    return answer


def scored(item: "edge.ScoredPoint") -> dict[str, Any]:
    answer: dict[str, Any] = {"id": item.id, "version": item.version, "score": item.score}
    if (payload := item.payload) is not None:
        answer["payload"] = payload
    if (vectors := item.vector) is not None:
        answer["vector"] = vector(vectors)
    if (order_value := item.order_value) is not None:
        answer["order_value"] = order_value
    return answer
