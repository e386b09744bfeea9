"""Who has not delivered for long: for the list of providers, and as a metric for alerts."""

import asyncio
from collections.abc import Collection
from typing import Final

from query_api.services.deliveries.reader import DeliveriesReader
from runtime import metrics
from runtime.http.problems import Problem

_EVERY_SECONDS: Final = 30.0


async def watch(reader: DeliveriesReader, providers: Collection[str], every_seconds: float = _EVERY_SECONDS) -> None:
    """Until it is cancelled. While the database is away the metric stays as it was, and silence goes on growing."""
    while True:
        try:
            newest = await reader.newest(tuple(providers))
        except Problem:
            newest = {}
        for provider, at in newest.items():
            metrics.PROVIDER_LAST_DELIVERY.labels(provider).set(at.timestamp())
        await asyncio.sleep(every_seconds)
