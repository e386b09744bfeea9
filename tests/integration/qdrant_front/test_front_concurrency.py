"""Readers and writers at once."""

import asyncio
from collections import Counter
from typing import Any

from qdrant_client import AsyncQdrantClient
from qdrant_client import models as m

from tests.integration.qdrant_front import front_cases as cases
from tests.integration.qdrant_front.front_server import FrontServer


async def _create(client: AsyncQdrantClient, name: str) -> None:
    await client.create_collection(
        name,
        vectors_config={"dense": m.VectorParams(size=cases.DENSE_SIZE, distance=m.Distance.COSINE)},
        sparse_vectors_config={"words": m.SparseVectorParams(modifier=m.Modifier.IDF)},
    )


async def test_an_alias_switch_has_no_gap_for_readers(front: FrontServer) -> None:
    client = front.async_client()
    for name, count in (("before", 10), ("after", 20)):
        await _create(client, name)
        await client.upsert(name, cases.points(61, count))
    await _point_alias(client, "before")
    done = asyncio.Event()
    seen: Counter[int] = Counter()

    async def read() -> None:
        while not done.is_set():
            seen[(await client.count("current")).count] += 1

    readers = [asyncio.create_task(read()) for _ in range(4)]
    for turn in range(60):
        await _point_alias(client, "after" if turn % 2 == 0 else "before")
    done.set()
    await asyncio.gather(*readers)
    assert seen.keys() == {10, 20}
    for name in ("before", "after"):
        await client.delete_collection(name)
    await client.close()


async def _point_alias(client: AsyncQdrantClient, target: str) -> None:
    await client.update_collection_aliases(
        [
            m.DeleteAliasOperation(delete_alias=m.DeleteAlias(alias_name="current")),
            m.CreateAliasOperation(create_alias=m.CreateAlias(collection_name=target, alias_name="current")),
        ]
    )


async def test_searches_during_upserts_answer_and_nothing_is_lost(front: FrontServer) -> None:
    client = front.async_client()
    await _create(client, "busy")
    points = cases.points(62, 600)
    done = asyncio.Event()
    answered = 0

    async def write(part: int) -> None:
        for start in range(part * 200, part * 200 + 200, 20):
            await client.upsert("busy", points[start : start + 20], wait=True)

    async def read(seed: int) -> None:
        nonlocal answered
        legs = [
            m.QueryRequest(query=cases.vectors(points[seed])["dense"], using="dense", limit=20, with_payload=True),
            m.QueryRequest(query=m.SparseVector(indices=[seed], values=[1]), using="words", limit=20),
        ]
        while not done.is_set():
            answers = await client.query_batch_points("busy", legs)
            scores = [point.score for point in answers[0].points]
            assert scores == sorted(scores, reverse=True)
            assert len({point.id for point in answers[0].points}) == len(scores)
            answered += 1

    readers = [asyncio.create_task(read(seed)) for seed in range(3)]
    await asyncio.gather(*(write(part) for part in range(3)))
    done.set()
    await asyncio.gather(*readers)
    assert answered > 0
    stored, _ = await client.scroll("busy", limit=1000)
    assert {point.id: point.payload for point in stored} == {point.id: point.payload for point in points}
    await client.delete_collection("busy")
    await client.close()


async def test_writes_of_one_caller_are_applied_in_order(front: FrontServer) -> None:
    client = front.async_client()
    await _create(client, "ordered_writes")
    await client.upsert("ordered_writes", [m.PointStruct(id=1, vector={}, payload={})])

    async def bump(key: str) -> None:
        for number in range(50):
            await client.set_payload("ordered_writes", {key: number}, [1])

    await asyncio.gather(*(bump(key) for key in "abcd"))
    stored = await client.retrieve("ordered_writes", [1])
    assert stored[0].payload == dict.fromkeys("abcd", 49)
    await client.delete_collection("ordered_writes")
    await client.close()


async def test_a_collection_deleted_under_its_readers_is_not_found(front: FrontServer) -> None:
    client = front.async_client()
    await _create(client, "short")
    await client.upsert("short", cases.points(63, 100))
    failures: list[Any] = []

    async def read() -> None:
        while True:
            try:
                await client.count("short")
            except Exception as error:  # noqa: BLE001 - whichever class: the status decides
                failures.append(error)
                return

    readers = [asyncio.create_task(read()) for _ in range(6)]
    await asyncio.sleep(0.1)
    await client.delete_collection("short")
    await asyncio.gather(*readers)
    assert {error.status_code for error in failures} == {404}
    await client.close()
