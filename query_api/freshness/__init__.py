"""`MG-After` and `asOf`: how far the read models behind an answer are."""

import asyncio
import time
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from runtime.http.positions import AFTER_HEADER, LogPosition, NextOffsets, parse_positions, wait_until
from runtime.http.problems import INVALID_POSITION, Problem, parameter_error

_KEPT_SECONDS = 0.5


class ReadModelState(Struct, frozen=True):
    next_offsets: NextOffsets = {}
    as_of: datetime | None = None
    """When it last took something in."""


class States(Protocol):
    async def states(self, read_models: Collection[str]) -> Mapping[str, ReadModelState]:
        """By read model; one that has not begun is left out. Raises Problem (503) when the store is away."""
        ...


class Sources(Struct, frozen=True):
    """What a read model is made of."""

    topics: frozenset[str]
    indirectly: frozenset[str] = frozenset()
    """Topics that reach it by way of another one: their positions say nothing about when that happens."""


class Freshness:
    """`carried`: topics whose positions callers may send along although they feed nothing of an answer, because one
    command wrote to several. They are passed over where they make no difference, and refused where they would."""

    def __init__(
        self,
        states: States,
        wait_seconds: float,
        sources: Mapping[str, Sources],
        carried: frozenset[str] = frozenset(),
    ) -> None:
        self._states = states
        self._wait_seconds = wait_seconds
        self._sources = sources
        self._carried = carried
        self._reading: dict[frozenset[str], asyncio.Future[Mapping[str, ReadModelState]]] = {}
        self._kept: dict[str, tuple[float, datetime | None]] = {}

    async def wait(self, after: str | None, *read_models: str) -> bool:
        """Until each of the read models is past the positions of `MG-After` that feed it.

        True when there was something to wait for. Raises Problem: 400 for a topic that does not feed any of them, 503
        when time is up.
        """
        positions = [found for found in parse_positions(after) if self._matters(found, read_models)]
        topics = {found.topic for found in positions}
        fed = frozenset(model for model in read_models if topics & self._sources[model].topics)
        states: Mapping[str, ReadModelState] = {}

        async def read() -> NextOffsets:
            nonlocal states
            states = await self._shared(fed)
            return {
                (topic, partition): min(
                    _next(states, model, topic, partition) for model in fed if topic in self._sources[model].topics
                )
                for topic, partition, _ in positions
            }

        await wait_until(read, positions, self._wait_seconds)
        now = time.monotonic()
        for read_model, state in states.items():
            self._kept[read_model] = (now, state.as_of)
        return bool(positions)

    async def _shared(self, read_models: frozenset[str]) -> Mapping[str, ReadModelState]:
        """However many wait, one asks: whoever comes meanwhile gets the same answer. Positions only grow, so an answer
        that is a moment old can delay somebody, never let them through too early."""
        running = self._reading.get(read_models)
        if running is None or running.done():
            running = self._reading[read_models] = asyncio.ensure_future(self._states.states(read_models))
        try:
            return await asyncio.shield(running)  # the others go on waiting when one of them leaves
        except asyncio.CancelledError:
            running.add_done_callback(_retrieve)
            raise

    def _matters(self, position: LogPosition, read_models: Collection[str]) -> bool:
        topic = position.topic
        if any(topic in self._sources[model].topics for model in read_models):
            return True
        indirect = any(topic in self._sources[model].indirectly for model in read_models)
        if topic in self._carried and not indirect:
            return False
        why = "feeds this by way of another topic, so it cannot be waited for" if indirect else "does not feed this"
        raise parameter_error(AFTER_HEADER, f"{topic[:64]} {why}", INVALID_POSITION)

    async def as_of(self, read_model: str) -> datetime | None:
        """At most half a second old; None when the store is away, which must not spoil an answer from another one."""
        now = time.monotonic()
        at, known = self._kept.get(read_model, (-_KEPT_SECONDS, None))
        if now - at < _KEPT_SECONDS:
            return known
        try:
            found = (await self._states.states([read_model])).get(read_model, ReadModelState()).as_of
        except Problem:
            found = None
        self._kept[read_model] = (now, found)
        return found


def _retrieve(done: "asyncio.Future[Mapping[str, ReadModelState]]") -> None:
    """Nobody may be left to hear of a failure, which is no reason to complain."""
    if not done.cancelled():
        done.exception()


def _next(states: Mapping[str, ReadModelState], read_model: str, topic: str, partition: int) -> int:
    state = states.get(read_model)
    return 0 if state is None else state.next_offsets.get((topic, partition), 0)
