"""The loop: who leads, what is due, and what becomes of each attempt."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, TypeVar

import msgspec

from runtime import logging, metrics
from runtime.backoff import Backoff
from runtime.clock import Clock, SystemClock
from runtime.connections import postgres
from runtime.connections.outgoing import Outgoing
from runtime.health import UnitHealth
from runtime.settings import Settings
from streams.senders.webhooks.message import body_of
from streams.senders.webhooks.posting import Outcome, attempt
from streams.senders.webhooks.schedule import wait_after
from streams.senders.webhooks.store import FAN_OUT, Attempt, Deliveries, Due
from streams.senders.webhooks.subscribers import KnownSubscribers, Subscriber

T = TypeVar("T")
AT_ONCE: Final = 8
"""Messages on their way to one subscriber."""
_LOOK_SECONDS: Final = 0.5
_STANDBY_SECONDS: Final = 5.0
_TIDY_SECONDS: Final = 30.0
_GRACE_SECONDS: Final = 5.0
_LOG = logging.get(__name__)


class Sender:
    def __init__(
        self,
        settings: Settings,
        health: UnitHealth,
        clock: Clock | None = None,
        connect: Callable[[str], Deliveries] = Deliveries,
    ) -> None:
        self._dsn = settings.postgres_dsn
        self._health = health
        self._clock = clock or SystemClock()
        self._connect = connect
        self._subscribers = KnownSubscribers(settings.subscribers_file)
        self._stopping = asyncio.Event()
        self._turn = asyncio.Lock()
        """One statement at a time: there is one session."""
        self._sending: dict[str, dict[str, asyncio.Task[None]]] = {}
        """By subscriber and message."""
        self._rest_until: dict[str, float] = {}
        self._tidied = float("-inf")

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        """A database that is away is waited for; then this process stands by again. Raises other errors."""
        backoff = Backoff(first=0.5, most=15.0)
        while not self._stopping.is_set():
            try:
                await self._serve(backoff)
            except postgres.Error as error:
                if not postgres.is_transient(error):
                    raise
                self._health.becomes("degraded", "PostgreSQL does not answer")
                await self._pause(backoff.next_delay())

    async def _serve(self, backoff: Backoff) -> None:
        deliveries = await asyncio.to_thread(self._connect, self._dsn)
        outgoing = {private: Outgoing(private=private) for private in (False, True)}
        try:
            while not await self._asked(deliveries.become_leader):
                self._health.becomes("ready", "another process sends; standing by")
                await self._pause(_STANDBY_SECONDS)
                if self._stopping.is_set():
                    return
            while not self._stopping.is_set():
                began = await self._look(deliveries, outgoing)
                backoff.reset()
                trouble = self._subscribers.trouble
                self._health.becomes("degraded" if trouble else "ready", trouble)
                if not began:
                    await self._pause(_LOOK_SECONDS)
            await self._finish(_GRACE_SECONDS)
        finally:
            await self._finish(0.0)
            for each in outgoing.values():
                await each.close()
            await asyncio.to_thread(deliveries.close)

    async def _look(self, deliveries: Deliveries, outgoing: Mapping[bool, Outgoing]) -> bool:
        """Starts what is due, and waits for some of what is under way; whether there may be more at once."""
        more = False
        self._reap()
        for name, subscriber in self._subscribers.look().items():
            more |= await self._asked(deliveries.fan_out, subscriber) >= FAN_OUT
            under_way = self._sending.setdefault(name, {})
            free = AT_ONCE - len(under_way)
            if not free or time.monotonic() < self._rest_until.get(name, 0.0):
                continue
            for due in await self._asked(deliveries.due, name, free, self._clock.now(), tuple(under_way)):
                sending = self._send(deliveries, outgoing[subscriber.private], subscriber, due)
                under_way[due.event_id] = asyncio.create_task(sending)
        await self._tidy(deliveries)
        tasks = [task for tasks in self._sending.values() for task in tasks.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        return more or bool(tasks)

    def _reap(self) -> None:
        """Forgets what has ended, also of subscribers who are gone. Raises what one of them raised."""
        for under_way in self._sending.values():
            for event_id, task in list(under_way.items()):
                if task.done():
                    del under_way[event_id]
                    task.result()

    async def _tidy(self, deliveries: Deliveries) -> None:
        if time.monotonic() < self._tidied + _TIDY_SECONDS:
            return
        self._tidied = time.monotonic()
        waiting = await self._asked(deliveries.waiting)
        for name in self._subscribers.look():
            metrics.WEBHOOKS_WAITING.labels(name).set(waiting.get(name, 0))
        await self._asked(deliveries.forget)

    async def _send(self, deliveries: Deliveries, outgoing: Outgoing, subscriber: Subscriber, due: Due) -> None:
        now = self._clock.now()
        try:
            body = body_of(due.document)
        except msgspec.MsgspecError as error:  # one message that nobody can read must not stop all others
            _LOG.error("webhook_unreadable", subscriber=subscriber.name, event_id=due.event_id, error=str(error))
            await self._asked(deliveries.record, due, Attempt(now, None, f"unreadable: {error}", 0), "failed", None)
            return
        outcome = await attempt(outgoing, subscriber, due.event_id, body, now)
        metrics.WEBHOOKS_SENT.labels(subscriber.name, outcome.name).inc()
        state, next_at = "delivered", None
        if outcome.attempt.trouble:
            state, next_at = self._after(subscriber, due, outcome, now)
        if not await self._asked(deliveries.record, due, outcome.attempt, state, next_at):
            _LOG.warning("webhook_recorded_by_others", subscriber=subscriber.name, event_id=due.event_id)
        if outcome.name == "gone":
            await self._asked(deliveries.disable, subscriber.name, "it answered 410 Gone")
            _LOG.warning("webhook_subscriber_gone", subscriber=subscriber.name)
        self._health.progressed(1, now.timestamp())

    def _after(self, subscriber: Subscriber, due: Due, outcome: Outcome, now: datetime) -> tuple[str, datetime | None]:
        rest = outcome.rest(now)
        if rest:
            self._rest_until[subscriber.name] = time.monotonic() + rest
        wait = wait_after(due.attempts + 1)
        if wait is None:
            metrics.WEBHOOKS_GIVEN_UP.labels(subscriber.name).inc()
            _LOG.warning("webhook_given_up", subscriber=subscriber.name, event_id=due.event_id)
            return "failed", None
        _LOG.info("webhook_repeats", subscriber=subscriber.name, event_id=due.event_id, trouble=outcome.attempt.trouble)
        return "waiting", now + max(wait, timedelta(seconds=rest))

    async def _asked(self, question: Callable[..., T], *about: object) -> T:
        async with self._turn:
            return await asyncio.to_thread(question, *about)

    async def _finish(self, seconds: float) -> None:
        """What is under way ends, or is sent again by whoever comes next."""
        tasks = [task for tasks in self._sending.values() for task in tasks.values()]
        self._sending = {}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return
