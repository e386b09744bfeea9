"""Collections, aliases and indexes through the official sync and async clients."""

import warnings

import httpx
import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m
from qdrant_client.http.exceptions import UnexpectedResponse

from tests.integration.qdrant_front import front_cases as cases
from tests.integration.qdrant_front.front_server import FrontServer


def _alias(alias: str, collection: str) -> m.CreateAliasOperation:
    return m.CreateAliasOperation(create_alias=m.CreateAlias(collection_name=collection, alias_name=alias))


def _unalias(alias: str) -> m.DeleteAliasOperation:
    return m.DeleteAliasOperation(delete_alias=m.DeleteAlias(alias_name=alias))


def _rename(old: str, new: str) -> m.RenameAliasOperation:
    return m.RenameAliasOperation(rename_alias=m.RenameAlias(old_alias_name=old, new_alias_name=new))


def test_the_client_finds_nothing_to_warn_about(front: FrontServer) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client = QdrantClient(url=front.url)
    assert client.info().version.startswith("1.20")
    assert [httpx.get(f"{front.url}{path}").status_code for path in ("/", "/healthz", "/livez", "/readyz")] == [200] * 4


def test_life_of_a_collection(client: QdrantClient) -> None:
    assert not client.collection_exists("films")
    cases.create(client, "films")
    client.upsert("films", cases.points(41, 25))
    assert client.collection_exists("films")
    assert [item.name for item in client.get_collections().collections] == ["films"]
    info = client.get_collection("films")
    assert (info.status, info.points_count) == (m.CollectionStatus.GREEN, 25)
    assert info.config.params.vectors == {"dense": m.VectorParams(size=cases.DENSE_SIZE, distance=m.Distance.COSINE)}
    assert info.config.params.sparse_vectors == {"words": m.SparseVectorParams(modifier=m.Modifier.IDF)}
    assert {key: index.data_type for key, index in info.payload_schema.items()} == cases.INDEXES
    with pytest.raises(UnexpectedResponse, match="Collection `films` already exists!") as refused:
        cases.create(client, "films")
    assert refused.value.status_code == 409
    assert client.delete_collection("films")
    assert not client.delete_collection("films")
    with pytest.raises(UnexpectedResponse, match="Not found: Collection `films` doesn"):
        client.get_collection("films")


def test_settings_are_kept_and_changed(client: QdrantClient) -> None:
    client.create_collection(
        "set",
        vectors_config=m.VectorParams(size=4, distance=m.Distance.DOT),
        hnsw_config=m.HnswConfigDiff(m=8),
        metadata={"model": "a"},
    )
    assert client.update_collection(
        "set", optimizers_config=m.OptimizersConfigDiff(indexing_threshold=5), metadata={"rows": 3}
    )
    shown = client.get_collection("set").config
    assert (shown.hnsw_config.m, shown.hnsw_config.ef_construct) == (8, 100)
    assert shown.optimizer_config.indexing_threshold == 5
    assert shown.metadata == {"model": "a", "rows": 3}
    client.delete_collection("set")


def test_index_parameters_are_shown_and_indexes_go(client: QdrantClient) -> None:
    client.create_collection("idx", vectors_config=m.VectorParams(size=2, distance=m.Distance.DOT))
    params = m.IntegerIndexParams(type=m.IntegerIndexType.INTEGER, lookup=True, range=False)
    client.create_payload_index("idx", "a.b[].c", params)
    text = m.TextIndexParams(type=m.TextIndexType.TEXT, tokenizer=m.TokenizerType.PREFIX, min_token_len=2)
    client.create_payload_index("idx", "title", text)
    client.upsert(
        "idx", [m.PointStruct(id=1, vector=[1.0, 2.0], payload={"title": "Metropolis", "a": {"b": [{"c": 3}]}})]
    )
    schema = client.get_collection("idx").payload_schema
    assert (schema["a.b[].c"].params, schema["a.b[].c"].points) == (params, 1)
    assert schema["title"].params == text
    matched = m.Filter(must=[m.FieldCondition(key="title", match=m.MatchText(text="metro"))])
    assert client.count("idx", matched).count == 1
    client.delete_payload_index("idx", "a.b[].c")
    assert client.get_collection("idx").payload_schema.keys() == {"title"}
    client.delete_collection("idx")


def test_aliases(client: QdrantClient) -> None:
    for name, count in (("v1", 3), ("v2", 5)):
        cases.create(client, name, indexed=False)
        client.upsert(name, cases.points(42, count))
    assert client.update_collection_aliases([_alias("live", "v1")])
    assert (client.count("live").count, client.get_collection("live").points_count) == (3, 3)
    assert client.collection_exists("live")
    client.update_collection_aliases([_unalias("live"), _alias("live", "v2"), _alias("old", "v1")])
    assert client.count("live").count == 5
    client.update_collection_aliases([_rename("old", "older")])
    aliases = {item.alias_name: item.collection_name for item in client.get_aliases().aliases}
    assert aliases == {"live": "v2", "older": "v1"}
    assert [item.alias_name for item in client.get_collection_aliases("v1").aliases] == ["older"]
    client.upsert("live", [m.PointStruct(id=777, vector={}, payload={})])
    assert client.retrieve("v2", [777])
    client.delete_collection("v1")
    assert [item.alias_name for item in client.get_aliases().aliases] == ["live"]
    client.delete_collection("v2")


def test_a_bad_batch_of_aliases_changes_nothing(client: QdrantClient) -> None:
    cases.create(client, "one", indexed=False)
    client.update_collection_aliases([_alias("kept", "one")])
    for action, code in ((_alias("x", "missing"), 404), (_rename("nope", "y"), 404), (_alias("one", "one"), 409)):
        with pytest.raises(UnexpectedResponse) as refused:
            client.update_collection_aliases([_unalias("kept"), action])
        assert refused.value.status_code == code
        assert [item.alias_name for item in client.get_aliases().aliases] == ["kept"]
    with pytest.raises(UnexpectedResponse, match="Alias with the same name already exists"):
        cases.create(client, "kept", indexed=False)
    client.delete_collection("one")


async def test_the_async_client(front: FrontServer) -> None:
    client = front.async_client()
    await client.create_collection("async", vectors_config={"d": m.VectorParams(size=2, distance=m.Distance.DOT)})
    await client.upsert(
        "async", [m.PointStruct(id=i, vector={"d": [float(i), 1.0]}, payload={"i": i}) for i in range(9)]
    )
    answer = await client.query_points("async", [1.0, 0.0], using="d", limit=2, with_payload=True)
    assert [point.payload for point in answer.points] == [{"i": 8}, {"i": 7}]
    assert (await client.count("async")).count == 9
    assert await client.delete_collection("async")
    await client.close()


def test_metrics_count_points_and_responses(client: QdrantClient, front: FrontServer) -> None:
    cases.create(client, "counted", indexed=False)
    client.upsert("counted", cases.points(43, 4))
    text = httpx.get(f"{front.url}/metrics").text
    assert 'collection_points{id="counted"} 4' in text
    assert 'rest_responses_total{method="PUT",status="200"}' in text
    client.delete_collection("counted")
