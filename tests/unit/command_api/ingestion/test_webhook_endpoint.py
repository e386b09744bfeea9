"""POST /v1/webhooks/{provider} over HTTP, with nothing real behind it."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from schemas import codec
from schemas.types.catalog import ProviderItemReceived
from tests.support.webhooks import NOW, OTHER_SECRET, SECRET, Edge, headers, item, upserts

URL = "/v1/webhooks/wikidata"
Client = httpx.AsyncClient


@pytest.fixture
def edge() -> Edge:
    return Edge()


@pytest.fixture
async def client(edge: Edge, tmp_path: Path) -> AsyncIterator[Client]:
    async with edge.client(tmp_path) as found:
        yield found


def problem(response: Any, status: int, slug: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    assert found["type"] == f"/problems/{slug}"
    assert found["status"] == status
    assert SECRET not in response.text
    return found


async def test_a_delivery_is_accepted_when_the_log_has_it(edge: Edge, client: Client) -> None:
    body = upserts(item("Q1"), item("Q2"), item("Q3"))
    response = await client.post(URL, content=body, headers=headers(body))
    assert response.status_code == 202
    answer = response.json()
    assert (answer["deliveryId"], answer["provider"], answer["count"]) == ("msg_1", "wikidata", 3)
    assert response.headers["MG-Position"] == ", ".join(answer["positions"])
    assert all(position.startswith("catalog-deliveries:") for position in answer["positions"])
    assert response.headers["RateLimit-Policy"] == '"deliveries";q=400;w=2'
    assert response.headers["RateLimit"].startswith('"deliveries";r=')
    events = [codec.decode(message.value or b"") for message in edge.log.messages]
    assert [event.native_id for event in events if isinstance(event, ProviderItemReceived)] == ["Q1", "Q2", "Q3"]
    assert {message.topic for message in edge.log.messages} == {"test-catalog-deliveries"}


async def test_the_trace_goes_on_in_the_events(edge: Edge, client: Client) -> None:
    body = upserts(item())
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    response = await client.post(URL, content=body, headers=headers(body, traceparent=parent))
    assert response.headers["traceparent"].startswith("00-0af7651916cd43dd8448eb211c80319c-")
    ((name, value),) = edge.log.messages[0].headers
    assert (name, value[:36]) == ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-")


async def test_the_same_delivery_gets_the_same_answer_and_is_in_the_log_once(edge: Edge, client: Client) -> None:
    body = upserts(item())
    first = await client.post(URL, content=body, headers=headers(body))
    later = headers(body, at=NOW + timedelta(seconds=60))
    second = await client.post(URL, content=body, headers=later)
    assert (second.status_code, second.json()) == (202, first.json())
    assert second.headers["MG-Position"] == first.headers["MG-Position"]
    assert len(edge.log.messages) == 1


async def test_the_same_id_with_another_body_is_a_conflict(edge: Edge, client: Client) -> None:
    body, other = upserts(item("Q1")), upserts(item("Q2"))
    await client.post(URL, content=body, headers=headers(body))
    problem(await client.post(URL, content=other, headers=headers(other)), 409, "delivery-conflict")
    assert len(edge.log.messages) == 1


async def test_two_at_once_are_one(edge: Edge, client: Client) -> None:
    edge.log.gate = asyncio.Event()
    body = upserts(item())
    first = asyncio.create_task(client.post(URL, content=body, headers=headers(body)))
    await asyncio.sleep(0.05)
    second = await client.post(URL, content=body, headers=headers(body))
    problem(second, 425, "delivery-in-progress")
    assert second.headers["retry-after"] == "1"
    edge.log.gate.set()
    assert (await first).status_code == 202
    third = await client.post(URL, content=body, headers=headers(body))
    assert (third.status_code, len(edge.log.messages)) == (202, 1)


async def test_without_kafka_nothing_is_accepted_and_a_retry_works(edge: Edge, client: Client) -> None:
    body = upserts(item("Q1"), item("Q2"))
    edge.log.fail = 1  # one of two made it into the log
    response = await client.post(URL, content=body, headers=headers(body))
    problem(response, 503, "unavailable")
    assert response.headers["retry-after"] == "2"
    edge.log.fail = None
    assert (await client.post(URL, content=body, headers=headers(body))).status_code == 202
    ids = [codec.decode(message.value or b"").event_id for message in edge.log.messages]
    assert len(ids) == 3
    assert ids[0] == ids[1]


async def test_after_a_failure_the_id_still_belongs_to_its_body(edge: Edge, client: Client) -> None:
    body, other = upserts(item("Q1")), upserts(item("Q2"))
    edge.log.fail = 0
    await client.post(URL, content=body, headers=headers(body))
    edge.log.fail = None
    problem(await client.post(URL, content=other, headers=headers(other)), 409, "delivery-conflict")


async def test_without_redis_nothing_is_accepted(edge: Edge, client: Client) -> None:
    edge.deliveries.away = True
    body = upserts(item())
    response = await client.post(URL, content=body, headers=headers(body))
    problem(response, 503, "unavailable")
    assert "retry-after" in response.headers
    assert not edge.log.messages


async def test_over_the_rate_limit(tmp_path: Path) -> None:
    edge = Edge(left=1)
    async with edge.client(tmp_path) as client:
        for number, status in enumerate((202, 429)):
            body = upserts(item())
            response = await client.post(URL, content=body, headers=headers(body, f"msg_{number}"))
            assert response.status_code == status
    problem(response, 429, "rate-limited")
    assert response.headers["retry-after"] == "2"
    assert response.headers["RateLimit"] == '"deliveries";r=0;t=2'


async def test_a_stranger_does_not_use_up_the_allowance(edge: Edge, client: Client) -> None:
    before = edge.limiter.left
    body = upserts(item())
    problem(await client.post(URL, content=body, headers=headers(body, secret=OTHER_SECRET)), 401, "invalid-signature")
    assert edge.limiter.left == before


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
async def test_missing_headers(edge: Edge, client: Client, missing: str) -> None:
    body = upserts(item())
    given = headers(body)
    del given[missing]
    assert missing in problem(await client.post(URL, content=body, headers=given), 401, "invalid-signature")["detail"]


async def test_an_expired_delivery_is_refused(edge: Edge, client: Client) -> None:
    body = upserts(item())
    given = headers(body)
    edge.clock.advance(301)
    problem(await client.post(URL, content=body, headers=given), 401, "invalid-signature")


async def test_a_clock_that_runs_backwards_changes_nothing(edge: Edge, client: Client) -> None:
    body = upserts(item())
    assert (await client.post(URL, content=body, headers=headers(body))).status_code == 202
    edge.clock.set(NOW - timedelta(seconds=200))
    assert (await client.post(URL, content=body, headers=headers(body))).status_code == 202
    assert len(edge.log.messages) == 1


async def test_unknown_provider(client: Client) -> None:
    body = upserts(item())
    problem(await client.post("/v1/webhooks/nobody", content=body, headers=headers(body)), 404, "not-found")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip"])
async def test_compressed_bodies_are_refused_unread(client: Client, encoding: str) -> None:
    bomb = gzip.compress(b"0" * 10_000_000)
    given = headers(b"", content_encoding=encoding)
    response = await client.post(URL, content=bomb, headers=given)
    problem(response, 415, "unsupported-media-type")
    assert response.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "", "application/json; charset=utf-16"])
async def test_other_media_types(client: Client, media_type: str) -> None:
    body = upserts(item())
    given = headers(body) | {"content-type": media_type}
    problem(await client.post(URL, content=body, headers=given), 415, "unsupported-media-type")


@pytest.mark.parametrize("announced", [True, False])
async def test_six_megabytes_are_too_much(client: Client, announced: bool) -> None:
    body = b"x" * 6_000_000

    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 65536):
            yield body[at : at + 65536]

    response = await client.post(URL, content=body if announced else chunks(), headers=headers(body))
    problem(response, 413, "too-large")


async def test_bad_items_are_pointed_at(edge: Edge, client: Client) -> None:
    body = upserts(item("Q1"), item("Q1"), {"id": 5, "item": {}})
    found = problem(await client.post(URL, content=body, headers=headers(body)), 422, "invalid-delivery")
    assert [error["pointer"] for error in found["errors"]] == ["#/data/items/1/id", "#/data/items/2/id"]
    assert not edge.log.messages


async def test_a_refused_delivery_does_not_hold_its_id(edge: Edge, client: Client) -> None:
    bad, good = upserts({"id": 5}), upserts(item())
    assert (await client.post(URL, content=bad, headers=headers(bad))).status_code == 422
    assert (await client.post(URL, content=good, headers=headers(good))).status_code == 202


async def test_a_broken_body_is_a_400(client: Client) -> None:
    body = b'{"type":'
    problem(await client.post(URL, content=body, headers=headers(body)), 400, "invalid-request")


async def test_query_parameters_are_not_expected(client: Client) -> None:
    body = upserts(item())
    problem(await client.post(f"{URL}?force=1", content=body, headers=headers(body)), 400, "unknown-parameter")


async def test_secrets_and_bodies_stay_out_of_logs(
    edge: Edge, client: Client, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    body = upserts({"id": "Q1", "item": {"Title": "a private title"}})
    given = headers(body)
    await client.post(URL, content=body, headers=given)
    edge.log.fail = 0
    await client.post(URL, content=body, headers=headers(body, "msg_2"))
    metrics = (await client.get("/metrics")).text
    captured = capsys.readouterr()
    everything = captured.out + captured.err + caplog.text + metrics
    assert "http_request" in everything
    for secret in (SECRET, SECRET.removeprefix("whsec_"), given["webhook-signature"], "a private title"):
        assert secret not in everything
