"""`MG-After` and `asOf`: how far the read models behind an answer are."""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Protocol

from query_api.services.discovery.reader import ReadModelState
from runtime.http.positions import NextOffsets, parse_positions, wait_until
from runtime.http.problems import Problem

TOPICS: Final[Mapping[str, frozenset[str]]] = {
    "title_catalog": frozenset({"titles"}),
    "availability": frozenset({"titles"}),
    "title_search": frozenset({"titles", "title-embeddings"}),
}
"""What each read model is made of."""

_KEPT_SECONDS = 0.5


class States(Protocol):
    async def state(self, read_model: str) -> ReadModelState: ...


class Freshness:
    def __init__(self, states: States, wait_seconds: float) -> None:
        self._states = states
        self._wait_seconds = wait_seconds
        self._kept: dict[str, tuple[float, datetime | None]] = {}

    async def wait(self, read_model: str, after: str | None) -> bool:
        """True when there was something to wait for. Raises Problem: 400 for another topic, 503 when time is up."""
        positions = parse_positions(after)

        async def read() -> NextOffsets:
            return (await self._states.state(read_model)).next_offsets

        await wait_until(read, positions, self._wait_seconds, topics=TOPICS[read_model])
        if positions:
            self._kept.pop(read_model, None)
        return bool(positions)

    async def as_of(self, read_model: str) -> datetime | None:
        """At most half a second old; None when PostgreSQL is away, which must not spoil an answer from Qdrant."""
        now = time.monotonic()
        at, known = self._kept.get(read_model, (-_KEPT_SECONDS, None))
        if now - at < _KEPT_SECONDS:
            return known
        try:
            found = (await self._states.state(read_model)).as_of
        except Problem:
            found = None
        self._kept[read_model] = (now, found)
        return found
