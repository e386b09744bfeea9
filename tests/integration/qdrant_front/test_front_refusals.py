"""Bad input: an error in Qdrant's form with the code Qdrant gives, never a 500, and nothing is written."""

import signal
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.qdrant_front.front_server import FrontServer

POINTS = "/collections/bad/points"


@pytest.fixture(scope="module")
def http(front: FrontServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=front.url, timeout=30) as connection:
        settings: dict[str, Any] = {
            "vectors": {
                "d": {"size": 3, "distance": "Cosine"},
                "many": {"size": 2, "distance": "Dot", "multivector_config": {"comparator": "max_sim"}},
            },
            "sparse_vectors": {"s": {"modifier": "idf"}},
        }
        assert connection.put("/collections/bad", json=settings).json()["result"] is True
        first = {"points": [{"id": 1, "vector": {"d": [1, 2, 3]}, "payload": {"a": 1}}]}
        assert connection.put(f"{POINTS}?wait=true", json=first).status_code == 200
        yield connection
        connection.delete("/collections/bad")


def _point(vector: object, identity: object = 2, payload: object = None) -> dict[str, Any]:
    good = {"id": 9, "vector": {"d": [1, 1, 1]}, "payload": {}}
    return {"points": [good, {"id": identity, "vector": vector, "payload": payload}]}


def _sparse(indices: list[Any], values: list[Any]) -> dict[str, Any]:
    return _point({"s": {"indices": indices, "values": values}})


def _nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def _deep_filter(depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {"must": [{"has_id": [1]}]}
    for _ in range(depth):
        found = {"must": [found]}
    return found


UPSERTS: dict[str, tuple[Any, int, str]] = {
    "dimension": (_point({"d": [1, 2]}), 400, "Vector dimension error: expected dim: 3, got 2"),
    "no_dimension": (_point({"d": []}), 400, "Vector dimension error: expected dim: 3, got 0"),
    "vector_name": (_point({"x": [1, 2, 3]}), 400, "Not existing vector name error: x"),
    "unnamed_vector": (_point([1, 2, 3]), 400, "Not existing vector name error: "),
    "dense_for_sparse": (_point({"s": [1, 2]}), 400, "Wrong usage of sparse vectors"),
    "sparse_for_dense": (_point({"d": {"indices": [1], "values": [1]}}), 400, "Wrong usage of sparse vectors"),
    "multi_for_dense": (_point({"d": [[1, 2, 3]]}), 400, "Wrong usage of multi vectors"),
    "ragged_multi": (_point({"many": [[1, 2], [3]]}), 400, "expected dim: 2, got 1"),
    "ragged_sparse": (_sparse([1, 2], [1.0]), 422, "must be the same length as indices"),
    "twice_an_index": (_sparse([1, 1], [1.0, 2.0]), 422, "indices: must be unique"),
    "negative_index": (_sparse([-1], [1.0]), 422, "32-bit unsigned"),
    "large_index": (_sparse([2**32], [1.0]), 422, "32-bit unsigned"),
    "too_large_for_float32": (_point({"d": [1e300, 0, 0]}), 422, "32-bit floats"),
    "text_in_vector": (_point({"d": ["1", 2, 3]}), 400, "Format error in JSON body"),
    "text_id": (_point({}, "abc"), 400, "UUID"),
    "negative_id": (_point({}, -1), 400, "Wrong input"),
    "large_id": (_point({}, 2**64), 400, "Wrong input"),
    "bool_id": (_point({}, True), 400, "Format error in JSON body"),
    "no_id": ({"points": [{"vector": {}}]}, 400, "Format error in JSON body"),
    "payload_not_an_object": (_point({}, 2, [1]), 400, "Format error in JSON body"),
    "deep_payload": (_point({}, 2, _nested(200)), 400, "recursion limit exceeded"),
    "no_points": ({"points": []}, 400, "Empty update request"),
    "uneven_batch": ({"batch": {"ids": [1, 2], "vectors": {"d": [[1, 2, 3]]}}}, 422, "must be equal"),
    "inference": (_point({"d": {"text": "hello", "model": "some"}}), 501, "inference"),
    "shard_key": (_point({}) | {"shard_key": "a"}, 400, "Shard key"),
    "unknown_field": (_point({}) | {"nonsense": 1}, 400, "Format error in JSON body"),
    "not_an_object": ([1], 400, "Format error in JSON body"),
}


def _assert_refused(answer: httpx.Response, code: int, words: str) -> None:
    assert answer.status_code == code, answer.text
    body = answer.json()
    assert body.keys() == {"status", "time"}
    assert words in body["status"]["error"]


@pytest.mark.parametrize(("body", "code", "words"), UPSERTS.values(), ids=UPSERTS.keys())
def test_a_bad_upsert_writes_nothing(http: httpx.Client, body: object, code: int, words: str) -> None:
    _assert_refused(http.put(POINTS, params={"wait": "true"}, json=body), code, words)
    assert http.post(f"{POINTS}/count", json={}).json()["result"] == {"count": 1}


READS: dict[str, tuple[str, Any, int, str]] = {
    "dimension": ("query", {"query": [1, 2], "using": "d"}, 400, "expected dim: 3, got 2"),
    "vector_name": ("query", {"query": [1, 2, 3], "using": "x"}, 400, "Not existing vector name error: x"),
    "no_vector_name": ("query", {"query": [1, 2, 3]}, 400, "Not existing vector name error: "),
    "missing_example": ("query", {"query": 555, "using": "d"}, 404, "No point with id 555 found"),
    "bad_example": ("query", {"query": "abc", "using": "d"}, 400, "UUID"),
    "example_without_vector": ("query", {"query": 1, "using": "s"}, 404, "has no vector"),
    "sparse_twice": ("query", {"query": {"indices": [1, 1], "values": [1, 1]}, "using": "s"}, 422, "unique"),
    "limit_zero": ("query", {"query": [1, 2, 3], "using": "d", "limit": 0}, 422, "limit: value 0 invalid"),
    "limit_beyond": ("query", {"query": [1, 2, 3], "using": "d", "limit": 2**70}, 422, "limit: value"),
    "offset_negative": ("query", {"query": [1, 2, 3], "using": "d", "offset": -1}, 422, "offset"),
    "fusion_alone": ("query", {"query": {"fusion": "rrf"}}, 400, "cannot apply Fusion without prefetches"),
    "prefetch_alone": ("query", {"prefetch": {"query": [1, 2, 3], "using": "d"}}, 400, "without a query"),
    "rrf_zero": ("query", {"query": {"rrf": {"k": 0}}}, 422, "rrf.k"),
    "formula": ("query", {"query": {"formula": "$score"}, "prefetch": {"query": 1, "using": "d"}}, 501, "FormulaQuery"),
    "vectors_by_wrong_name": ("scroll", {"with_vector": ["x"]}, 400, "Not existing vector name error: x"),
    "bad_path": ("count", {"filter": {"must": [{"key": "a[[", "match": {"value": 1}}]}}, 400, "invalid JSON path"),
    "empty_condition": ("count", {"filter": {"must": [{"key": "a"}]}}, 422, "at least one field condition"),
    "mixed_any": ("count", {"filter": {"must": [{"key": "a", "match": {"any": [1, "a"]}}]}}, 400, "Format error"),
    "bad_date": ("count", {"filter": {"must": [{"key": "a", "range": {"gte": "soon"}}]}}, 400, "Format error"),
    "negative_min": ("count", {"filter": {"min_should": {"conditions": [], "min_count": -1}}}, 400, "Wrong input"),
    "deep_filter": ("count", {"filter": _deep_filter(400)}, 400, "recursion limit exceeded"),
    "scroll_limit": ("scroll", {"limit": 0}, 422, "limit: value 0 invalid"),
    "scroll_offset": ("scroll", {"offset": "abc"}, 400, "UUID"),
    "group_by_nothing": ("query/groups", {"query": 1, "using": "d", "group_by": ""}, 422, "group_by"),
}


@pytest.mark.parametrize(("path", "body", "code", "words"), READS.values(), ids=READS.keys())
def test_a_bad_read_is_refused(http: httpx.Client, path: str, body: object, code: int, words: str) -> None:
    _assert_refused(http.post(f"{POINTS}/{path}", json=body), code, words)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "truncated"),
        (b"{", "truncated"),
        (b'{"points": [{"id": 3, "vector": {"d": [NaN, 1, 2]}}]}', "malformed"),
        (b'{"points": [{"id": 3, "vector": {"d": [1e999, 1, 2]}}]}', "out of range"),
        (b'{"points": [{"id": 3, "vector": {}, "payload": {"\xff": 1}}]}', ""),
        (b"[" * 100_000, "recursion"),
    ],
)
def test_what_is_not_json(http: httpx.Client, content: bytes, words: str) -> None:
    answer = http.put(POINTS, content=content, headers={"content-type": "application/json"})
    _assert_refused(answer, 400, words)


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "words"),
    [
        ("GET", "/collections/none", None, 404, "Collection `none` doesn't exist!"),
        ("PUT", "/collections/none/points", {"points": []}, 404, "Collection `none` doesn't exist!"),
        ("POST", "/collections/none/points/query/batch", {"searches": []}, 404, "Collection `none` doesn't exist!"),
        ("GET", f"{POINTS}/2", None, 404, "Point with id 2 does not exists!"),
        ("GET", f"{POINTS}/abc", None, 400, "UUID"),
        ("POST", f"{POINTS}/payload", {"payload": {}, "points": [5]}, 404, "No point with id 5 found"),
        ("POST", f"{POINTS}/payload", {"payload": {}}, 400, "either a list of point ids or a filter"),
        ("POST", f"{POINTS}/payload/delete", {"keys": ["a[["], "points": [1]}, 400, "invalid JSON path"),
        ("POST", f"{POINTS}/payload", {"payload": {}, "points": [1], "key": "a." * 40 + "b"}, 422, "steps"),
        ("POST", f"{POINTS}/vectors/delete", {"points": [1], "vector": ["x"]}, 400, "Not existing vector name"),
        ("PUT", "/collections/bad/index", {"field_name": "x"}, 400, "field_schema is required"),
        ("PUT", "/collections/bad/index", {"field_name": "", "field_schema": "keyword"}, 400, "invalid JSON path"),
        ("PUT", "/collections/bad/index", {"field_name": "x", "field_schema": "words"}, 400, "Format error"),
        ("PUT", "/collections/a*b", {}, 422, "collection_name"),
        ("PUT", "/collections/zero", {"vectors": {"size": 0, "distance": "Dot"}}, 400, "vector size 0"),
        ("PUT", "/collections/far", {"vectors": {"size": 3, "distance": "Long"}}, 400, "Format error"),
        ("GET", "/nowhere", None, 404, ""),
        ("DELETE", "/", None, 405, ""),
        ("PUT", f"{POINTS}?wait=perhaps", {"points": []}, 400, ""),
    ],
)
def test_other_refusals(http: httpx.Client, method: str, path: str, body: object, code: int, words: str) -> None:
    _assert_refused(http.request(method, path, json=body), code, words)
    assert [item["name"] for item in http.get("/collections").json()["result"]["collections"]] == ["bad"]


def test_a_body_over_the_limit(http: httpx.Client) -> None:
    answer = http.put(POINTS, content=b" " * (33 * 1024 * 1024))
    _assert_refused(answer, 413, "")


def test_huge_limits_are_only_large_numbers(http: httpx.Client) -> None:
    body = {"query": [1, 2, 3], "using": "d", "limit": 2**62, "with_payload": True}
    assert len(http.post(f"{POINTS}/query", json=body).json()["result"]["points"]) == 1
    assert len(http.post(f"{POINTS}/scroll", json={"limit": 2**62}).json()["result"]["points"]) == 1


def test_the_deepest_accepted_writes_survive_a_restart(front: FrontServer, http: httpx.Client) -> None:
    """The engine logs first: what it could not read back would make the collection unreadable at the next start."""
    payload = _nested(55)
    depth = 28
    answers = [
        http.put(f"{POINTS}?wait=true", json=_point({}, 2, payload)),
        http.post(
            f"{POINTS}/payload?wait=true", json={"payload": _nested(60), "points": [1], "key": ".".join("k" * 16)}
        ),
        http.post(f"{POINTS}/payload?wait=true", json={"payload": {"z": 1}, "filter": _deep_filter(depth)}),
        http.post(f"{POINTS}/delete?wait=true", json={"filter": _deep_filter(depth) | {"must_not": [{"has_id": [2]}]}}),
    ]
    assert [answer.status_code for answer in answers] == [200] * 4, [answer.text for answer in answers]
    front.restart(signal.SIGKILL)
    assert http.get(f"{POINTS}/2").json()["result"]["payload"] == payload
