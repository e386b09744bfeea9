"""The front's answers against the client's own in-memory Qdrant, on the same seeded points and random filters."""

import math
import random
from collections.abc import Iterator
from typing import Any

import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m

from tests.integration.qdrant_front import front_cases as cases

COUNT = 400
NAME = "answers"


class Both:
    """The same collection in the front and in the client's local mode."""

    def __init__(self, ours: QdrantClient, theirs: QdrantClient, points: list[m.PointStruct]) -> None:
        self.ours, self.theirs, self.points = ours, theirs, points
        self.ids = [point.id for point in points]


@pytest.fixture(scope="module", params=[True, False], ids=["indexed", "unindexed"])
def both(client: QdrantClient, request: pytest.FixtureRequest) -> Iterator[Both]:
    theirs = QdrantClient(":memory:")
    points = cases.points(11, COUNT)
    cases.create(client, NAME, indexed=request.param)
    cases.create(theirs, NAME, indexed=False)
    for connection in (client, theirs):
        connection.upsert(NAME, points)
    yield Both(client, theirs, points)
    client.delete_collection(NAME)


@pytest.mark.parametrize("seed", range(150))
def test_filters_select_the_same_points(both: Both, seed: int) -> None:
    wanted = cases.random_filter(random.Random(seed), both.ids)
    mine, _ = both.ours.scroll(NAME, wanted, limit=COUNT, with_payload=True, with_vectors=False)
    other, _ = both.theirs.scroll(NAME, wanted, limit=COUNT, with_payload=True, with_vectors=False)
    assert {point.id: point.payload for point in mine} == {point.id: point.payload for point in other}
    assert both.ours.count(NAME, wanted).count == len(other)


@pytest.mark.parametrize("seed", range(40))
def test_dense_search_ranks_the_same(both: Both, seed: int) -> None:
    rng = random.Random(1000 + seed)
    arguments: dict[str, Any] = {
        "query": [rng.gauss(0, 1) for _ in range(cases.DENSE_SIZE)],
        "using": "dense",
        "query_filter": cases.random_filter(rng, both.ids) if seed % 2 else None,
        "limit": rng.choice([1, 10, 50]),
        "offset": rng.choice([0, 0, 7]),
        "score_threshold": 0.2 if seed % 3 == 0 else None,
    }
    mine, other = both.ours.query_points(NAME, **arguments), both.theirs.query_points(NAME, **arguments)
    cases.assert_same_ranking(mine.points, other.points)


@pytest.mark.parametrize("seed", range(20))
def test_search_by_id_leaves_the_example_out(both: Both, seed: int) -> None:
    rng = random.Random(2000 + seed)
    example = rng.choice(both.ids)
    wanted = cases.random_filter(rng, both.ids)
    mine = both.ours.query_points(NAME, example, using="dense", query_filter=wanted, limit=20)
    other = both.theirs.query_points(NAME, example, using="dense", query_filter=wanted, limit=20)
    assert example not in {point.id for point in mine.points}
    cases.assert_same_ranking(mine.points, other.points)


def _bm25(points: list[m.PointStruct], query: m.SparseVector) -> dict[Any, float]:
    """Qdrant's IDF: ln(1 + (N - n + 0.5) / (n + 0.5)) with N the points that have the sparse vector."""
    rows = {
        point.id: dict(zip(words.indices, words.values, strict=True))
        for point in points
        if (words := cases.vectors(point).get("words")) is not None
    }
    total = len(rows)
    scores: dict[Any, float] = {}
    for term, weight in zip(query.indices, query.values, strict=True):
        holders = sum(term in row for row in rows.values())
        idf = math.log(1 + (total - holders + 0.5) / (holders + 0.5))
        for identity, row in rows.items():
            if term in row:
                scores[identity] = scores.get(identity, 0.0) + weight * idf * row[term]
    return scores


@pytest.mark.parametrize("seed", range(20))
def test_sparse_search_weighs_terms_by_their_rarity(both: Both, seed: int) -> None:
    rng = random.Random(3000 + seed)
    terms = rng.sample(range(cases.VOCABULARY + 10), 4)  # some occur nowhere
    query = m.SparseVector(indices=terms, values=[rng.uniform(0.5, 2) for _ in terms])
    mine = both.ours.query_points(NAME, query, using="words", limit=COUNT).points
    exact = _bm25(both.points, query)
    assert {point.id for point in mine} == exact.keys()
    for point in mine:
        assert point.score == pytest.approx(exact[point.id], rel=1e-4)
    assert [point.score for point in mine] == sorted((point.score for point in mine), reverse=True)


@pytest.mark.parametrize("fusion", list(m.Fusion))
@pytest.mark.parametrize("seed", range(15))
def test_fusion_of_two_filtered_legs(both: Both, fusion: m.Fusion, seed: int) -> None:
    rng = random.Random(4000 + seed)
    wanted = cases.random_filter(rng, both.ids) if seed % 2 else None
    other_vector = [rng.gauss(0, 1) for _ in range(cases.DENSE_SIZE)]
    legs = [
        m.Prefetch(query=[rng.gauss(0, 1) for _ in range(cases.DENSE_SIZE)], using="dense", filter=wanted, limit=30),
        m.Prefetch(query=other_vector, using="dense", filter=wanted, limit=20),
    ]
    arguments: dict[str, Any] = {"prefetch": legs, "query": m.FusionQuery(fusion=fusion), "limit": 10}
    mine, other = both.ours.query_points(NAME, **arguments), both.theirs.query_points(NAME, **arguments)
    cases.assert_same_ranking(mine.points, other.points)


@pytest.mark.parametrize("seed", range(10))
def test_reciprocal_rank_fusion_of_dense_and_sparse_is_the_formula(both: Both, seed: int) -> None:
    rng = random.Random(5000 + seed)
    k, terms = rng.choice([2, 60]), rng.sample(range(cases.VOCABULARY), 4)
    legs = [
        m.Prefetch(query=[rng.gauss(0, 1) for _ in range(cases.DENSE_SIZE)], using="dense", limit=25),
        m.Prefetch(query=m.SparseVector(indices=terms, values=[1.0] * 4), using="words", limit=25),
    ]
    fused = both.ours.query_points(NAME, prefetch=legs, query=m.RrfQuery(rrf=m.Rrf(k=k)), limit=50).points
    expected: dict[Any, float] = {}
    for leg in legs:
        ranked = both.ours.query_points(NAME, leg.query, using=leg.using, limit=25).points
        for rank, point in enumerate(ranked):
            expected[point.id] = expected.get(point.id, 0.0) + 1 / (k + rank)
    assert {point.id for point in fused} == expected.keys()
    for point in fused:
        assert point.score == pytest.approx(expected[point.id], rel=1e-4)


def test_rescoring_a_prefetch(both: Both) -> None:
    rng = random.Random(6)
    first, second = ([rng.gauss(0, 1) for _ in range(cases.DENSE_SIZE)] for _ in range(2))
    leg = m.Prefetch(query=first, using="dense", limit=40)
    mine = both.ours.query_points(NAME, second, using="dense", prefetch=leg, limit=10)
    other = both.theirs.query_points(NAME, second, using="dense", prefetch=leg, limit=10)
    cases.assert_same_ranking(mine.points, other.points)


def test_a_batch_answers_as_its_queries_do(both: Both) -> None:
    rng = random.Random(7)
    requests = [
        m.QueryRequest(
            query=[rng.gauss(0, 1) for _ in range(cases.DENSE_SIZE)],
            using="dense",
            filter=cases.random_filter(rng, both.ids),
            limit=15,
            with_payload=["kind"],
        )
        for _ in range(8)
    ]
    mine, other = both.ours.query_batch_points(NAME, requests), both.theirs.query_batch_points(NAME, requests)
    for one, two in zip(mine, other, strict=True):
        cases.assert_same_ranking(one.points, two.points)
        assert all(point.payload is not None and point.payload.keys() == {"kind"} for point in one.points)


@pytest.mark.parametrize("strategy", [None, m.RecommendStrategy.BEST_SCORE, m.RecommendStrategy.SUM_SCORES])
def test_recommendation(both: Both, strategy: m.RecommendStrategy | None) -> None:
    query = m.RecommendQuery(
        recommend=m.RecommendInput(positive=[*both.ids[:3]], negative=[*both.ids[5:7]], strategy=strategy)
    )
    mine = both.ours.query_points(NAME, query, using="dense", limit=20)
    other = both.theirs.query_points(NAME, query, using="dense", limit=20)
    cases.assert_same_ranking(mine.points, other.points)


def test_groups(both: Both) -> None:
    rng = random.Random(8)
    arguments: dict[str, Any] = {
        "group_by": "kind",
        "query": [rng.gauss(0, 1) for _ in range(cases.DENSE_SIZE)],
        "using": "dense",
        "limit": 4,
        "group_size": 3,
    }
    mine = both.ours.query_points_groups(NAME, with_payload=["year"], **arguments).groups
    other = both.theirs.query_points_groups(NAME, **arguments).groups
    assert [group.id for group in mine] == [group.id for group in other]
    for one, two in zip(mine, other, strict=True):
        cases.assert_same_ranking(one.hits, two.hits)
        assert all(hit.payload is None or hit.payload.keys() <= {"year"} for hit in one.hits)


def test_pages_of_a_scroll_hold_every_point_once(both: Both) -> None:
    seen: list[Any] = []
    offset: Any = None
    while True:
        page, offset = both.ours.scroll(NAME, limit=37, offset=offset, with_payload=False)
        seen += [point.id for point in page]
        if offset is None:
            break
    assert len(seen) == COUNT
    assert set(seen) == set(both.ids)


def test_selectors_choose_payload_and_vectors(both: Both) -> None:
    ids = both.ids[:5]
    for payload in (True, False, ["kind", "offers[].region"], m.PayloadSelectorExclude(exclude=["credits.director"])):
        mine = both.ours.retrieve(NAME, ids, with_payload=payload, with_vectors=["dense"])
        other = both.theirs.retrieve(NAME, ids, with_payload=payload, with_vectors=["dense"])
        assert {p.id: p.payload or {} for p in mine} == {p.id: p.payload or {} for p in other}
        for point in mine:
            expected = cases.vectors(next(item for item in other if item.id == point.id))
            assert cases.vectors(point).keys() == {"dense"}
            assert cases.vectors(point)["dense"] == pytest.approx(expected["dense"], abs=1e-6)
