"""The ingestion service as it runs: real Kafka, real Redis, its own producer."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import httpx
import msgspec
import pytest
from confluent_kafka import Consumer, TopicPartition

from command_api.services import ingestion
from runtime.http.app import build_app
from runtime.settings import Settings
from schemas import codec
from schemas.types import AnyEvent
from schemas.types.catalog import ProviderItemReceived
from tests.support import pipeline
from tests.support.backends import Backends, PostgresDatabase
from tests.support.webhooks import headers, item, provider, serving, upserts

pytestmark = pytest.mark.backends


@pytest.fixture
def settings(backends: Backends, postgres_database: PostgresDatabase, topic_prefix: str) -> Settings:
    found = pipeline.settings_for(backends, postgres_database, topic_prefix)
    # A name of this test's own: ids and rate limits in Redis are by provider.
    name = f"p{topic_prefix.strip('-').removeprefix('test-')}"
    return msgspec.structs.replace(found, providers=(provider(name=name),))


@pytest.fixture
def url(settings: Settings) -> str:
    return f"/v1/webhooks/{settings.providers[0].name}"


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    pipeline.create_topics(settings, ["catalog-deliveries"], partitions=4)
    async with serving(build_app("ingestion", [ingestion.SPEC], settings)) as found:
        found.timeout = httpx.Timeout(30)
        yield found


@pytest.fixture
def consumer(settings: Settings) -> Iterator[Consumer]:
    found = Consumer({"bootstrap.servers": settings.kafka, "group.id": "unused", "auto.offset.reset": "earliest"})
    yield found
    found.close()


def log_of(consumer: Consumer, settings: Settings) -> dict[tuple[int, int], AnyEvent]:
    """Everything in catalog-deliveries by (partition, offset)."""
    topic = f"{settings.topic_prefix}catalog-deliveries"
    found: dict[tuple[int, int], AnyEvent] = {}
    for partition in range(4):
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        consumer.assign([TopicPartition(topic, partition, low)])
        while len([place for place in found if place[0] == partition]) < high - low:
            message = consumer.poll(10)
            assert message is not None
            found[partition, message.offset() or 0] = codec.decode(message.value() or b"")
    return found


def now() -> datetime:
    return datetime.now(UTC)


async def test_what_is_accepted_is_where_the_answer_says(
    client: httpx.AsyncClient, consumer: Consumer, settings: Settings, url: str
) -> None:
    body = upserts(*(item(f"Q{n}") for n in range(50)))
    response = await client.post(url, content=body, headers=headers(body, at=now()))
    assert response.status_code == 202, response.text
    log = await asyncio.to_thread(log_of, consumer, settings)
    assert len(log) == response.json()["count"] == 50
    newest = {partition: max(o for p, o in log if p == partition) for partition, _ in log}
    assert response.json()["positions"] == [f"catalog-deliveries:{p}:{o}" for p, o in sorted(newest.items())]
    assert sorted(e.ordinal for e in log.values() if isinstance(e, ProviderItemReceived)) == list(range(50))


async def test_fifty_attempts_at_once_leave_each_item_once(
    client: httpx.AsyncClient, consumer: Consumer, settings: Settings, url: str
) -> None:
    body = upserts(item("Q1"), item("Q2"))
    given = headers(body, at=now())
    answers = await asyncio.gather(*(client.post(url, content=body, headers=given) for _ in range(50)))
    # 503 is what a machine too busy to answer in time says; the same id may then be sent again, as here.
    assert {answer.status_code for answer in answers} <= {202, 425, 503}
    answers.append(await client.post(url, content=body, headers=given))
    assert answers[-1].status_code == 202
    assert len({answer.text for answer in answers if answer.status_code == 202}) == 1
    assert len(await asyncio.to_thread(log_of, consumer, settings)) == 2


async def test_concurrent_upserts_of_one_item_are_all_kept_in_one_partition(
    client: httpx.AsyncClient, consumer: Consumer, settings: Settings, url: str
) -> None:
    bodies = [upserts(item("Q1", n=n)) for n in range(20)]
    answers = await asyncio.gather(
        *(client.post(url, content=b, headers=headers(b, f"msg_{n}", at=now())) for n, b in enumerate(bodies))
    )
    assert [answer.status_code for answer in answers] == [202] * 20
    log = await asyncio.to_thread(log_of, consumer, settings)
    assert (len(log), len({partition for partition, _ in log})) == (20, 1)


async def test_readiness_asks_kafka_and_redis(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health/ready")).json() == {"status": "ready", "checks": ["kafka", "redis"]}


@pytest.mark.parametrize("away", ["kafka", "redis"])
async def test_a_backend_that_is_away_is_a_503_and_never_a_202(settings: Settings, url: str, away: str) -> None:
    changed = {"kafka": "127.0.0.1:1"} if away == "kafka" else {"redis_url": "redis://127.0.0.1:1"}
    body = upserts(item())
    async with serving(
        build_app("ingestion", [ingestion.SPEC], msgspec.structs.replace(settings, **changed))
    ) as client:
        client.timeout = httpx.Timeout(30)
        response = await client.post(url, content=body, headers=headers(body, at=now()))
        assert response.status_code == 503, response.text
        assert response.headers["retry-after"]
        ready = await client.get("/health/ready")
        assert [error["parameter"] for error in ready.json()["errors"]] == [away]


async def test_a_retry_after_an_outage_is_accepted(
    settings: Settings, url: str, consumer: Consumer, client: httpx.AsyncClient
) -> None:
    body = upserts(item())
    away = msgspec.structs.replace(settings, kafka="127.0.0.1:1")
    async with serving(build_app("ingestion", [ingestion.SPEC], away)) as blind:
        blind.timeout = httpx.Timeout(30)
        assert (await blind.post(url, content=body, headers=headers(body, at=now()))).status_code == 503
    assert (await client.post(url, content=body, headers=headers(body, at=now()))).status_code == 202
    assert len(await asyncio.to_thread(log_of, consumer, settings)) == 1
