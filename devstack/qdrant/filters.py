"""Filters: the client's models to the engine's types."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import numpy as np
import qdrant_edge as edge
from qdrant_client.http import models

from devstack.qdrant.errors import QdrantError, from_engine, unsupported, validation_error


def point_id(value: object) -> Any:
    """The engine takes ints, UUIDs and their text; it refuses others itself."""
    return value


def instant(value: datetime | date | None) -> str | None:
    """RFC 3339 text; without an offset the engine reads UTC, as Qdrant does."""
    return None if value is None else value.isoformat()


def to_filter(source: models.Filter | None) -> "edge.Filter | None":
    """
    :raises QdrantError: 400 for a path or date that the engine cannot parse, 422 for an empty condition, 501.
    """
    if source is None:
        return None
    try:
        return _filter(source)
    except QdrantError:
        raise
    except Exception as error:  # the engine raises bare Exception, ValueError, TypeError, OverflowError
        raise from_engine(error) from error


def without_ids(source: "edge.Filter | None", ids: set[Any]) -> "edge.Filter | None":
    """`source` and none of `ids`: a search by example never returns its example."""
    if not ids:
        return source
    return edge.Filter(must=None if source is None else [source], must_not=[edge.HasIdCondition(ids)])


def _filter(source: models.Filter) -> "edge.Filter":
    min_should = source.min_should
    return edge.Filter(
        must=_conditions(source.must),
        should=_conditions(source.should),
        must_not=_conditions(source.must_not),
        min_should=None
        if min_should is None
        else edge.MinShould([_condition(item) for item in min_should.conditions], min_should.min_count),
    )


def _conditions(source: "list[models.Condition] | models.Condition | None") -> list[Any] | None:
    if source is None:
        return None
    return [_condition(item) for item in source] if isinstance(source, list) else [_condition(source)]


def _condition(source: models.Condition) -> Any:
    match source:
        case models.FieldCondition():
            return _field(source)
        case models.IsEmptyCondition():
            return edge.IsEmptyCondition(source.is_empty.key)
        case models.IsNullCondition():
            return edge.IsNullCondition(source.is_null.key)
        case models.HasIdCondition():
            return edge.HasIdCondition({point_id(item) for item in source.has_id})
        case models.HasVectorCondition():
            return edge.HasVectorCondition(source.has_vector)
        case models.NestedCondition():
            return edge.NestedCondition(source.nested.key, _filter(source.nested.filter))
        case models.Filter():
            return _filter(source)
        case _:
            raise unsupported(f"{type(source).__name__} in a filter")


def _field(source: models.FieldCondition) -> "edge.FieldCondition":
    if not source.model_dump(exclude={"key"}, exclude_none=True):
        raise validation_error("condition", "at least one field condition must be specified")
    count = source.values_count
    return edge.FieldCondition(
        source.key,
        match=None if source.match is None else _MATCHES[type(source.match)](source.match),
        range=None if source.range is None else _range(source.range),
        geo_bounding_box=None if (box := source.geo_bounding_box) is None else _box(box),
        geo_radius=None if (circle := source.geo_radius) is None else _circle(circle),
        geo_polygon=None if (polygon := source.geo_polygon) is None else _polygon(polygon),
        values_count=None
        if count is None
        else edge.ValuesCount(lt=count.lt, gt=count.gt, lte=count.lte, gte=count.gte),
        is_empty=source.is_empty,
        is_null=source.is_null,
    )


def _value(source: str | int | bool) -> Any:
    # The engine asks for an integer before it asks for a bool, and a Python bool is both; NumPy's is not.
    return np.bool_(source) if isinstance(source, bool) else source


_MATCHES: dict[type[Any], Callable[[Any], Any]] = {
    models.MatchValue: lambda match: edge.MatchValue(_value(match.value)),
    models.MatchAny: lambda match: edge.MatchAny(match.any),
    models.MatchExcept: lambda match: edge.MatchExcept(match.except_),
    models.MatchText: lambda match: edge.MatchText(match.text),
    models.MatchTextAny: lambda match: edge.MatchTextAny(match.text_any),
    models.MatchPhrase: lambda match: edge.MatchPhrase(match.phrase),
    models.MatchPrefix: lambda match: edge.MatchPrefix(match.prefix),
    models.MatchSubstring: lambda match: edge.MatchSubstring(match.substring),
}


def _range(source: models.Range | models.DatetimeRange) -> Any:
    if isinstance(source, models.Range):
        return edge.RangeFloat(gte=source.gte, gt=source.gt, lte=source.lte, lt=source.lt)
    return edge.RangeDateTime(
        gte=instant(source.gte), gt=instant(source.gt), lte=instant(source.lte), lt=instant(source.lt)
    )


def _place(source: models.GeoPoint) -> "edge.GeoPoint":
    return edge.GeoPoint(source.lon, source.lat)


def _box(source: models.GeoBoundingBox) -> "edge.GeoBoundingBox":
    return edge.GeoBoundingBox(_place(source.top_left), _place(source.bottom_right))


def _circle(source: models.GeoRadius) -> "edge.GeoRadius":
    return edge.GeoRadius(_place(source.center), source.radius)


def _polygon(source: models.GeoPolygon) -> "edge.GeoPolygon":
    rings = source.interiors
    return edge.GeoPolygon(
        [_place(corner) for corner in source.exterior.points],
        None if rings is None else [[_place(corner) for corner in ring.points] for ring in rings],
    )
