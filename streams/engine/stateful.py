"""The stateful side of the processor loop: batches and timers over the partitions that this instance owns.

One at a time, under `_turn`: a batch, the timers of one partition, or handing partitions over. Each of them ends with
everything durable, or with the partitions it touched dropped from memory, to be restored from the state topic.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from runtime import logging, metrics, tracing
from runtime.clock import Clock, to_milliseconds
from runtime.connections.kafka import Acknowledged, Message
from runtime.settings import Settings
from schemas.types import AnyEvent
from streams.engine.changelog import Changelog, Ends
from streams.engine.outcome import InvalidEvent
from streams.engine.spec import Counted, ProcessorSpec, Received, Rejected, StateSpec
from streams.engine.table import Partition

GRACE_MS = 2000
"""Records of several writers are a little out of order, and one may be on its way: timers wait this much longer."""
_HAND_OVER_SECONDS = 5.0

Place = tuple[str, int]
log = logging.get(__name__)


class GivenUp(Exception):
    """The partitions went to another owner in mid batch: nothing of it is acknowledged."""


class Loop(Protocol):
    """What the processor loop does for its stateful side."""

    async def insist(self, action: Callable[[], Any]) -> None:
        """Runs a blocking action in the processor's thread until it works."""
        ...

    async def produce(self, messages: Sequence[Message], still: Callable[[], None]) -> Sequence[Acknowledged]:
        """Until everything is confirmed; `still` may raise GivenUp before another try."""
        ...

    def message(self, event: AnyEvent, traceparent: bytes | None) -> Message: ...

    async def check_log_reaches(self, stored: dict[Place, int]) -> None:
        """Raises FatalError when a position is beyond the log's end."""
        ...


class Stateful:
    def __init__(self, spec: ProcessorSpec, state: StateSpec, settings: Settings, loop: Loop, clock: Clock) -> None:
        self._name = spec.name
        self._state = state
        self._input = spec.inputs[0]
        self._input_topic = settings.topic_prefix + self._input
        self._loop = loop
        self._clock = clock
        self.changelog = Changelog(spec, state, settings)
        self._ends = Ends(settings.kafka)
        self._turn = asyncio.Lock()
        self._partitions: dict[int, Partition] = {}
        self._written_to: dict[int, int] = {}
        """Where the next record of each partition will stand in the state topic, if nobody else writes to it."""
        self.owned: frozenset[int] = frozenset()
        self._epoch = 0
        """Counts hand-overs; what was in memory before one (`_kept_in`) does not count after it."""
        self._kept_in = 0

    # Ownership --------------------------------------------------------------------------------------------------------

    def assigned(self, numbers: Sequence[int]) -> None:
        self.owned = frozenset(numbers)

    async def revoked(self) -> None:
        """Lets what is under way end, then forgets everything: whoever gets a partition next restores it.

        A batch that cannot end (the broker is away) is given up instead; the next owner reads it again.
        """
        self.owned = frozenset()
        try:
            await asyncio.wait_for(self._turn.acquire(), _HAND_OVER_SECONDS)
        except TimeoutError:
            self._epoch += 1
        else:
            self._epoch += 1
            self._turn.release()

    def positions(self) -> Mapping[Place, int]:
        """For `move_back`: everything that was read before is read again where the state topic is empty. Blocks."""
        found = {}
        for number in self._ends.partitions(self._input_topic):
            low, high = self._ends.of(self.changelog.topic, number)
            found[self._input, number] = 2**63 - 1 if high > low else 0
        return found

    def close(self) -> None:
        self._ends.close()

    # Batches ----------------------------------------------------------------------------------------------------------

    async def batch(
        self,
        received: Sequence[Received],
        passed: Mapping[Place, int],
        letter: Callable[[Received, InvalidEvent], Message],
        more: Sequence[Message],
    ) -> list[Rejected]:
        """Applies a batch and makes everything durable; `more` (dead letters) goes out with the events.

        Returns what was refused. Raises GivenUp, or whatever a step raises that is no InvalidEvent.
        """
        numbers = sorted({number for _, number in passed})
        rejected: list[Rejected] = []

        async def work() -> list[Message]:
            outputs = list(more)
            for one in received:
                try:
                    made = self._partitions[one.position.partition].apply(one)
                except InvalidEvent as error:
                    rejected.append(Rejected(one, error))
                    outputs.append(letter(one, error))
                    continue
                if made:
                    outputs += self._messages(made, tracing.traceparent_of(one.headers))
            for (_, number), next_ in passed.items():
                partition = self._partitions[number]
                partition.next = max(partition.next, next_)
                outputs += self._fired(partition, partition.now - GRACE_MS)
            return outputs

        await self._take_turn(numbers, work)
        return rejected

    def _messages(self, made: Sequence[Any], traceparent: bytes | None) -> list[Message]:
        messages = []
        for one in made:
            if isinstance(one, Counted):
                metrics.EVENTS.labels(self._name, one.outcome).inc()
            else:
                messages.append(self._loop.message(one, traceparent))
        return messages

    # Timers -----------------------------------------------------------------------------------------------------------

    async def tick(self) -> None:
        """Fires what is due in every owned partition. Raises GivenUp."""
        for number in sorted(self.owned):

            async def work(number: int = number) -> list[Message]:
                partition = self._partitions[number]
                return self._fired(partition, await self._time_of(number, partition) - GRACE_MS)

            await self._take_turn([number], work)
        metrics.STATE_KEYS.labels(self._name).set(sum(map(len, self._partitions.values())))

    async def _time_of(self, number: int, partition: Partition) -> int:
        """The wall clock counts once everything written until then is processed: a backlog comes before timers."""
        wall = to_milliseconds(self._clock.now())
        if not self._state.by_wall_clock or not partition.due(wall - GRACE_MS):
            return partition.now
        low, high = 0, 0

        def ask() -> None:
            nonlocal low, high
            low, high = self._ends.of(self._input_topic, number)

        await self._loop.insist(ask)
        return max(wall, partition.now) if partition.next >= high or low == high else partition.now

    def _fired(self, partition: Partition, now: int) -> list[Message]:
        if not partition.due(now):
            return []
        made = partition.tick(now)
        metrics.STATE_TIMERS.labels(self._name).inc(len(made))
        return self._messages(made, None)

    # Durability -------------------------------------------------------------------------------------------------------

    async def _take_turn(self, numbers: Sequence[int], work: Callable[[], Awaitable[list[Message]]]) -> None:
        async with self._turn:
            epoch = self._epoch

            def still() -> None:
                if epoch != self._epoch:
                    raise GivenUp

            if not self.owned.issuperset(numbers):
                raise GivenUp
            if self._kept_in != epoch:
                self._partitions.clear()
                self._kept_in = epoch
            try:
                await self._restored(numbers)
                outputs = await work()
                still()
                await self._write(numbers, outputs, still)
            except BaseException:
                for number in numbers:  # memory may be ahead of what is durable
                    self._partitions.pop(number, None)
                raise

    async def _write(self, numbers: Sequence[int], outputs: Sequence[Message], still: Callable[[], None]) -> None:
        """Events first, then state: a state that is durable vouches for every event that led to it."""
        await self._loop.produce(outputs, still)
        steps = [self.changelog.steps(number, self._partitions[number]) for number in numbers]
        for step in zip(*steps, strict=True):
            for place in await self._loop.produce([message for part in step for message in part], still):
                if place.offset != self._written_to[place.partition]:
                    log.warning("state_written_by_others", unit=self._name, partition=place.partition)
                    self._partitions.pop(place.partition, None)  # restoring sorts out which versions count
                self._written_to[place.partition] = place.offset + 1

    async def _restored(self, numbers: Sequence[int]) -> None:
        """Every owned partition that is not there yet, as soon as one of them is needed: they are read together."""
        if all(number in self._partitions for number in numbers):
            return
        missing = sorted(self.owned - self._partitions.keys())
        found: dict[int, tuple[Partition, int]] = {}

        def restore() -> None:
            found.update(self.changelog.restore(missing))

        started = time.monotonic()
        await self._loop.insist(restore)
        await self._loop.check_log_reaches({(self._input, number): state.next for number, (state, _) in found.items()})
        for number, (partition, end) in found.items():
            self._partitions[number], self._written_to[number] = partition, end
        seconds = time.monotonic() - started
        metrics.STATE_RESTORED_SECONDS.labels(self._name).observe(seconds)
        keys = sum(len(partition) for partition, _ in found.values())
        log.info("state_restored", unit=self._name, partitions=missing, keys=keys, seconds=round(seconds, 3))
