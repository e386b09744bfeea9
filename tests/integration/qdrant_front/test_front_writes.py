"""Every write operation, applied to the front and to the client's own in-memory Qdrant: the same points afterwards."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m

from tests.integration.qdrant_front import front_cases as cases

NAME = "written"
COUNT = 60
MOVIES = m.Filter(must=[m.FieldCondition(key="kind", match=m.MatchValue(value="movie"))])


@pytest.fixture
def both(client: QdrantClient) -> Iterator[tuple[QdrantClient, QdrantClient]]:
    theirs = QdrantClient(":memory:")
    for connection in (client, theirs):
        cases.create(connection, NAME, indexed=False)
        connection.upsert(NAME, cases.points(31, COUNT))
    yield client, theirs
    client.delete_collection(NAME)


def _contents(client: QdrantClient) -> dict[Any, Any]:
    points, _ = client.scroll(NAME, limit=10 * COUNT, with_payload=True, with_vectors=True)
    return {point.id: (point.payload, point.vector) for point in points}


def assert_same_contents(ours: QdrantClient, theirs: QdrantClient) -> None:
    mine, other = _contents(ours), _contents(theirs)
    assert mine.keys() == other.keys()
    for identity, (payload, vectors) in mine.items():
        assert payload == other[identity][0]
        assert vectors.keys() == other[identity][1].keys()
        if "dense" in vectors:
            assert vectors["dense"] == pytest.approx(other[identity][1]["dense"], abs=1e-6)
        if "words" in vectors:
            weights = dict(zip(vectors["words"].indices, vectors["words"].values, strict=True))
            expected = other[identity][1]["words"]
            assert weights == pytest.approx(dict(zip(expected.indices, expected.values, strict=True)))


def _vector(seed: int) -> list[float]:
    rng = random.Random(seed)
    return [rng.gauss(0, 1) for _ in range(cases.DENSE_SIZE)]


WRITES: dict[str, Callable[[QdrantClient], object]] = {
    "replace_points": lambda c: c.upsert(NAME, cases.points(32, 20)),
    "upsert_batch": lambda c: c.upsert(
        NAME, m.Batch(ids=[1, 901], vectors={"dense": [_vector(1), _vector(2)]}, payloads=[{"a": 1}, {"b": [True]}])
    ),
    "upsert_without_vector": lambda c: c.upsert(NAME, [m.PointStruct(id=902, vector={}, payload={"x": None})]),
    "insert_only": lambda c: c.upsert(
        NAME,
        [m.PointStruct(id=i, vector={"dense": _vector(i)}, payload={"new": i}) for i in (1, 903)],
        update_mode=m.UpdateMode.INSERT_ONLY,
    ),
    "upsert_if": lambda c: c.upsert(
        NAME,
        [m.PointStruct(id=i, vector={"dense": _vector(i)}, payload={"new": i}) for i in range(COUNT) if i % 3],
        update_filter=MOVIES,
    ),
    "delete_ids": lambda c: c.delete(NAME, [1, 2, 4, 99999]),
    "delete_filter": lambda c: c.delete(NAME, m.FilterSelector(filter=MOVIES)),
    "set_payload": lambda c: c.set_payload(NAME, {"kind": "changed", "deep": {"a": [1, {"b": 2}]}}, [1, 2]),
    "set_payload_filter": lambda c: c.set_payload(NAME, {"seen": True}, MOVIES),
    "set_payload_key": lambda c: c.set_payload(NAME, {"name": "Dee"}, [1, 2], key="credits.director"),
    "overwrite_payload": lambda c: c.overwrite_payload(NAME, {"only": 1}, [1, 2]),
    "overwrite_payload_filter": lambda c: c.overwrite_payload(NAME, {"only": 2}, MOVIES),
    "delete_payload": lambda c: c.delete_payload(NAME, ["kind", "credits.director.age"], [1, 2]),
    "delete_payload_filter": lambda c: c.delete_payload(NAME, ["kind"], MOVIES),
    "clear_payload": lambda c: c.clear_payload(NAME, [1, 2]),
    "update_vectors": lambda c: c.update_vectors(
        NAME,
        [
            m.PointVectors(id=1, vector={"dense": _vector(5)}),
            m.PointVectors(id=2, vector={"words": m.SparseVector(indices=[3, 1], values=[1.5, 2])}),
        ],
    ),
    "delete_vectors": lambda c: c.delete_vectors(NAME, ["words"], [1, 2, 4, 5]),
    "delete_vectors_filter": lambda c: c.delete_vectors(NAME, ["dense"], m.FilterSelector(filter=MOVIES)),
    "batch": lambda c: c.batch_update_points(
        NAME,
        [
            m.UpsertOperation(upsert=m.PointsList(points=cases.points(33, 5))),
            m.SetPayloadOperation(set_payload=m.SetPayload(payload={"p": 1}, points=[1, 2])),
            m.OverwritePayloadOperation(overwrite_payload=m.SetPayload(payload={"q": 1}, points=[4])),
            m.DeletePayloadOperation(delete_payload=m.DeletePayload(keys=["p"], points=[1])),
            m.ClearPayloadOperation(clear_payload=m.PointIdsList(points=[5])),
            m.UpdateVectorsOperation(
                update_vectors=m.UpdateVectors(points=[m.PointVectors(id=7, vector={"dense": _vector(7)})])
            ),
            m.DeleteVectorsOperation(delete_vectors=m.DeleteVectors(points=[8], vector=["dense"])),
            m.DeleteOperation(delete=m.PointIdsList(points=[10, 11])),
        ],
    ),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_a_write_leaves_the_same_points(
    both: tuple[QdrantClient, QdrantClient], write: Callable[[QdrantClient], object]
) -> None:
    ours, theirs = both
    before = _contents(ours)
    mine, other = write(ours), write(theirs)
    assert_same_contents(ours, theirs)
    assert _contents(ours) != before
    if isinstance(mine, m.UpdateResult):
        assert isinstance(other, m.UpdateResult)
        assert mine.status == other.status == m.UpdateStatus.COMPLETED


def test_operation_ids_grow(both: tuple[QdrantClient, QdrantClient]) -> None:
    ours, _ = both
    numbers = [ours.set_payload(NAME, {"n": i}, [1]).operation_id or 0 for i in range(3)]
    assert numbers == sorted(set(numbers))
    assert ours.set_payload(NAME, {"n": 9}, [1], wait=False).status == m.UpdateStatus.ACKNOWLEDGED


def test_unnamed_and_multi_vectors(client: QdrantClient) -> None:
    theirs = QdrantClient(":memory:")
    multi = m.MultiVectorConfig(comparator=m.MultiVectorComparator.MAX_SIM)
    for connection in (client, theirs):
        connection.create_collection("plain", vectors_config=m.VectorParams(size=3, distance=m.Distance.EUCLID))
        connection.upsert("plain", [m.PointStruct(id=i, vector=[float(i), 1.0, 2.0]) for i in range(5)])
        connection.create_collection(
            "many", vectors_config={"t": m.VectorParams(size=2, distance=m.Distance.DOT, multivector_config=multi)}
        )
        rows = [[[float(i), 1.0], [2.0, float(-i)]] for i in range(5)]
        connection.upsert("many", [m.PointStruct(id=i, vector={"t": row}) for i, row in enumerate(rows)])
    mine, other = (c.query_points("plain", [2.2, 1, 2], with_vectors=True).points for c in (client, theirs))
    cases.assert_same_ranking(mine, other)
    assert {p.id: p.vector for p in mine} == {p.id: p.vector for p in other}
    mine, other = (c.query_points("many", [[1.0, 0.5], [0.0, 1.0]], using="t").points for c in (client, theirs))
    cases.assert_same_ranking(mine, other)
    for name in ("plain", "many"):
        assert client.delete_collection(name)
