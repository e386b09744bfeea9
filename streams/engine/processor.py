"""The processor loop: topic → topic, at least once, on Faust.

1. Take a batch of raw bytes (Faust never decodes: its own decode failure path would commit the bad message).
2. Decode; bytes that do not decode become dead letters.
3. Transform (pure), or apply to what is remembered (`stateful.py`), or decide in PostgreSQL (`outbox.py`), in a worker
   thread.
4. Produce outputs and dead letters and wait until the broker confirmed every one of them; a broker that is away is
   waited for, with readiness off.
5. Only then let the batch end: leaving the loop body is Faust's acknowledgement.
6. Metrics.

Nothing but CancelledError ever leaves the agent body: `take_events` acknowledges in a `finally`, so an exception would
acknowledge the whole batch (seen: 99,997 of 100,000 events gone without a word). And a stream that stops closes that
generator, `finally` and all, before the body that still works on the batch is cancelled. So acknowledgement is withheld
from the moment a batch is taken and allowed once it is durable, and a fatal error parks the body until the process has
stopped.

Beside the loop the broker is asked now and then whether events wait that the consumer does not fetch (`standstill.py`).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import faust

from runtime import logging, metrics, tracing
from runtime.backoff import Backoff
from runtime.clock import Clock, SystemClock
from runtime.connections.kafka import Acknowledged, EventProducer, Message, ProduceError
from runtime.health import UnitHealth
from runtime.settings import Settings
from schemas import codec
from schemas.envelope import Position
from schemas.types import AnyEvent
from streams.engine import dead_letter
from streams.engine.alignment import move_back, require_in_log
from streams.engine.consuming import allow, build_app, hand_over_early, withhold
from streams.engine.dead_letter import InvalidRun, RawRecord
from streams.engine.decoding import decode
from streams.engine.outbox import Outbox
from streams.engine.outcome import FatalError, Fenced, InvalidEvent, TransientError
from streams.engine.spec import Headers, ProcessorSpec, Received, Rejected
from streams.engine.standstill import LOOK_EVERY_SECONDS, Standstill
from streams.engine.stateful import GivenUp, Stateful
from streams.engine.summing import Summing

_RELAY_EVERY_SECONDS = 2.0
_TIMERS_EVERY_SECONDS = 1.0
_SUMMING_EVERY_SECONDS = 0.25

log = logging.get(__name__)


class Processor:
    """Runs one ProcessorSpec on its own Faust app, in the running event loop.

    `failed` resolves with the exception that must end the process.
    """

    def __init__(
        self,
        spec: ProcessorSpec,
        settings: Settings,
        producer: EventProducer,
        health: UnitHealth,
        clock: Clock | None = None,
    ) -> None:
        self._spec = spec
        self._producer = producer
        self._health = health
        self._settings = settings
        self._prefix = settings.topic_prefix
        self._invalid = InvalidRun(spec.name)
        self._outbox = Outbox(spec.name, spec.lookup(settings), settings, producer) if spec.lookup else None
        self._stateful: Stateful | None = None
        self._summing: Summing | None = None
        if spec.state is not None:
            self._stateful = Stateful(spec, spec.state, settings, self, clock or SystemClock())
            if spec.state.summary is not None:
                self._summing = Summing(spec, spec.state, settings, self, self._stateful)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"mg-{spec.name}")
        self._busy = asyncio.Lock()
        self._background: list[asyncio.Task[None]] = []
        self.failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        self._app = build_app(spec, settings)
        self._owned: frozenset[tuple[str, int]] = frozenset()
        self._standstill = Standstill(settings.kafka, self._app.conf.id, self._prefix)
        # Faust types a handler as one that takes its signal by a private protocol; any coroutine works.
        self._app.on_partitions_assigned.connect(self._assigned, weak=False)  # type: ignore[arg-type]
        self._app.on_partitions_revoked.connect(self._revoked, weak=False)  # type: ignore[arg-type]
        topic = self._app.topic(
            *(self._prefix + name for name in spec.inputs),
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
        )
        self._app.agent(topic, name=f"mg-{spec.name}", concurrency=1)(self._body)

    async def start(self) -> None:
        if self._outbox is not None:
            await self.insist(self._align)
            self._repeat(self._relay, _RELAY_EVERY_SECONDS)
        if self._stateful is not None:
            await self.insist(self._align)
            self._repeat(self._stateful.tick, _TIMERS_EVERY_SECONDS)
        if self._summing is not None:
            self._repeat(self._summing.round, _SUMMING_EVERY_SECONDS)
        self._repeat(self._look, LOOK_EVERY_SECONDS)
        # Faust makes the last folder of this path but not its parents.
        Path(self._app.conf.datadir).parent.mkdir(parents=True, exist_ok=True)
        await self._app.start()

    def _align(self) -> None:
        keeper = self._outbox or self._stateful
        if keeper is not None:
            move_back(self._settings.kafka, self._app.conf.id, self._spec.inputs, self._prefix, keeper.positions)

    async def _relay(self) -> None:
        if self._outbox is not None:
            await self.insist(self._outbox.relay)

    async def _look(self) -> None:
        await asyncio.to_thread(self._standstill.look, self._owned)

    async def stop(self) -> None:
        """Abandons the batch in hand; it will be read again."""
        await self._app.stop()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await asyncio.to_thread(self._thread.shutdown, wait=True)
        for part in (self._outbox, self._stateful, self._summing):
            if part is not None:
                await asyncio.to_thread(part.close)
        self._health.becomes("stopped")

    async def _body(self, stream: Any) -> None:
        if self._spec.fresh_seconds is not None:
            hand_over_early(stream, self._spec.fresh_seconds)
        async for events in stream.take_events(self._spec.max_batch, within=self._spec.gather_seconds):
            withhold(events)
            self._standstill.holds()
            try:
                ours = self._current(events)
                if ours:
                    await self._batch(ours)
            except asyncio.CancelledError:
                raise
            except GivenUp:
                continue
            except BaseException as error:  # noqa: BLE001 - whatever it is must not acknowledge the batch
                await self._fail(error)
            finally:
                self._standstill.moved()
            allow(ours)

    def _current(self, events: Sequence[Any]) -> Sequence[Any]:
        """A stateful processor must not apply what was fetched before partitions changed hands: what lay before it may
        have been given up, and would then be taken for applied. It is fetched again."""
        if self._stateful is None:
            return events
        generation, owned = self._app.consumer_generation_id, self._stateful.owned
        return [e for e in events if e.message.generation_id == generation and e.message.partition in owned]

    async def _fail(self, error: BaseException) -> None:
        self._health.becomes("failed", f"{type(error).__name__}: {error}")
        log.error("processor_failed", unit=self._spec.name, error=str(error), exc_info=error)
        if not self.failed.done():
            self.failed.set_result(error)
        await asyncio.Event().wait()  # until the process stops; returning would acknowledge

    async def _batch(self, events: Sequence[Any]) -> None:
        started = time.monotonic()
        received, rejected = self._decode(events)
        parents = [tracing.traceparent_of(r.headers) for r in received]
        with tracing.batch_span(f"process {self._spec.name}", parents):
            if self._stateful is not None:
                rejected = await self._remember(self._stateful, received, rejected, self._passed(events))
            elif self._outbox is None:
                outputs, refused = self._transform(received)
                rejected += refused
                await self.produce(outputs + [self._letter(record, error) for record, error in rejected])
            else:
                await self.produce([self._letter(record, error) for record, error in rejected])
                rejected += await self._decide(self._outbox, received, self._passed(events))
        self._finished(events, len(received), started)
        for record, error in rejected:
            log.warning("event_dead_lettered", unit=self._spec.name, position=str(record.position), reason=error.reason)
        self._invalid.saw([error.reason for _, error in rejected], len(events) - len(rejected))

    # 2 and 3 ---------------------------------------------------------------------------------------------------------

    def _decode(self, events: Sequence[Any]) -> tuple[list[Received], list[tuple[RawRecord, InvalidEvent]]]:
        received: list[Received] = []
        rejected: list[tuple[RawRecord, InvalidEvent]] = []
        for event in events:
            message = event.message
            if message.value is None:  # a tombstone says nothing
                continue
            headers = headers_of(message)
            position = Position(message.topic.removeprefix(self._prefix), message.partition, message.offset)
            try:
                received.append(decode(message.value, position, message.key, int(message.timestamp * 1000), headers))
            except InvalidEvent as error:
                rejected.append((RawRecord(position, message.key, message.value, headers), error))
        return received, rejected

    def _transform(self, batch: Sequence[Received]) -> tuple[list[Message], list[tuple[RawRecord, InvalidEvent]]]:
        outputs: list[Message] = []
        rejected: list[tuple[RawRecord, InvalidEvent]] = []
        if self._spec.transform is None:
            raise FatalError(f"processor {self._spec.name} has no transform")
        for received in batch:
            try:
                made = self._spec.transform(received.event, received.position)
            except InvalidEvent as error:
                rejected.append((raw(received), error))
                continue
            outputs.extend(self.message(event, tracing.traceparent_of(received.headers)) for event in made)
        return outputs, rejected

    def _passed(self, events: Sequence[Any]) -> dict[tuple[str, int], int]:
        """Next offsets behind the batch, whatever its records hold."""
        found: dict[tuple[str, int], int] = {}
        for message in (event.message for event in events):
            at = (message.topic.removeprefix(self._prefix), message.partition)
            found[at] = max(found.get(at, 0), message.offset + 1)
        return found

    async def _remember(
        self,
        stateful: Stateful,
        batch: Sequence[Received],
        rejected: list[tuple[RawRecord, InvalidEvent]],
        passed: Mapping[tuple[str, int], int],
    ) -> list[tuple[RawRecord, InvalidEvent]]:
        letters = [self._letter(record, error) for record, error in rejected]
        refused = await stateful.batch(batch, passed, lambda one, error: self._letter(raw(one), error), letters)
        return rejected + [(raw(one.received), one.error) for one in refused]

    async def _decide(
        self, outbox: Outbox, batch: Sequence[Received], passed: Mapping[tuple[str, int], int]
    ) -> list[tuple[RawRecord, InvalidEvent]]:
        refused: list[tuple[RawRecord, InvalidEvent]] = []

        def publish(rejected: Sequence[Rejected]) -> None:
            refused[:] = [(raw(one.received), one.error) for one in rejected]
            try:
                self._producer.submit([self._letter(*one) for one in refused]).result(5.0)
            except (ProduceError, TimeoutError) as error:
                raise TransientError(f"kafka: {error}") from error

        if passed:
            await self.insist(lambda: outbox.decide(batch, publish, passed))
            await self.check_log_reaches(outbox.stored)
            await self.insist(outbox.relay)
        return refused

    async def check_log_reaches(self, stored: dict[tuple[str, int], int]) -> None:
        """A position beyond the log's end means another log: going on would silently skip everything new."""
        beyond = {place: next_ for place, next_ in stored.items() if next_ > (self._high(*place) or next_)}
        if beyond:  # or we were frozen while others went on, and know an old end: the broker's word counts
            await self.insist(lambda: require_in_log(self._settings.kafka, self._spec.name, self._prefix, beyond))

    def _high(self, topic: str, partition: int) -> int | None:
        """The log's end as of the last fetch; None for a partition that is another instance's (by now)."""
        try:
            return self._app.consumer.highwater(faust.types.TP(self._prefix + topic, partition))
        except AssertionError:  # aiokafka's way of saying so
            return None

    def message(self, event: AnyEvent, traceparent: bytes | None) -> Message:
        headers: Headers = ((tracing.TRACEPARENT, traceparent),) if traceparent else ()
        return Message(self._prefix + codec.topic_of(event), codec.key_of(event), codec.encode(event), headers)

    def _letter(self, record: RawRecord, error: InvalidEvent) -> Message:
        return dead_letter.to_message(self._spec.name, record, error, self._prefix)

    # 4 ---------------------------------------------------------------------------------------------------------------

    async def produce(
        self, messages: Sequence[Message], still: Callable[[], None] = lambda: None
    ) -> Sequence[Acknowledged]:
        """Until every one is confirmed. `still` is asked before another try and may raise GivenUp."""
        backoff = Backoff()
        while messages:
            try:
                return await self._producer.send(messages)
            except ProduceError as error:
                await self._wait(error, backoff)
            still()
        return ()

    async def insist(self, action: Any) -> None:
        """Runs a blocking action in this processor's thread until it works."""
        backoff = Backoff()
        loop = asyncio.get_running_loop()
        while True:
            try:
                async with self._busy:
                    await loop.run_in_executor(self._thread, action)
            except (TransientError, Fenced) as error:
                await self._wait(error, backoff)
            else:
                return

    async def _wait(self, error: Exception, backoff: Backoff) -> None:
        metrics.BATCHES_RETRIED.labels(self._spec.name, "transient").inc()
        self._health.becomes("degraded", str(error))
        delay = backoff.next_delay()
        log.warning("backend_unavailable", unit=self._spec.name, error=str(error), retry_in=round(delay, 2))
        await asyncio.sleep(delay)

    def _repeat(self, action: Callable[[], Awaitable[None]], seconds: float) -> None:
        """Also when no input arrives: sends what a killed owner left behind, fires timers, publishes summaries."""

        async def forever() -> None:
            while True:
                try:
                    await action()
                except asyncio.CancelledError:
                    raise
                except GivenUp:
                    pass  # whoever has the partitions now does it
                except Exception as error:  # noqa: BLE001 - ends the process through `failed`
                    await self._fail(error)
                await asyncio.sleep(seconds)

        self._background.append(asyncio.create_task(forever(), name=f"background-{self._spec.name}"))

    # 6 ---------------------------------------------------------------------------------------------------------------

    def _finished(self, events: Sequence[Any], good: int, started: float) -> None:
        unit = self._spec.name
        newest = max(event.message.timestamp for event in events)
        for place, next_ in self._passed(events).items():
            if (high := self._high(*place)) is not None:
                self._health.at(place, next_, high)
        self._health.progressed(good, newest)
        metrics.EVENTS.labels(unit, "done").inc(good)
        metrics.EVENTS.labels(unit, "invalid").inc(len(events) - good)
        metrics.BATCH_SIZE.labels(unit).observe(len(events))
        metrics.BATCH_SECONDS.labels(unit).observe(time.monotonic() - started)
        metrics.EVENT_LAG.labels(unit).observe(max(time.time() - newest, 0.0))

    async def _assigned(self, _app: Any, *found: Any, **_: Any) -> None:
        assigned = found[0]
        if self._stateful is not None:
            self._stateful.assigned([tp.partition for tp in assigned])
        metrics.REBALANCES.labels(self._spec.name, "assigned").inc(len(assigned))
        self._owned = frozenset((tp.topic.removeprefix(self._prefix), tp.partition) for tp in assigned)
        self._standstill.moved()
        self._health.owns(set(self._owned))
        self._health.becomes("ready", "" if assigned else "standby: other instances own every partition")

    async def _revoked(self, _app: Any, *found: Any, **_: Any) -> None:
        if self._stateful is not None:
            await self._stateful.revoked()
        self._owned = frozenset()
        metrics.REBALANCES.labels(self._spec.name, "revoked").inc(len(found[0]))


def headers_of(message: Any) -> Headers:
    found = message.headers or ()
    return tuple((name, value or b"") for name, value in (found.items() if isinstance(found, dict) else found))


def raw(received: Received) -> RawRecord:
    return RawRecord(received.position, received.key, received.value, received.headers)
