"""Vectors, checked against the collection before the engine logs them, and turned into what the engine takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import hypot
from typing import Any, Final

import qdrant_edge as edge
from qdrant_client.http import models

from devstack.qdrant.errors import unsupported, validation_error, wrong_input

_LARGEST_FLOAT32: Final = 3.4028234e38
_LARGEST_INDEX: Final = 2**32 - 1


class Kind(Enum):
    """How one named vector is stored."""

    DENSE = "dense"
    MULTI = "multi"
    SPARSE = "sparse"


@dataclass(frozen=True, slots=True)
class Shape:
    """Kind and, unless sparse, dimension of one named vector."""

    kind: Kind
    size: int = 0


Shapes = Mapping[str, Shape]
"""By vector name; the unnamed vector has the empty name."""


def named(source: object, shapes: Shapes) -> Any:
    """The vectors of one point: a bare vector, or a mapping of names to vectors.

    :raises QdrantError: 400 as the engine words it, before any point of the request is written.
    """
    if isinstance(source, dict):
        return {name: one(vector, name, shapes) for name, vector in source.items()}
    return {"": one(source, "", shapes)}


def one(source: object, name: str, shapes: Shapes) -> Any:
    """One vector for `name`, as stored or as searched with."""
    shape = shapes.get(name)
    if shape is None:
        raise wrong_input(f"Not existing vector name error: {name}")
    if isinstance(source, models.SparseVector):
        if shape.kind is not Kind.SPARSE:
            raise wrong_input("Wrong usage of sparse vectors")
        return sparse(source)
    if not isinstance(source, list):
        raise unsupported("inference")
    if shape.kind is Kind.SPARSE:
        raise wrong_input("Wrong usage of sparse vectors")
    if source and isinstance(source[0], list):
        if shape.kind is not Kind.MULTI:
            raise wrong_input("Wrong usage of multi vectors")
        for row in source:
            _check_dense(row, shape.size)
        return source
    if shape.kind is Kind.MULTI and source:  # a single vector is a multi-vector of one row
        _check_dense(source, shape.size)
        return [source]
    _check_dense(source, shape.size)
    return source


def sparse(source: models.SparseVector) -> "edge.SparseVector":
    """
    :raises QdrantError: 422; the engine would panic on the first of these, and again at every start.
    """
    indices, values = source.indices, source.values
    if len(indices) != len(values):
        raise validation_error("values", "must be the same length as indices")
    if len(set(indices)) != len(indices):
        raise validation_error("indices", "must be unique")
    if indices and not (min(indices) >= 0 and max(indices) <= _LARGEST_INDEX):
        raise validation_error("indices", "must be 32-bit unsigned integers")
    _check_finite(values)
    return edge.SparseVector(indices, values)


def _check_dense(row: Sequence[float], size: int) -> None:
    if len(row) != size:
        raise wrong_input(f"Vector dimension error: expected dim: {size}, got {len(row)}")
    _check_finite(row)


def _check_finite(row: Sequence[float]) -> None:
    # One call in C for the whole row: no element can be larger than the norm.
    if not hypot(*row) <= _LARGEST_FLOAT32:
        raise validation_error("vector", "values must be 32-bit floats")
