"""What was answered is there after SIGTERM and SIGKILL, also in the middle of writing."""

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m
from qdrant_client.http.exceptions import ResponseHandlingException

from tests.integration.qdrant_front import front_cases as cases
from tests.integration.qdrant_front.front_server import FrontServer

NAME = "kept"


def _everything(client: QdrantClient) -> dict[str, Any]:
    points, _ = client.scroll(NAME, limit=100_000, with_payload=True, with_vectors=True)
    shown = client.get_collection(NAME)
    return {
        "points": {point.id: (point.payload, point.vector) for point in points},
        "indexes": shown.payload_schema,
        "config": shown.config,
        "aliases": client.get_aliases(),
    }


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["term", "kill"])
def test_everything_answered_is_there_after_a_restart(own_front: FrontServer, how: signal.Signals) -> None:
    client = own_front.client()
    cases.create(client, NAME)
    client.upsert(NAME, cases.points(51, 200))
    client.set_payload(NAME, {"later": True}, [1, 2])
    client.delete(NAME, [4, 5])
    client.delete_payload_index(NAME, "adult")
    client.update_collection(NAME, metadata={"a": 1})
    client.update_collection_aliases(
        [m.CreateAliasOperation(create_alias=m.CreateAlias(collection_name=NAME, alias_name="live"))]
    )
    cases.create(client, "gone")
    client.delete_collection("gone")
    before = _everything(client)
    own_front.restart(how)
    assert _everything(client) == before
    assert client.count("live").count == len(before["points"])
    assert [item.name for item in client.get_collections().collections] == [NAME]
    assert len(list((own_front.folder / "collections").iterdir())) == 1
    client.close()


def _write_until_it_fails(front: FrontServer, acknowledged: list[int], width: int) -> None:
    client = front.client()
    number = 0
    try:
        while True:
            rows = range(number, number + width)
            points = [m.PointStruct(id=row, vector={"dense": [1.0 + row] * 16}, payload={"n": row}) for row in rows]
            client.upsert(NAME, points, wait=True)
            acknowledged.append(number + width)
            number += width
    except (ResponseHandlingException, httpx.HTTPError):
        client.close()


@pytest.mark.parametrize("pause", [0.5, 5.6])  # the last one falls into or after a periodic flush
def test_a_kill_in_the_middle_of_writing_loses_nothing_answered(own_front: FrontServer, pause: float) -> None:
    client = own_front.client()
    cases.create(client, NAME)
    acknowledged: list[int] = [0]
    writer = threading.Thread(target=_write_until_it_fails, args=(own_front, acknowledged, 20))
    writer.start()
    time.sleep(pause)
    own_front.end(signal.SIGKILL)
    writer.join(10)
    assert not writer.is_alive()
    own_front.start()
    count = client.count(NAME).count
    assert acknowledged[-1] > 0
    assert count in {acknowledged[-1], acknowledged[-1] + 20}  # the unanswered batch is there whole or not at all
    points, _ = client.scroll(NAME, limit=100_000)
    assert {point.id: point.payload for point in points} == {row: {"n": row} for row in range(count)}
    client.close()


def test_a_kill_while_aliases_change_leaves_one_of_the_two(own_front: FrontServer) -> None:
    client = own_front.client()
    for name in ("a", "b"):
        cases.create(client, name, indexed=False)

    def switch(target: str) -> None:
        client.update_collection_aliases(
            [
                m.DeleteAliasOperation(delete_alias=m.DeleteAlias(alias_name="live")),
                m.CreateAliasOperation(create_alias=m.CreateAlias(collection_name=target, alias_name="live")),
            ]
        )

    switch("a")
    thread = threading.Thread(target=_until_gone, args=(switch,))
    thread.start()
    time.sleep(0.7)
    own_front.end(signal.SIGKILL)
    thread.join(10)
    own_front.start()
    assert [(item.alias_name, item.collection_name in {"a", "b"}) for item in client.get_aliases().aliases] == [
        ("live", True)
    ]
    client.close()


def _until_gone(switch: Callable[[str], None]) -> None:
    try:
        while True:
            for target in ("b", "a"):
                switch(target)
    except (ResponseHandlingException, httpx.HTTPError):
        return


def test_damaged_data_is_named_at_the_start(own_front: FrontServer) -> None:
    client = own_front.client()
    cases.create(client, NAME)
    client.upsert(NAME, cases.points(52, 5))
    client.close()
    own_front.end(signal.SIGTERM)
    for file in own_front.folder.glob("collections/*/segments/*/segment.json"):
        file.write_text("{")
    with pytest.raises(AssertionError, match=f"collection {NAME} in .*collections"):
        own_front.start()


def test_a_second_server_is_turned_away(own_front: FrontServer) -> None:
    second = FrontServer(own_front.folder)
    with pytest.raises(AssertionError, match="is in use by another server"):
        second.start()
