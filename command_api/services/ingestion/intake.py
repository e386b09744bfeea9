"""What happens to a delivery, in this order:

1. who: the provider exists, the headers are whole and recent (nothing of the body was read yet);
2. proof: the signature fits the body;
3. fairness: the provider's rate limit (after the proof, so that a stranger cannot use up a provider's allowance);
4. sense: every item is usable, or the whole delivery is refused;
5. claim: this request is the one that works on this webhook-id;
6. append: every item is in the log, acknowledged by all in-sync replicas;
7. answer: kept under the webhook-id, then given. Never a 2xx before 6.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from command_api.services.ingestion import signature
from command_api.services.ingestion.deduplication import Deliveries, Done, InProgress, OtherBody
from command_api.services.ingestion.events import to_events
from command_api.services.ingestion.requests import DeliveredItem, parse
from command_api.services.ingestion.signature import SignatureError, WebhookHeaders, keys_of
from runtime import logging, metrics, tracing
from runtime.clock import Clock
from runtime.connections import redis
from runtime.connections.kafka import Acknowledged, Message, ProduceError
from runtime.http import problems
from runtime.http.positions import LogPosition, newest
from runtime.http.problems import Problem
from runtime.http.rate_limit import Quota, RateLimiter, require
from runtime.settings import ProviderSettings
from schemas import codec

_LOG = logging.get(__name__)
_RETRY_SECONDS = 2


class EventLog(Protocol):
    async def send(self, messages: Sequence[Message]) -> list[Acknowledged]:
        """Raises ProduceError when any message was not acknowledged."""
        ...


class DeliveryAccepted(msgspec.Struct, frozen=True, rename="camel"):
    """Every item of the delivery is in the log. `positions`: the newest of each partition, for MG-After."""

    delivery_id: str
    provider: str
    count: int
    positions: tuple[str, ...]


class Answer(msgspec.Struct, frozen=True):
    """The 202 and its rate-limit headers; `repeated` when the delivery had been accepted before."""

    accepted: DeliveryAccepted
    headers: dict[str, str]
    repeated: bool


class Intake:
    """Takes deliveries of the configured providers, whose secrets are usable."""

    def __init__(
        self,
        *,
        providers: Mapping[str, ProviderSettings],
        deliveries: Deliveries,
        limiter: RateLimiter,
        log: EventLog,
        clock: Clock,
        topic_prefix: str = "",
    ) -> None:
        self._providers = providers
        self._deliveries = deliveries
        self._limiter = limiter
        self._log = log
        self._clock = clock
        self._prefix = topic_prefix

    def admit(self, provider: str, headers: Mapping[str, str]) -> WebhookHeaders:
        """Step 1. Raises Problem (404, 401)."""
        if provider not in self._providers:
            raise Problem(problems.NOT_FOUND, "no such provider")
        try:
            return signature.parse(
                headers.get("webhook-id"),
                headers.get("webhook-timestamp"),
                headers.get("webhook-signature"),
                self._clock.now(),
            )
        except SignatureError as error:
            raise self._rejected(provider, Problem(problems.INVALID_SIGNATURE, str(error))) from None

    async def accept(self, provider: str, webhook: WebhookHeaders, body: bytes) -> Answer:
        """Steps 2 to 7. Raises Problem (400, 401, 409, 422, 425, 429, 503)."""
        try:
            signature.verify(webhook, body, keys_of(secret.reveal() for secret in self._providers[provider].secrets))
            headers = await self._within_rate(provider)
            items = parse(body, webhook.sent_at, self._clock.now())
            return await self._append_once(provider, webhook.id, hashlib.sha256(body).digest(), items, headers)
        except SignatureError as error:
            raise self._rejected(provider, Problem(problems.INVALID_SIGNATURE, str(error))) from None
        except redis.Error as error:
            _LOG.warning("deduplication_unavailable", provider=provider, error=type(error).__name__)
            raise self._rejected(provider, _away("Redis")) from None
        except Problem as problem:
            raise self._rejected(provider, problem) from None

    async def _within_rate(self, provider: str) -> dict[str, str]:
        settings = self._providers[provider]
        quota = Quota(settings.rate_per_second, settings.burst)
        return require("deliveries", quota, await self._limiter.take(f"webhooks:{provider}", quota))

    async def _append_once(
        self, provider: str, delivery_id: str, body_hash: bytes, items: Sequence[DeliveredItem], headers: dict[str, str]
    ) -> Answer:
        claim = await self._deliveries.begin(provider, delivery_id, body_hash)
        match claim:
            case Done(answer):
                return Answer(msgspec.json.decode(answer, type=DeliveryAccepted), headers, repeated=True)
            case OtherBody():
                raise Problem(problems.DELIVERY_CONFLICT)
            case InProgress():
                raise Problem(problems.DELIVERY_IN_PROGRESS, retry_after_seconds=1)
        try:
            positions = await self._append(provider, delivery_id, items)
        except BaseException as error:
            # Also when the request is cancelled: a retry must not wait for the lease to end.
            await asyncio.shield(self._release(provider, delivery_id))
            if isinstance(error, ProduceError):
                _LOG.warning("delivery_not_in_log", provider=provider, delivery_id=delivery_id, error=str(error))
                raise _away("Kafka") from None
            raise
        accepted = DeliveryAccepted(delivery_id, provider, len(items), tuple(str(position) for position in positions))
        try:
            await self._deliveries.finish(provider, delivery_id, msgspec.json.encode(accepted))
        except redis.Error as error:
            # The log has it, so it is accepted; a repetition would append the same events under the same ids.
            _LOG.warning("answer_not_kept", provider=provider, delivery_id=delivery_id, error=type(error).__name__)
        metrics.WEBHOOK_ITEMS.labels(provider, items[0].action).inc(len(items))
        return Answer(accepted, headers, repeated=False)

    async def _append(self, provider: str, delivery_id: str, items: Sequence[DeliveredItem]) -> tuple[LogPosition, ...]:
        events = to_events(provider, delivery_id, items, self._clock.now())
        traceparent = tracing.current_traceparent()
        headers = ((tracing.TRACEPARENT, traceparent.encode()),) if traceparent else ()
        acknowledged = await self._log.send(
            [
                Message(self._prefix + codec.topic_of(event), codec.key_of(event), codec.encode(event), headers)
                for event in events
            ]
        )
        # Positions are told under the topics' own names: the prefix is ours, not the caller's.
        return newest(
            LogPosition(each.topic.removeprefix(self._prefix), each.partition, each.offset) for each in acknowledged
        )

    async def _release(self, provider: str, delivery_id: str) -> None:
        with contextlib.suppress(redis.Error):  # the lease ends by itself
            await self._deliveries.release(provider, delivery_id)

    def _rejected(self, provider: str, problem: Problem) -> Problem:
        metrics.WEBHOOK_REJECTED.labels(provider, problem.type.slug).inc()
        return problem


def _away(backend: str) -> Problem:
    return Problem(problems.UNAVAILABLE, f"{backend} does not answer.", retry_after_seconds=_RETRY_SECONDS)
