"""Signed deliveries, and in-memory stand-ins for what the ingestion service talks to."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
from litestar import Litestar
from standardwebhooks import Webhook

from command_api.services.ingestion.controller import WebhookController
from command_api.services.ingestion.deduplication import Claim, Done, InProgress, OtherBody, Started
from command_api.services.ingestion.intake import Intake
from runtime.clock import FrozenClock
from runtime.connections import redis
from runtime.connections.kafka import Acknowledged, Message, ProduceError
from runtime.http.rate_limit import Decision, Quota
from runtime.http.service import Resources, ServiceSpec
from runtime.settings import EmbeddingSettings, Ports, ProviderSettings, Secret, Settings
from tests.support.apps import app_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes, no").decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"the secret before that, 32 bytes").decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"somebody else's secret, 32 bytes").decode()


def provider(**changes: Any) -> ProviderSettings:
    return msgspec.structs.replace(ProviderSettings("wikidata", (Secret(SECRET), Secret(OLD_SECRET))), **changes)


def settings(tmp: Any, **changes: Any) -> Settings:
    """Settings that lead nowhere."""
    found = Settings(
        home=tmp,
        kafka="127.0.0.1:1",
        postgres_dsn="postgresql://127.0.0.1:1/none",
        postgres_reader_dsn="postgresql://127.0.0.1:1/none",
        redis_url="redis://127.0.0.1:1",
        qdrant_url="http://127.0.0.1:1",
        registry_url="",
        providers=(provider(),),
        ports=Ports(),
        embedding=EmbeddingSettings(),
    )
    return msgspec.structs.replace(found, **changes)


def headers(
    body: bytes, webhook_id: str = "msg_1", *, secret: str = SECRET, at: datetime | None = None, **more: str
) -> dict[str, str]:
    """Signed by the reference implementation where the body is text, by its HMAC otherwise."""
    at = at or NOW
    signature = Webhook(secret).sign(webhook_id, at, body.decode("utf-8"))
    return {
        "content-type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
        **{name.replace("_", "-"): value for name, value in more.items()},
    }


def upserts(*items: dict[str, Any], **more: Any) -> bytes:
    return msgspec.json.encode({"type": "catalog.items.upserted", "data": {"items": list(items)}, **more})


def item(native_id: str = "Q1", **more: Any) -> dict[str, Any]:
    return {"id": native_id, "item": {"Title": "Metropolis", "Year": 1927}, **more}


class MemoryLog:
    """A topic of four partitions. `fail` makes the next sends fail after so many messages were kept."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.fail: int | None = None
        self.gate: Any = None

    async def send(self, messages: Sequence[Message]) -> list[Acknowledged]:
        if self.gate is not None:
            await self.gate.wait()
        if self.fail is not None:
            self.messages += messages[: self.fail]
            raise ProduceError("mg-ingestion: Local: Message timed out")
        positions = []
        for message in messages:
            self.messages.append(message)
            positions.append(Acknowledged(message.topic, hash(message.key) % 4, len(self.messages)))
        return positions


class MemoryDeliveries:
    """As RedisDeliveries, in a dictionary; passes the same suite."""

    def __init__(
        self,
        keep_seconds: float = 3600,
        lease_seconds: float = 30,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._found: dict[tuple[str, str], dict[str, Any]] = {}
        self._keep = keep_seconds
        self._lease = lease_seconds
        self.away = False

    async def begin(self, provider: str, delivery_id: str, body_hash: bytes) -> Claim:
        entry = self._entry(provider, delivery_id)
        if entry.get("body", body_hash) != body_hash:
            return OtherBody()
        if "answer" in entry:
            return Done(entry["answer"])
        if entry.get("lease", 0) > self._monotonic():
            return InProgress()
        now = self._monotonic()
        entry |= {"body": body_hash, "lease": now + self._lease, "until": now + self._keep}
        return Started()

    async def finish(self, provider: str, delivery_id: str, answer: bytes) -> None:
        entry = self._entry(provider, delivery_id)
        entry.setdefault("answer", answer)
        entry.pop("lease", None)
        entry["until"] = self._monotonic() + self._keep

    async def release(self, provider: str, delivery_id: str) -> None:
        self._entry(provider, delivery_id).pop("lease", None)

    def _entry(self, provider: str, delivery_id: str) -> dict[str, Any]:
        if self.away:
            raise redis.Error("Connection refused")
        key = (provider, delivery_id)
        if self._found.get(key, {}).get("until", float("inf")) < self._monotonic():
            del self._found[key]
        return self._found.setdefault(key, {})


class MemoryLimiter:
    """Allows `left` more requests."""

    def __init__(self, left: int = 1_000_000) -> None:
        self.left = left

    async def take(self, key: str, quota: Quota) -> Decision:
        self.left -= 1
        return Decision(self.left >= 0, max(self.left, 0), 0.0 if self.left >= 0 else 1.2, 2.0)


@asynccontextmanager
async def serving(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app in its lifespan; requests may overlap and stream, which the framework's own client cannot."""
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type] # the two packages type ASGI differently
    opened, leaving = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        # A task of its own: the framework's lifespan must be left by the task that entered it, and pytest's fixtures
        # are set up and torn down by different ones.
        async with app.lifespan():
            opened.set()
            await leaving.wait()

    lifespan = asyncio.create_task(live())
    await asyncio.wait({lifespan, asyncio.create_task(opened.wait())}, return_when=asyncio.FIRST_COMPLETED)
    if lifespan.done():
        await lifespan
    async with httpx.AsyncClient(transport=transport, base_url="http://edge") as client:
        yield client
    leaving.set()
    await lifespan


class Edge:
    """The ingestion service with nothing real behind it."""

    def __init__(self, *, clock: FrozenClock | None = None, left: int = 1_000_000) -> None:
        self.log = MemoryLog()
        self.deliveries = MemoryDeliveries()
        self.limiter = MemoryLimiter(left)
        self.clock = clock or FrozenClock(NOW)
        self.app: Litestar | None = None

    @asynccontextmanager
    async def client(self, tmp: Any) -> AsyncIterator[httpx.AsyncClient]:
        known = provider()

        @asynccontextmanager
        async def resources(_: Settings) -> AsyncIterator[Resources]:
            intake = Intake(
                providers={known.name: known},
                deliveries=self.deliveries,
                limiter=self.limiter,
                log=self.log,
                clock=self.clock,
                topic_prefix="test-",
            )
            yield Resources({"intake": intake})

        spec = ServiceSpec("ingestion", (WebhookController,), resources, ("intake",))
        self.app = app_of("ingestion", [spec], settings(tmp))
        async with serving(self.app) as client:
            yield client
