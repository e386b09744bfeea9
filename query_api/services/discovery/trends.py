"""Trends from Redis, in the version that serves."""

from collections.abc import Awaitable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, cast

import msgspec

from query_api.freshness import ReadModelState, States
from runtime.connections import redis
from runtime.http.problems import UNAVAILABLE, Problem
from schemas.read_models import trending
from schemas.read_models.trending import Trend

_TREND: Final = msgspec.json.Decoder(Trend)


class RedisTrends:
    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    async def trend(self, region: str, window: str) -> Trend | None:
        """None before there was any. Raises Problem (503)."""
        with _away():
            value = await self._client.get(trending.key(await self._version(), region, window))
        return _TREND.decode(value) if value else None

    async def state(self) -> ReadModelState:
        """Redis knows no times, so `as_of` is None. Raises Problem (503)."""
        with _away():
            key = trending.positions_key(await self._version())
            found = await cast("Awaitable[dict[bytes, bytes]]", self._client.hgetall(key))
        return ReadModelState(trending.next_offsets(found))

    async def _version(self) -> int:
        return trending.serving_version(cast("bytes | None", await self._client.get(trending.SERVING_KEY)))


class DiscoveryStates:
    """Where each read model keeps its positions: beside its rows."""

    def __init__(self, tables: States, trends: RedisTrends) -> None:
        self._tables = tables
        self._trends = trends

    async def states(self, read_models: Collection[str]) -> Mapping[str, ReadModelState]:
        in_tables = [name for name in read_models if name != trending.READ_MODEL]
        found = dict(await self._tables.states(in_tables)) if in_tables else {}
        if trending.READ_MODEL in read_models:
            found[trending.READ_MODEL] = await self._trends.state()
        return found


@contextmanager
def _away() -> Iterator[None]:
    try:
        yield
    except redis.Error as error:
        raise Problem(UNAVAILABLE, "Redis does not answer.", retry_after_seconds=2) from error
