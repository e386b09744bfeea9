"""Seeded random points and filters, and a collection that holds them in any Qdrant."""

import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from qdrant_client import QdrantClient
from qdrant_client import models as m

DENSE_SIZE = 16
VOCABULARY = 40
KINDS = ["movie", "series", "episode", "track", "ünïcode"]
INDEXES: dict[str, m.PayloadSchemaType] = {
    "kind": m.PayloadSchemaType.KEYWORD,
    "tags": m.PayloadSchemaType.KEYWORD,
    "year": m.PayloadSchemaType.INTEGER,
    "rating": m.PayloadSchemaType.FLOAT,
    "adult": m.PayloadSchemaType.BOOL,
    "added": m.PayloadSchemaType.DATETIME,
    "offers[].region": m.PayloadSchemaType.KEYWORD,
}


def points(seed: int, count: int) -> list[m.PointStruct]:
    rng = random.Random(seed)
    return [_point(rng, number) for number in range(count)]


def _point(rng: random.Random, number: int) -> m.PointStruct:
    identity: int | str = number if number % 3 else str(uuid.UUID(int=rng.getrandbits(128), version=4))
    vectors: dict[str, Any] = {"dense": [rng.gauss(0, 1) for _ in range(DENSE_SIZE)]}
    if rng.random() < 0.9:
        terms = rng.sample(range(VOCABULARY), rng.randint(1, 8))
        vectors["words"] = m.SparseVector(indices=terms, values=[rng.uniform(0.1, 3) for _ in terms])
    return m.PointStruct(id=identity, vector=vectors, payload=_payload(rng))


def _payload(rng: random.Random) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "kind": rng.choice(KINDS),
        "tags": rng.sample(["a", "b", "c", "d", "e"], rng.randint(0, 3)),
        "year": rng.randint(1950, 2025),
        "rating": round(rng.uniform(0, 10), 2),
        "adult": rng.random() < 0.3,
        "added": (datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=rng.randint(0, 40000))).isoformat(),
        "offers": [
            {"region": rng.choice(["US", "DE", "FR"]), "price": rng.randint(1, 20), "hd": rng.random() < 0.5}
            for _ in range(rng.randint(0, 3))
        ],
        "credits": {"director": {"name": rng.choice(["Ann", "Bo", "Cy"]), "age": rng.randint(20, 90)}},
    }
    for key in ("rating", "tags", "year"):
        if (chance := rng.random()) < 0.08:
            del payload[key]
        elif chance < 0.14:
            payload[key] = None
    return payload


def create(client: QdrantClient, name: str, *, indexed: bool = True) -> None:
    client.create_collection(
        name,
        vectors_config={"dense": m.VectorParams(size=DENSE_SIZE, distance=m.Distance.COSINE)},
        sparse_vectors_config={"words": m.SparseVectorParams(modifier=m.Modifier.IDF)},
    )
    if indexed:
        for key, schema in INDEXES.items():
            client.create_payload_index(name, key, schema)


def vectors(point: m.PointStruct | m.Record) -> dict[str, Any]:
    """The named vectors of a point, typed so that a test can look into them."""
    assert isinstance(point.vector, dict)
    return point.vector


def condition(rng: random.Random, ids: list[Any], depth: int) -> m.Condition:
    field, match, spread = m.FieldCondition, m.MatchValue, m.Range
    makers: list[Callable[[], m.Condition]] = [
        lambda: field(key="kind", match=match(value=rng.choice(KINDS))),
        lambda: field(key="kind", match=m.MatchAny(any=rng.sample(KINDS, 2))),
        lambda: field(key="kind", match=m.MatchExcept(**{"except": rng.sample(KINDS, 2)})),
        lambda: field(key="tags", match=match(value=rng.choice("abcdef"))),
        lambda: field(key="tags", match=m.MatchAny(any=rng.sample("abcdef", 2))),
        lambda: field(key="year", match=match(value=rng.randint(1950, 2025))),
        lambda: field(key="year", match=m.MatchAny(any=[rng.randint(1950, 2025) for _ in range(20)])),
        lambda: field(key="year", range=spread(gte=rng.randint(1950, 2000), lt=rng.randint(1990, 2025))),
        lambda: field(key="rating", range=spread(gt=rng.uniform(0, 8), lte=rng.uniform(4, 10))),
        lambda: field(key="adult", match=match(value=rng.random() < 0.5)),
        lambda: field(key="added", range=m.DatetimeRange(gte=datetime(2020 + rng.randint(0, 3), 5, 1, tzinfo=UTC))),
        lambda: field(key="offers[].region", match=match(value=rng.choice(["US", "DE", "FR"]))),
        lambda: field(key="offers[].price", range=spread(lte=rng.randint(1, 20))),
        lambda: field(key="credits.director.name", match=match(value=rng.choice(["Ann", "Bo", "Cy"]))),
        lambda: field(key="credits.director.age", range=spread(gte=rng.randint(20, 90))),
        lambda: field(key="tags", values_count=m.ValuesCount(gte=rng.randint(0, 3))),
        lambda: m.IsEmptyCondition(is_empty=m.PayloadField(key=rng.choice(["tags", "rating", "offers", "none"]))),
        lambda: m.IsNullCondition(is_null=m.PayloadField(key=rng.choice(["tags", "rating", "year"]))),
        lambda: m.HasIdCondition(has_id=rng.sample(ids, 30)),
        lambda: m.HasVectorCondition(has_vector="words"),
        lambda: m.NestedCondition(
            nested=m.Nested(
                key="offers",
                filter=m.Filter(
                    must=[
                        field(key="region", match=match(value=rng.choice(["US", "DE"]))),
                        field(key="price", range=spread(lt=rng.randint(5, 20))),
                    ],
                    must_not=[field(key="hd", match=match(value=rng.random() < 0.5))],
                ),
            )
        ),
    ]
    if depth > 0:
        makers += [lambda: random_filter(rng, ids, depth - 1)] * 3
    return rng.choice(makers)()


def random_filter(rng: random.Random, ids: list[Any], depth: int = 2) -> m.Filter:
    def some(most: int) -> list[m.Condition] | None:
        return [condition(rng, ids, depth) for _ in range(rng.randint(1, most))] if rng.random() < 0.5 else None

    least = None
    if rng.random() < 0.25:
        conditions = [condition(rng, ids, depth) for _ in range(3)]
        least = m.MinShould(conditions=conditions, min_count=rng.randint(1, 2))
    found = m.Filter(must=some(2), should=some(3), must_not=some(2), min_should=least)
    if found == m.Filter():
        return m.Filter(must=[condition(rng, ids, depth)])
    return found


def assert_same_ranking(ours: list[m.ScoredPoint], theirs: list[m.ScoredPoint], tolerance: float = 1e-4) -> None:
    """Same scores place by place; same ids, where the order within equal scores and the cut through them are free."""
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        assert abs(mine.score - other.score) <= tolerance, (mine, other)
    if not ours:
        return
    last = theirs[-1].score
    assert {p.id for p in ours if p.score > last + tolerance} == {p.id for p in theirs if p.score > last + tolerance}
    known = {point.id: point.score for point in theirs}
    for point in ours:
        assert abs(known.get(point.id, last) - point.score) <= tolerance
