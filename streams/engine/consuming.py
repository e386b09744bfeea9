"""The Faust app of a processor, and its acknowledgements held in hand."""

import asyncio
import time
from collections.abc import Coroutine, Generator, Sequence
from types import CoroutineType
from typing import Any

import faust
from faust.transport.drivers.aiokafka import Consumer
from mode.services import WaitResults

from runtime.settings import Settings
from streams.engine.spec import ProcessorSpec

_MANY_A_SECOND = 1000.0
"""Events since the batch before; then the next gathers for its whole time."""
_FEW = 20
"""Of so few it says nothing how soon they came after another: at any rate some are close together."""
_LATE_SECONDS = 0.25
"""So old an event, and there is a backlog, however slowly it comes: small batches would make it come more slowly."""
_LONGEST_SECONDS = 1.0
"""A batch of a backlog gathers for as long as its events are late, but no longer: what is late loses nothing by it, and
each key is written once a batch."""


class QuickConsumer(Consumer):
    """Delivers a message without tasks of its own.

    For each message Faust waits for its delivery, for a rebalance and for two kinds of end, in four new tasks; that was
    half of its work. A delivery has to wait only when the agent's buffer is full; then it goes on as Faust has it.
    """

    async def wait_first(self, *coros: Any, timeout: Any = None) -> WaitResults:  # noqa: ASYNC109 - Faust's signature
        delivery = coros[0]
        if isinstance(delivery, CoroutineType) and delivery.cr_code.co_name == "on_message":
            try:
                waiting = delivery.send(None)
            except StopIteration as delivered:
                coros[1].close()
                return WaitResults([delivery], [delivered.value], False)
            coros = (_Begun(delivery, waiting), *coros[1:])
        return await super().wait_first(*coros, timeout=timeout)


class _Begun:
    """A coroutine that was started by hand and waits for something, to be awaited by somebody else."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], waiting: Any) -> None:
        self._coroutine = coroutine
        self._waiting = waiting

    def __await__(self) -> Generator[Any, Any, Any]:
        waiting = self._waiting
        try:
            while True:
                try:
                    yield waiting
                except BaseException as error:  # noqa: BLE001 - a cancellation, for the coroutine to hear
                    waiting = self._coroutine.throw(error)
                else:
                    waiting = self._coroutine.send(None)
        except StopIteration as end:
            return end.value


def build_app(spec: ProcessorSpec, settings: Settings) -> faust.App:
    """One app a processor: its own group, lag and failure domain. Built by a function, never at import."""
    app = faust.App(
        f"{settings.group_prefix}{spec.name.replace('_', '-')}",
        broker=[f"kafka://{address}" for address in settings.kafka.split(",")],
        store="memory://",
        datadir=str(settings.home / "faust" / spec.name),
        processing_guarantee="at_least_once",
        autodiscover=False,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=1_048_576,  # of a partition; read ahead, as objects six times as large
        broker_session_timeout=10.0,
        broker_heartbeat_interval=3.0,
        broker_max_poll_interval=900.0,
        broker_commit_interval=1.0,
        stream_buffer_maxsize=max(spec.max_batch * 2, 256),
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        reply_create_topic=False,
    )
    app.transport.Consumer = QuickConsumer  # type: ignore[misc]  # a class variable, but of this transport alone
    return app


def hand_over_early(stream: Any, seconds: float) -> None:
    """Makes `take_events` end a batch so soon after its first event, unless many came since the one before, or late.

    By itself it gathers for a fixed time, so that an event waits for all of it or, by chance, for a part. When there is
    much to do, large batches are what matters, and it does what it did; the more so the later it is.
    """
    wait, arrived, now = stream.wait_for_stopped, asyncio.Event(), asyncio.get_running_loop().time
    count, since, newest = 0, now(), float("inf")
    gathers: float | None = None
    """At least so long does the next batch, whatever it holds; None: it is handed over early."""

    def note(value: Any) -> Any:
        # Faust says which event it is to processors alone: between two events there is no current one.
        nonlocal count, newest
        count, newest = count + 1, stream.current_event.message.timestamp
        arrived.set()
        return value

    async def gathered(full: asyncio.Event, *, timeout: float) -> bool:  # noqa: ASYNC109 - Faust's signature
        nonlocal count, since, newest, gathers
        if gathers is not None:
            stopped: bool = await wait(full, timeout=max(timeout, gathers))
        else:
            stopped = await wait(arrived, timeout=timeout)
            if arrived.is_set() and not stopped:
                stopped = await wait(full, timeout=min(seconds, timeout))
        arrived.clear()
        late, many = time.time() - newest, count >= max(_FEW, _MANY_A_SECOND * (now() - since))
        gathers = min(late, _LONGEST_SECONDS) if late >= _LATE_SECONDS else 0.0 if many else None
        count, since, newest = 0, now(), float("inf")
        return stopped

    async def first(full: asyncio.Event, *, timeout: float) -> bool:  # noqa: ASYNC109 - Faust's signature
        # Only now, behind what puts an event into the batch: `arrived` says that it is there.
        stream.add_processor(note)
        stream.wait_for_stopped = gathered
        return await gathered(full, timeout=timeout)

    stream.wait_for_stopped = first


def withhold(events: Sequence[Any]) -> None:
    """Makes Faust's acknowledgement of these events do nothing: they will be delivered again.

    `Consumer.ack` ignores messages already marked, and an offset that was never recorded is never committed.
    """
    for event in events:
        event.message.acked = True


def allow(events: Sequence[Any]) -> None:
    """What these events led to is durable: the next acknowledgement counts."""
    for event in events:
        event.message.acked = False
