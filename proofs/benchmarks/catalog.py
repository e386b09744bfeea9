"""The catalog slice end to end, on a system of its own: ingestion, freshness, search, memory.

Everything (Kafka, PostgreSQL, Valkey, the Qdrant engine, all units and this load generator) shares the machine.
"""

import asyncio
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import msgspec
from standardwebhooks import Webhook

from bootstrap import outcomes
from bootstrap.commands.catalog import provider_named, send
from bootstrap.importing import Native, signed
from devstack import assets
from proofs.benchmarks.load import open_loop, percentile
from proofs.benchmarks.queries import mixed_queries
from proofs.figures import Figure
from proofs.system import System, fresh
from runtime import settings as settings_module

_RUNS = 3
_FRESH_RATE, _FRESH_ITEMS = 50.0, 1000
_SEARCH_RATE, _SEARCHES = 50.0, 1500
# How often a sample is asked for. It adds to what is measured; and asking loads the machine: with searches every 20 ms,
# more of them came from here than the search benchmark sends.
_POLL_SECONDS, _SEARCH_POLL_SECONDS = 0.02, 0.1
_VISIBLE = ("normalization", "entity_resolution", "title_catalog")


def ingestion() -> list[Figure]:
    """17,472 films, first POST to all of them in title_catalog; the median of several empty starts."""
    rates = []
    for _ in range(_RUNS):
        with _system() as system:
            rates.append(_ingest(system)[0])
    return [_rate(statistics.median(rates), len(rates))]


def catalog() -> list[Figure]:
    """All bars of the catalog in one sitting on one system (ingestion once)."""
    with _system() as system:
        rate, items = _ingest(system)
        found = [_rate(rate, 1)]
        found.append(Figure.information("embedding the rest of the films", _embed(system, items), "items/s", items))
        found += asyncio.run(_freshness(system))
        found += asyncio.run(_search(system))
        found.append(_memory(system))
        return found


def _system() -> AbstractContextManager[System]:
    home = settings_module.home_from()
    return fresh(home / "bench", home)


def _rate(value: float, samples: int) -> Figure:
    return Figure.against("ingestion, webhook to title_catalog", value, "items/s", "≥", 1000, samples)


def _ingest(system: System) -> tuple[float, int]:
    films = assets.movies_db(system.home)
    provider, source = provider_named(system.settings, "wikidata"), Native("wikidata", (films,))
    total = source.count()
    started = time.monotonic()
    accepted = send(system.settings, provider, source, total, None).accepted
    outcomes.wait_until_done(system.settings, "resolving", _VISIBLE)
    return accepted / (time.monotonic() - started), accepted


def _embed(system: System, items: int) -> float:
    """Rate of what was left when the catalog was complete; a lower bound, since embedding ran beside ingestion too."""
    return items / max(outcomes.wait_until_done(system.settings, "embedding"), 0.001)


async def _freshness(system: System) -> list[Figure]:
    """New films one delivery each; every tenth is asked for until it shows."""
    poster = _Poster(system)
    by_id: list[float] = []
    by_search: list[float] = []
    watching: list[asyncio.Task[None]] = []
    async with httpx.AsyncClient(timeout=30) as client:

        async def post(number: int) -> bool:
            accepted = await poster.post(client, number)
            now = time.perf_counter()
            if accepted and number % 10 == 0:
                path = f"{system.url('discovery')}/v1/titles?externalId=movielens:{poster.native_id(number)}"
                watching.append(asyncio.create_task(_shows(client, path, _has_items, now, by_id, _POLL_SECONDS)))
            elif accepted and number % 10 == 5:
                path = f"{system.url('discovery')}/v1/search?limit=1&q={poster.name(number)}"
                found = _names(poster.name(number))
                watching.append(asyncio.create_task(_shows(client, path, found, now, by_search, _SEARCH_POLL_SECONDS)))
            return accepted

        posted = await open_loop(post, _FRESH_RATE, _FRESH_ITEMS)
        await asyncio.gather(*watching)
    refused = sum(not one.ok for one in posted)
    ms = [1000 * percentile(values, 0.95) for values in (by_id, by_search)]
    return [
        Figure.against("freshness at 50 items/s, accepted to GET title, p95", ms[0], "ms", "≤", 200, len(by_id)),
        Figure.against("freshness at 50 items/s, accepted to search, p95", ms[1], "ms", "≤", 1000, len(by_search)),
        Figure.against("deliveries refused at 50 items/s", refused, "deliveries", "≤", 0, len(posted)),
    ]


class _Poster:
    """Signs and posts films that nobody has heard of."""

    def __init__(self, system: System) -> None:
        provider = next(one for one in system.settings.providers if one.name == "movielens")
        self._webhook = Webhook(provider.secrets[0].reveal())
        self._url = f"{system.url('ingestion')}/v1/webhooks/movielens"
        self._run = uuid.uuid4().hex[:6]

    def native_id(self, number: int) -> str:
        return f"{int(self._run, 16)}{number:05d}"

    def name(self, number: int) -> str:
        return f"Benchmark {self._run} number {number}"

    async def post(self, client: httpx.AsyncClient, number: int) -> bool:
        item = {
            "item_id": self.native_id(number),
            "movie_title": self.name(number),
            "release_year": "1999",
            "class": "Drama",
        }
        body = msgspec.json.encode(
            {"type": "catalog.item.upserted", "data": {"id": self.native_id(number), "item": item}}
        )
        headers = signed(self._webhook, f"msg_{uuid.uuid4().hex}", body)
        return (await client.post(self._url, content=body, headers=headers)).status_code == 202


Check = Callable[[Any], bool]


def _has_items(answer: Any) -> bool:
    return bool(answer.get("items"))


def _names(name: str) -> Check:
    return lambda answer: any(item["name"] == name for item in answer.get("items", []))


async def _shows(
    client: httpx.AsyncClient, url: str, check: Check, since: float, into: list[float], every: float
) -> None:
    while time.perf_counter() - since < 30:
        answer = await client.get(url)
        if answer.status_code == 200 and check(answer.json()):
            into.append(time.perf_counter() - since)
            return
        await asyncio.sleep(every)
    into.append(float("inf"))


async def _search(system: System) -> list[Figure]:
    queries = mixed_queries(assets.movies_db(system.home), _SEARCHES)
    async with httpx.AsyncClient(timeout=30, base_url=system.url("discovery")) as client:

        async def ask(number: int) -> bool:
            return (await client.get("/v1/search", params=queries[number])).status_code == 200

        await open_loop(ask, _SEARCH_RATE, 100)  # connections and caches, not counted
        found = await open_loop(_shifted(ask, 100), _SEARCH_RATE, _SEARCHES - 100)
    seconds = [one.seconds for one in found]
    errors = sum(not one.ok for one in found)
    return [
        Figure.information("search at 50/s, p50", 1000 * percentile(seconds, 0.5), "ms", len(found)),
        Figure.against("search at 50/s, p95", 1000 * percentile(seconds, 0.95), "ms", "≤", 50, len(found)),
        Figure.information("search at 50/s, p99", 1000 * percentile(seconds, 0.99), "ms", len(found)),
        Figure.against("search errors", errors, "answers", "≤", 0, len(found)),
    ]


def _shifted(call: Callable[[int], Awaitable[bool]], by: int) -> Callable[[int], Awaitable[bool]]:
    return lambda number: call(number + by)


def _memory(system: System) -> Figure:
    found = system.memory()
    return Figure.against("memory of all our processes", sum(found.values()) / 1_048_576, "MB", "≤", 1536, len(found))
