"""The client's models to the engine's types, without a server."""

from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Any, Literal

import pytest
import qdrant_edge as edge
from qdrant_client.http import models as m

from devstack.qdrant import config, convert, payload_index, render, wire
from devstack.qdrant.controllers.points import _UPSERT
from devstack.qdrant.controllers.queries import _QUERY
from devstack.qdrant.errors import QdrantError, from_engine, not_found
from devstack.qdrant.filters import to_filter, without_ids
from devstack.qdrant.grouping import values_at
from devstack.qdrant.updates import to_operations
from devstack.qdrant.vectors import Kind, Shape, named

SHAPES = {"": Shape(Kind.DENSE, 2), "d": Shape(Kind.DENSE, 3), "s": Shape(Kind.SPARSE), "t": Shape(Kind.MULTI, 2)}


def _no_lookup(identity: Any, name: str, _: m.LookupLocation | None) -> Any:
    raise not_found(f"{identity} {name}")


def _field(key: str, **conditions: Any) -> m.Filter:
    return m.Filter(must=[m.FieldCondition(key=key, **conditions)])


def _made(source: m.Filter) -> Any:
    """The engine's filter, as Any: its conditions are a wide union in the stubs."""
    return to_filter(source)


@pytest.mark.parametrize("value", ["movie", 7, True, False])
def test_a_matched_value_keeps_its_type(value: str | int | bool) -> None:
    matched = _made(_field("k", match=m.MatchValue(value=value))).must[0].match.value
    assert (type(matched), matched) == (type(value), value)


def test_no_filter_is_no_filter() -> None:
    assert to_filter(None) is None
    assert without_ids(None, set()) is None


def test_a_single_condition_may_stand_without_a_list() -> None:
    made = _made(m.Filter(must=m.FieldCondition(key="k", match=m.MatchValue(value="a"))))
    assert [condition.key for condition in made.must] == ["k"]


def test_examples_are_excluded_beside_the_filter() -> None:
    made: Any = without_ids(to_filter(_field("k", match=m.MatchValue(value="a"))), {4})
    assert made.must_not[0].point_ids == {4}
    assert made.must[0].must[0].key == "k"


def test_dates_keep_their_offset() -> None:
    span = m.DatetimeRange(gte=datetime(2024, 2, 29, 12, tzinfo=UTC), lt=date(2025, 1, 1))
    made = _made(_field("added", range=span)).must[0].range
    assert (made.gte, made.lt) == ("2024-02-29 12:00:00 UTC", "2025-01-01 00:00:00 UTC")


def test_nested_conditions_and_counts() -> None:
    inner = m.Filter(must=[m.FieldCondition(key="price", range=m.Range(lt=5))])
    nested = m.NestedCondition(nested=m.Nested(key="offers", filter=inner))
    source = m.Filter(min_should=m.MinShould(conditions=[nested, m.HasIdCondition(has_id=[1, 2])], min_count=1))
    first, second = _made(source).min_should.conditions
    assert (first.key, first.filter.must[0].range.lt) == ("offers", 5.0)
    assert second.point_ids == {1, 2}


@pytest.mark.parametrize(
    ("source", "status"),
    [
        (m.Filter(must=[m.FieldCondition(key="k")]), HTTPStatus.UNPROCESSABLE_ENTITY),
        (_field("k[[", match=m.MatchValue(value="a")), HTTPStatus.BAD_REQUEST),
        (m.Filter(must=[m.HasIdCondition(has_id=["abc"])]), HTTPStatus.BAD_REQUEST),
        (m.Filter(must=[m.SliceCondition.model_construct()]), HTTPStatus.NOT_IMPLEMENTED),
    ],
)
def test_refused_filters(source: m.Filter, status: HTTPStatus) -> None:
    with pytest.raises(QdrantError) as refused:
        to_filter(source)
    assert refused.value.status == status


def test_vectors_of_a_point() -> None:
    assert named([1.0, 2.0], SHAPES) == {"": [1.0, 2.0]}
    made = named({"s": m.SparseVector(indices=[5, 2], values=[1, 3]), "t": [[1.0, 2.0]]}, SHAPES)
    assert render.vector(made)["t"] == [[1.0, 2.0]]
    assert sorted(made["s"].indices) == [2, 5]
    assert named({"t": [1.0, 2.0]}, SHAPES) == {"t": [[1.0, 2.0]]}


@pytest.mark.parametrize(
    "vector",
    [
        [1.0],
        {"d": [1.0, 2.0]},
        {"x": [1.0]},
        {"s": [1.0]},
        {"d": [[1.0, 2.0, 3.0]]},
        {"t": [[1.0, 2.0], [1.0]]},
        {"t": []},
        {"d": [1e39, 0.0, 0.0]},
        {"s": m.SparseVector(indices=[1], values=[])},
        {"s": m.SparseVector(indices=[1, 1], values=[1, 1])},
        {"d": m.Document(text="a", model="b")},
    ],
)
def test_vectors_the_engine_must_never_see(vector: object) -> None:
    with pytest.raises(QdrantError):
        named(vector, SHAPES)


def test_one_bad_point_refuses_the_request() -> None:
    body = b'{"points": [{"id": 1, "vector": {"d": [1, 2, 3]}}, {"id": 2, "vector": {"d": [1]}}]}'
    with pytest.raises(QdrantError, match="expected dim: 3, got 1"):
        to_operations(wire.decode(body, _UPSERT), SHAPES)


def test_delete_vectors_by_ids_and_filter_is_two_operations() -> None:
    source = m.DeleteVectors(points=[1], filter=_field("k", match=m.MatchValue(value="a")), vector=["d"])
    assert len(to_operations(source, SHAPES)) == 2


def test_query_defaults_are_those_of_qdrant() -> None:
    made = convert.QueryReader(SHAPES, _no_lookup).request(wire.decode(b'{"query": [1, 2]}', _QUERY))
    assert (made.limit, made.offset, made.with_payload, made.with_vector) == (10, 0, False, False)


def test_an_example_is_looked_up_and_excluded() -> None:
    asked: list[tuple[Any, str]] = []

    def lookup(identity: Any, name: str, _: m.LookupLocation | None) -> list[float]:
        asked.append((identity, name))
        return [1.0, 2.0, 3.0]

    made: Any = convert.QueryReader(SHAPES, lookup).request(m.QueryRequest(query=9, using="d"))
    assert asked == [(9, "d")]
    assert made.filter.must_not[0].point_ids == {9}


def test_an_example_of_another_collection_is_not_excluded() -> None:
    request = m.QueryRequest(query=9, using="d", lookup_from=m.LookupLocation(collection="other", vector="v"))
    made = convert.QueryReader(SHAPES, lambda *_: [1.0, 2.0, 3.0]).request(request)
    assert made.filter is None


def test_prefetches_keep_their_own_filters_and_limits() -> None:
    leg = m.Prefetch(query=[1.0, 2.0], filter=_field("k", match=m.MatchValue(value="a")), limit=77)
    request = m.QueryRequest(prefetch=[leg, leg], query=m.RrfQuery(rrf=m.Rrf(k=60, weights=[1, 2])), limit=5)
    made = convert.QueryReader(SHAPES, _no_lookup).request(request)
    assert [(prefetch.limit, prefetch.filter is not None) for prefetch in made.prefetches] == [(77, True)] * 2


@pytest.mark.parametrize(("value", "field"), [(0, "limit"), (-3, "limit"), (2**64, "limit")])
def test_limits_out_of_range(value: int, field: Literal["limit"]) -> None:
    with pytest.raises(QdrantError, match=f"{field}: value") as refused:
        convert.limit(value, field)
    assert refused.value.status == HTTPStatus.UNPROCESSABLE_ENTITY


def test_depth_counts_through_lists_and_objects() -> None:
    value: Any = "leaf"
    for turn in range(20):
        value = {"a": value} if turn % 2 else [0.5, value]
    wire.check_depth(value, 20)
    with pytest.raises(QdrantError, match="recursion limit"):
        wire.check_depth(value, 19)


def test_collection_settings() -> None:
    source = m.CreateCollection(
        vectors={"d": m.VectorParams(size=3, distance=m.Distance.COSINE)},
        sparse_vectors={"s": m.SparseVectorParams(modifier=m.Modifier.IDF)},
    )
    made = config.to_engine(source)
    assert made.vectors["d"].size == 3
    assert made.sparse_vectors["s"].modifier == edge.Modifier.Idf
    assert config.shapes(source) == {"d": Shape(Kind.DENSE, 3), "s": Shape(Kind.SPARSE)}
    m.CollectionConfig.model_validate(config.described(source))


def test_a_change_of_settings_keeps_the_rest() -> None:
    before = m.CreateCollection(
        vectors=m.VectorParams(size=3, distance=m.Distance.DOT),
        hnsw_config=m.HnswConfigDiff(m=4),
        metadata={"a": 1},
    )
    change = m.UpdateCollection(
        vectors={"": m.VectorParamsDiff(on_disk=True)}, hnsw_config=m.HnswConfigDiff(ef_construct=9), metadata={"b": 2}
    )
    after = config.merged(before, change)
    assert after.vectors == m.VectorParams(size=3, distance=m.Distance.DOT, on_disk=True)
    assert after.hnsw_config == m.HnswConfigDiff(m=4, ef_construct=9)
    assert after.metadata == {"a": 1, "b": 2}
    with pytest.raises(QdrantError, match="Not existing vector name"):
        config.merged(before, m.UpdateCollection(vectors={"x": m.VectorParamsDiff(on_disk=True)}))


@pytest.mark.parametrize("schema", list(m.PayloadSchemaType))
def test_every_index_type_has_its_engine_type(schema: m.PayloadSchemaType) -> None:
    assert payload_index.data_type(payload_index.to_engine(schema)) == schema.value


def test_index_options_that_are_not_translated_are_refused() -> None:
    source = m.TextIndexParams(type=m.TextIndexType.TEXT, stopwords=m.Language.ENGLISH)
    with pytest.raises(QdrantError, match="stopwords"):
        payload_index.to_engine(source)


@pytest.mark.parametrize(
    ("message", "status", "words"),
    [
        ("No point with id 3", HTTPStatus.NOT_FOUND, "Not found: No point with id 3 found"),
        ("No range index for `order_by` key: `a`", HTTPStatus.BAD_REQUEST, "Bad request: No range index"),
        ("Validation failed: no", HTTPStatus.BAD_REQUEST, "Wrong input: no"),
        ("Service runtime error: Shard is not initialized", HTTPStatus.NOT_FOUND, "Not found"),
        ("Service runtime error: disk", HTTPStatus.INTERNAL_SERVER_ERROR, "Service internal error"),
    ],
)
def test_engine_errors_get_the_code_of_qdrant(message: str, status: HTTPStatus, words: str) -> None:
    error = from_engine(Exception(message))
    assert error.status == status
    assert str(error).startswith(words)


def test_group_values() -> None:
    payload = {"a": {"b": ["x", "y", "x", 3, True, 1.5, None]}, "offers": [{"r": "US"}, {"r": "DE"}, {}]}
    assert values_at(payload, "a.b") == ["x", "y", 3]
    assert values_at(payload, "offers[].r") == ["US", "DE"]
    assert values_at(payload, "none.at") == []
