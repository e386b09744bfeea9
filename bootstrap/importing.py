"""Sending a provider's own file through the webhook endpoint, as the provider would: signed batches over HTTP.

A rejected delivery names its bad items; those are set aside with the reason and the rest is sent as a delivery of its
own. One that is too large is sent in halves. One without an answer is sent again with the same id: the edge
recognises it.
"""

import asyncio
import itertools
import re
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import httpx
import msgspec
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from bootstrap.catalog_files import RawItem, read_native
from runtime.backoff import Backoff
from runtime.backoff import retry_after as asked_wait
from runtime.settings import ProviderSettings

BATCH = 500
_PARALLEL = 2  # deliveries in flight; more only fills queues on two cores
_PATIENCE_SECONDS = 120.0
# Before the first answer there is more likely nobody at this address than somebody who is just being restarted.
_FIRST_ANSWER_SECONDS = 10.0
_TOO_LARGE = 413
_INVALID = 422
_POINTER = re.compile(r"#?/data/items/([0-9]+)(?:/|$)")
_TRY_AGAIN = frozenset({425, 429, 502, 503, 504})


@dataclass(slots=True)
class Imported:
    """What became of a file. `rejected`: (native id, reason)."""

    sent: int = 0
    accepted: int = 0
    deliveries: list[str] = field(default_factory=list)
    positions: list[str] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0


class ImportFailed(ConnectionError):
    """The endpoint refused or never answered; the message says why. What was accepted before stays accepted."""


class Importer:
    """Posts to one ingestion service for one provider."""

    def __init__(self, base_url: str, provider: ProviderSettings, progress: Callable[[int], None]) -> None:
        self._url = f"{base_url}/v1/webhooks/{provider.name}"
        try:
            self._webhook = Webhook(provider.secrets[0].reveal())
        except (ValueError, IndexError, EmptyWebhookSecretError):  # nothing of a secret in what is said
            raise ImportFailed(f"the secret of {provider.name} is not whsec_ and base64; see MG_PROVIDERS") from None
        self._progress = progress
        self._answered = False

    async def run(self, items: Iterable[RawItem], rate: float | None) -> Imported:
        """`rate` in items a second; None for as fast as it goes. Raises ImportFailed."""
        result = Imported()
        started = time.monotonic()
        gate = asyncio.Semaphore(_PARALLEL)
        try:
            async with httpx.AsyncClient(timeout=60.0) as client, asyncio.TaskGroup() as group:
                async for batch in _paced(items, rate):
                    await gate.acquire()
                    result.sent += len(batch)
                    task = group.create_task(self._deliver(client, batch, result))
                    task.add_done_callback(lambda _: gate.release())
        except ExceptionGroup as failed:  # the first failure ends the others
            raise failed.exceptions[0] from None
        result.seconds = time.monotonic() - started
        return result

    async def _deliver(self, client: httpx.AsyncClient, batch: Sequence[RawItem], result: Imported) -> None:
        while batch:
            answer, delivery_id = await self._post(client, body_of(batch))
            if answer.status_code == 202:
                result.accepted += len(batch)
                result.deliveries.append(delivery_id)
                result.positions += _object(answer).get("positions", [])
                self._progress(len(batch))
                return
            if answer.status_code == _TOO_LARGE and len(batch) > 1:
                half = len(batch) // 2
                await self._deliver(client, batch[:half], result)
                batch = batch[half:]
                continue
            bad = _bad_items(answer, len(batch))
            if not bad:
                raise ImportFailed(f"{self._url} answered {answer.status_code}: {_explain(answer)}")
            result.rejected += [(batch[place].native_id, reason) for place, reason in bad.items()]
            self._progress(len(bad))
            batch = [item for place, item in enumerate(batch) if place not in bad]

    async def _post(self, client: httpx.AsyncClient, body: bytes) -> tuple[httpx.Response, str]:
        """Repeats the same delivery while the answer says to, or while there is none."""
        delivery_id = f"msg_{uuid.uuid4().hex}"
        backoff = Backoff(most=5.0)
        started = time.monotonic()
        while True:
            try:
                answer = await client.post(self._url, content=body, headers=signed(self._webhook, delivery_id, body))
            except httpx.TransportError as error:
                trouble, wait = f"{type(error).__name__} {error}".strip(), 0.0
            else:
                self._answered = True
                if answer.status_code not in _TRY_AGAIN:
                    return answer, delivery_id
                trouble, wait = f"{answer.status_code}: {_explain(answer)}", retry_after(answer)
            wait = max(wait, backoff.next_delay())
            patience = _PATIENCE_SECONDS if self._answered else _FIRST_ANSWER_SECONDS
            if time.monotonic() + wait > started + patience:
                raise ImportFailed(f"{self._url}: no success in {patience:.0f} s: {trouble}; is `mg up` running?")
            await asyncio.sleep(wait)


def signed(webhook: Webhook, delivery_id: str, body: bytes) -> dict[str, str]:
    """The headers of a delivery that is sent now (Standard Webhooks); a repetition needs them anew."""
    now = datetime.now(UTC)
    return {
        "content-type": "application/json",
        "webhook-id": delivery_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": webhook.sign(delivery_id, now, body.decode()),
    }


def body_of(batch: Sequence[RawItem]) -> bytes:
    """The payload of one delivery."""
    items = []
    for item in batch:
        entry: dict[str, object] = {"id": item.native_id, "item": item.body}
        if item.source_time is not None:
            entry["updatedAt"] = item.source_time
        items.append(entry)
    return msgspec.json.encode(
        {"type": "catalog.items.upserted", "timestamp": datetime.now(UTC), "data": {"items": items}}
    )


class CatalogSource(Protocol):
    """Items of a provider's files, as often as asked. Reading raises CatalogFileError or MappingError."""

    def count(self) -> int:
        """Reads everything once without sending: errors show before anything is sent."""
        ...

    def items(self) -> Iterable[RawItem]: ...


@dataclass(frozen=True, slots=True)
class Native:
    """Files as the provider itself writes them."""

    provider: str
    files: Sequence[Path]

    def count(self) -> int:
        return sum(1 for _ in self.items())

    def items(self) -> Iterable[RawItem]:
        return itertools.chain.from_iterable(read_native(self.provider, file) for file in self.files)


async def _paced(items: Iterable[RawItem], rate: float | None) -> AsyncIterator[list[RawItem]]:
    """Batches; small ones at a low rate, so that a rate of 50 does not mean 500 every ten seconds."""
    size = BATCH if rate is None else max(1, min(BATCH, int(rate / 10)))
    iterator = iter(items)
    due = time.monotonic()
    while batch := list(itertools.islice(iterator, size)):
        yield batch
        if rate is not None:
            due += len(batch) / rate
            await asyncio.sleep(max(due - time.monotonic(), 0))


def _bad_items(answer: httpx.Response, size: int) -> dict[int, str]:
    """Places of refused items with reasons, from the JSON pointers of a problem; empty when it names none."""
    if answer.status_code == _TOO_LARGE and size == 1:
        return {0: _explain(answer)}
    if answer.status_code != _INVALID:
        return {}
    found: dict[int, str] = {}
    for error in _object(answer).get("errors", []):
        place = _POINTER.match(str(error.get("pointer", "")))
        if place and int(place[1]) < size:
            found.setdefault(int(place[1]), str(error.get("detail", "refused")))
    return found


def retry_after(answer: httpx.Response) -> float:
    """Seconds; 0 when the answer asks for none."""
    return asked_wait(answer.headers.get("retry-after", ""), datetime.now(UTC))


def _object(answer: httpx.Response) -> dict[str, Any]:
    """Empty for an answer that is no JSON object, such as a proxy's page."""
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _explain(answer: httpx.Response) -> str:
    problem = _object(answer)
    return str(problem.get("detail") or problem.get("title") or " ".join(answer.text.split())[:200])
