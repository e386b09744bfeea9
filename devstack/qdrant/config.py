"""Collection settings: the client's models to the engine's, and what `GET /collections/{name}` shows of them."""

from typing import Any, Final

import qdrant_edge as edge
from qdrant_client.http import models

from devstack.qdrant.errors import unsupported, wrong_input
from devstack.qdrant.vectors import Kind, Shape

_MAX_DIMENSION: Final = 65536
_DISTANCES: Final = {
    models.Distance.COSINE: edge.Distance.Cosine,
    models.Distance.EUCLID: edge.Distance.Euclid,
    models.Distance.DOT: edge.Distance.Dot,
    models.Distance.MANHATTAN: edge.Distance.Manhattan,
}
_DATATYPES: Final = {
    models.Datatype.FLOAT32: edge.VectorStorageDatatype.Float32,
    models.Datatype.FLOAT16: edge.VectorStorageDatatype.Float16,
    models.Datatype.UINT8: edge.VectorStorageDatatype.Uint8,
}
_MEMORY: Final = {
    models.Memory.COLD: edge.Memory.Cold,
    models.Memory.CACHED: edge.Memory.Cached,
    models.Memory.PINNED: edge.Memory.Pinned,
}
_HNSW: Final = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000, "max_indexing_threads": 0, "on_disk": False}
_OPTIMIZER: Final = {
    "deleted_threshold": 0.2,
    "vacuum_min_vector_number": 1000,
    "default_segment_number": 0,
    "indexing_threshold": 10000,
    "flush_interval_sec": 5,
}
_PARAMS: Final = {"replication_factor", "write_consistency_factor", "on_disk_payload"}
_WAL: Final = {"wal_capacity_mb": 32, "wal_segments_ahead": 0, "wal_retain_closed": 1}


def dense_params(source: models.CreateCollection) -> dict[str, models.VectorParams]:
    """By name; the unnamed vector has the empty name."""
    if source.vectors is None:
        return {}
    return {"": source.vectors} if isinstance(source.vectors, models.VectorParams) else dict(source.vectors)


def shapes(source: models.CreateCollection) -> dict[str, Shape]:
    """What each named vector must look like."""
    found = {
        name: Shape(Kind.DENSE if params.multivector_config is None else Kind.MULTI, params.size)
        for name, params in dense_params(source).items()
    }
    return found | {name: Shape(Kind.SPARSE) for name in source.sparse_vectors or {}}


def to_engine(source: models.CreateCollection) -> "edge.EdgeConfig":
    """
    :raises QdrantError: 400 for a dimension out of range or a name used twice, 501.
    """
    dense = dense_params(source)
    if twice := dense.keys() & (source.sparse_vectors or {}).keys():
        raise wrong_input(f"Dense and sparse vectors have the same name: {min(twice)}")
    return edge.EdgeConfig(
        vectors={name: _dense(params) for name, params in dense.items()},
        sparse_vectors={name: _sparse(params) for name, params in (source.sparse_vectors or {}).items()},
        on_disk_payload=source.on_disk_payload,
    )


def _dense(source: models.VectorParams) -> "edge.EdgeVectorParams":
    if not 1 <= source.size <= _MAX_DIMENSION:
        raise wrong_input(f"Validation error: vector size {source.size} must be in [1, {_MAX_DIMENSION}]")
    multi = source.multivector_config
    return edge.EdgeVectorParams(
        source.size,
        _DISTANCES[source.distance],
        on_disk=source.on_disk,
        multivector_config=None if multi is None else edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim),
        datatype=_datatype(source.datatype),
        memory=None if source.memory is None else _MEMORY[source.memory],
    )


def _sparse(source: models.SparseVectorParams) -> "edge.EdgeSparseVectorParams":
    index = source.index
    return edge.EdgeSparseVectorParams(
        modifier=edge.Modifier.Idf if source.modifier is models.Modifier.IDF else None,
        on_disk=None if index is None else index.on_disk,
        full_scan_threshold=None if index is None else index.full_scan_threshold,
        datatype=None if index is None else _datatype(index.datatype),
    )


def _datatype(source: models.Datatype | None) -> Any:
    if source is None:
        return None
    if source not in _DATATYPES:
        raise unsupported(f"datatype {source.value}")
    return _DATATYPES[source]


def merged(current: models.CreateCollection, change: models.UpdateCollection) -> models.CreateCollection:
    """The settings after a PATCH. They are kept and shown; those of index building have no effect here."""
    before = current.model_dump(exclude_none=True)
    patch = change.model_dump(exclude_none=True)
    for name in ("optimizers_config", "hnsw_config", "strict_mode_config", "metadata"):
        if name in patch:
            before[name] = before.get(name, {}) | patch[name]
    if "quantization_config" in patch and patch["quantization_config"] != "Disabled":
        before["quantization_config"] = patch["quantization_config"]
    before |= {name: value for name, value in patch.get("params", {}).items() if name in _PARAMS}
    for name, params in patch.get("vectors", {}).items():
        if name not in dense_params(current):
            raise wrong_input(f"Not existing vector name error: {name}")
        (before["vectors"] if name == "" else before["vectors"][name]).update(params)
    return models.CreateCollection.model_validate(before)


def described(source: models.CreateCollection) -> dict[str, Any]:
    """`config` of a collection's description: what was asked for, filled up with Qdrant's defaults."""
    asked = source.model_dump(mode="json", exclude_none=True)
    params: dict[str, Any] = {
        "vectors": asked.get("vectors", {}),
        "shard_number": 1,
        "replication_factor": asked.get("replication_factor", 1),
        "write_consistency_factor": asked.get("write_consistency_factor", 1),
        "on_disk_payload": asked.get("on_disk_payload", True),
    }
    if "sparse_vectors" in asked:
        params["sparse_vectors"] = asked["sparse_vectors"]
    shown: dict[str, Any] = {
        "params": params,
        "hnsw_config": _HNSW | asked.get("hnsw_config", {}),
        "optimizer_config": _OPTIMIZER | asked.get("optimizers_config", {}),
        "wal_config": _WAL | asked.get("wal_config", {}),
        "quantization_config": asked.get("quantization_config"),
    }
    return shown | {name: asked[name] for name in ("strict_mode_config", "metadata") if name in asked}
