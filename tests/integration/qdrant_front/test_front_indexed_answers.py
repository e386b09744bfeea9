"""What needs a payload index: facets and orders, against the client's own in-memory Qdrant."""

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m
from qdrant_client.http.exceptions import UnexpectedResponse

from tests.integration.qdrant_front import front_cases as cases

COUNT = 300
NAME = "ordered"


@pytest.fixture(scope="module")
def both(client: QdrantClient) -> Iterator[tuple[QdrantClient, QdrantClient, list[Any]]]:
    theirs = QdrantClient(":memory:")
    points = cases.points(21, COUNT)
    cases.create(client, NAME)
    cases.create(theirs, NAME, indexed=False)
    for connection in (client, theirs):
        connection.upsert(NAME, points)
    yield client, theirs, [point.id for point in points]
    client.delete_collection(NAME)


@pytest.fixture(scope="module")
def churned(both: tuple[QdrantClient, QdrantClient, list[Any]]) -> tuple[QdrantClient, QdrantClient, list[Any]]:
    """The same after points were replaced, deleted and edited: the counts of an index must have followed."""
    ours, theirs, ids = both
    for connection in (ours, theirs):
        connection.upsert(NAME, cases.points(22, COUNT // 2))
        connection.delete(NAME, ids[-40:])
        connection.set_payload(NAME, {"kind": "movie", "year": 1999}, [1, 2, 4, 5])
        connection.delete_payload(NAME, ["tags"], [7, 8])
    return ours, theirs, ids


def _field(point: m.Record | m.ScoredPoint, key: str) -> Any:
    assert point.payload is not None
    return point.payload[key]


@pytest.mark.parametrize("key", ["kind", "tags", "year", "adult", "offers[].region"])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("exact", [True, False])  # many times faster when not; with one segment no less exact
def test_facet_counts(churned: tuple[QdrantClient, QdrantClient, list[Any]], key: str, seed: int, exact: bool) -> None:
    ours, theirs, ids = churned
    wanted = cases.random_filter(random.Random(seed), ids) if seed else None
    mine = ours.facet(NAME, key, facet_filter=wanted, limit=500, exact=exact).hits
    other = theirs.facet(NAME, key, facet_filter=wanted, limit=500, exact=True).hits
    assert {hit.value: hit.count for hit in mine} == {hit.value: hit.count for hit in other}
    assert [hit.count for hit in mine] == sorted((hit.count for hit in mine), reverse=True)


@pytest.mark.parametrize("direction", list(m.Direction))
@pytest.mark.parametrize("key", ["year", "rating", "added"])
@pytest.mark.parametrize("filtered", [False, True])
def test_order_of_a_scroll(
    both: tuple[QdrantClient, QdrantClient, list[Any]], key: str, direction: m.Direction, filtered: bool
) -> None:
    ours, theirs, ids = both
    wanted = cases.random_filter(random.Random(5), ids) if filtered else None
    order = m.OrderBy(key=key, direction=direction)
    mine, _ = ours.scroll(NAME, wanted, order_by=order, limit=COUNT)
    other, _ = theirs.scroll(NAME, wanted, order_by=order, limit=COUNT)
    assert mine
    assert [_field(point, key) for point in mine] == [_field(point, key) for point in other]
    assert Counter(str(point.id) for point in mine) == Counter(str(point.id) for point in other)


def test_order_starts_where_asked(both: tuple[QdrantClient, QdrantClient, list[Any]]) -> None:
    ours, _, _ = both
    page, following = ours.scroll(NAME, order_by=m.OrderBy(key="year", start_from=1990), limit=10)
    assert following is None  # pages of an order go by start_from
    assert min(_field(point, "year") for point in page) >= 1990
    assert [point.order_value for point in page] == [_field(point, "year") for point in page]
    queried = ours.query_points(NAME, query=m.OrderByQuery(order_by="year"), limit=10, with_payload=True).points
    assert [_field(point, "year") for point in queried] == sorted(_field(point, "year") for point in queried)


def test_a_sample_is_of_the_filtered_points(both: tuple[QdrantClient, QdrantClient, list[Any]]) -> None:
    ours, _, _ = both
    wanted = m.Filter(must=[m.FieldCondition(key="kind", match=m.MatchValue(value="movie"))])
    total = ours.count(NAME, wanted).count
    points = ours.query_points(
        NAME, query=m.SampleQuery(sample=m.Sample.RANDOM), query_filter=wanted, limit=COUNT, with_payload=True
    ).points
    assert len({point.id for point in points}) == len(points) == total
    assert {_field(point, "kind") for point in points} == {"movie"}


def test_orders_and_facets_without_an_index_are_refused(both: tuple[QdrantClient, QdrantClient, list[Any]]) -> None:
    ours, _, _ = both
    with pytest.raises(UnexpectedResponse, match="No range index for `order_by` key: `nothing`"):
        ours.scroll(NAME, order_by="nothing")
    with pytest.raises(UnexpectedResponse, match="No appropriate index for faceting: `nothing`"):
        ours.facet(NAME, "nothing")
    with pytest.raises(UnexpectedResponse, match="Cannot use an `offset` when using `order_by`"):
        ours.scroll(NAME, order_by="year", offset=3)
