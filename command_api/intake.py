"""What happens to the commands of a person's devices, in this order:

1. sense: everything in the body is usable, or the whole request is refused (who is calling was settled before);
2. fairness and claim, in one round trip: the user's rate limit, and this request is the one that works on its
   operation ids;
3. append: every event is in the log, in the order of the request, acknowledged by all in-sync replicas;
4. settle: what stands where is noted, so that a repetition gets the same answer and appends nothing;
5. answer. Never a 2xx before 3.

A request that makes no sense costs one of the allowance as well.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

import msgspec

from command_api.faults import MOST_ERRORS
from command_api.operation_ids import (
    DIGEST_BYTES,
    Claimed,
    Conflicting,
    InProgress,
    Limited,
    Once,
    OperationIds,
)
from runtime import logging, metrics, tracing
from runtime.connections import redis
from runtime.connections.kafka import Acknowledged, Message, ProduceError
from runtime.http import problems, rate_limit
from runtime.http.positions import POSITION_HEADER, LogPosition, format_positions, newest
from runtime.http.problems import FieldError, Problem
from runtime.http.rate_limit import Decision, Quota
from schemas import codec
from schemas.types import AnyEvent

_LOG = logging.get(__name__)
_RETRY_SECONDS: Final = 2


class EventLog(Protocol):
    async def send(self, messages: Sequence[Message]) -> list[Acknowledged]:
        """Raises ProduceError when any message was not acknowledged."""
        ...


class Proposed(msgspec.Struct, frozen=True, gc=False):
    """An event to append. `pointer` is where it stands in the body; `digest` is set for what may be accepted once."""

    event: AnyEvent
    pointer: str
    digest: bytes | None = None


class Accepted(msgspec.Struct, frozen=True):
    """Where each proposed event is in the log, and the headers of the answer."""

    positions: tuple[LogPosition, ...]
    headers: dict[str, str]

    @property
    def newest(self) -> tuple[str, ...]:
        """Waiting for these is waiting for all."""
        return tuple(str(position) for position in newest(self.positions))


class Intake:
    """Appends for one service. `quota` is what each user has."""

    def __init__(self, service: str, *, ids: OperationIds, log: EventLog, quota: Quota, topic_prefix: str = "") -> None:
        self._service = service
        self._ids = ids
        self._log = log
        self._quota = quota
        self._prefix = topic_prefix

    async def accept(self, user_id: str, propose: Callable[[], Awaitable[Sequence[Proposed]]]) -> Accepted:
        """Steps 1 to 5; `propose` is the first. Raises Problem: its own, and 409, 425, 429 and 503."""
        try:
            try:
                proposed = await propose()
                first = _first_of_each(proposed)
            except Problem as problem:
                problem.headers.update(await self.take(user_id))
                raise
            found, headers = await self._append_once(user_id, first)
            positions = tuple(found[each.event.event_id] for each in proposed)
            return Accepted(positions, {POSITION_HEADER: format_positions(newest(positions)), **headers})
        except Problem as problem:
            metrics.COMMANDS.labels(self._service, problem.type.slug).inc()
            raise

    async def take(self, user_id: str) -> dict[str, str]:
        """One request out of the user's allowance; its headers. Raises Problem (429, 503)."""
        return self._allowed((await self._claim(user_id, ())).decision)

    async def _append_once(
        self, user_id: str, first: dict[str, Proposed]
    ) -> tuple[dict[str, LogPosition], dict[str, str]]:
        """Positions by event id, and headers."""
        once = {each.event.event_id: Once(each.event.event_id, each.digest) for each in first.values() if each.digest}
        claim = await self._claim(user_id, tuple(once.values()))
        headers = self._allowed(claim.decision)
        match claim:
            case Claimed():
                return await self._append_claimed(claim, first, once, headers), headers
            case Conflicting(_, places):
                ids = list(once)
                raise _conflict([first[ids[place]] for place in places], headers)
            case _:
                raise Problem(problems.OPERATION_IN_PROGRESS, headers=headers, retry_after_seconds=1)

    async def _append_claimed(
        self, claim: Claimed, first: dict[str, Proposed], once: dict[str, Once], headers: dict[str, str]
    ) -> dict[str, LogPosition]:
        known = {event_id: text for event_id, text in zip(once, claim.known, strict=True) if text is not None}
        fresh = [each for each in first.values() if each.event.event_id not in known]
        mine = [once[each.event.event_id] for each in fresh if each.digest]
        try:
            appended = await self._append([each.event for each in fresh])
        except BaseException as error:
            # Also when the request is cancelled: a retry must not wait for the lease to end.
            self._ids.settle(claim.receipt, dict.fromkeys(mine))
            if isinstance(error, ProduceError):
                _LOG.warning("events_not_in_log", service=self._service, error=str(error))
                raise _away("Kafka", headers) from None
            raise
        found = {each.event.event_id: position for each, position in zip(fresh, appended, strict=True)}
        self._ids.settle(claim.receipt, {each: _place(found[each.event_id]) for each in mine})
        metrics.COMMANDS.labels(self._service, "accepted").inc(len(fresh))
        if known:
            metrics.COMMANDS.labels(self._service, "repeated").inc(len(known))
            found.update({event_id: _position(first[event_id].event, text) for event_id, text in known.items()})
        return found

    async def _claim(self, user_id: str, operations: Sequence[Once]) -> Limited | Conflicting | InProgress | Claimed:
        try:
            return await self._ids.claim(user_id, self._quota, operations)
        except redis.Error as error:
            _LOG.warning("operation_ids_unavailable", service=self._service, error=type(error).__name__)
            raise _away("Redis", {}) from None

    def _allowed(self, decision: Decision) -> dict[str, str]:
        return rate_limit.require(self._service, self._quota, decision)

    async def _append(self, events: Sequence[AnyEvent]) -> list[LogPosition]:
        if not events:
            return []
        traceparent = tracing.current_traceparent()
        headers = ((tracing.TRACEPARENT, traceparent.encode()),) if traceparent else ()
        acknowledged = await self._log.send(
            [
                Message(self._prefix + codec.topic_of(event), codec.key_of(event), codec.encode(event), headers)
                for event in events
            ]
        )
        # Positions are told under the topics' own names: the prefix is ours, not the caller's.
        return [
            LogPosition(each.topic.removeprefix(self._prefix), each.partition, each.offset) for each in acknowledged
        ]


def digest_of(event: AnyEvent) -> bytes:
    """Of the content, for `Proposed.digest`. A repetition must have the same: nothing in it may be of its arrival."""
    return hashlib.blake2b(msgspec.msgpack.encode(event), digest_size=DIGEST_BYTES).digest()


def _first_of_each(proposed: Sequence[Proposed]) -> dict[str, Proposed]:
    """By event id. The same operation twice in a request is one. Raises Problem (409) for one id with two contents."""
    first: dict[str, Proposed] = {}
    others = [each for each in proposed if first.setdefault(each.event.event_id, each).digest != each.digest]
    if others:
        raise _conflict(others, {})
    return first


def _conflict(found: Sequence[Proposed], headers: dict[str, str]) -> Problem:
    detail = "came with another content before"
    return Problem(
        problems.OPERATION_CONFLICT,
        f"Nothing was accepted: {len(found)} of the operations came with another content before.",
        errors=[FieldError(detail=detail, pointer=each.pointer) for each in found[:MOST_ERRORS]],
        headers=headers,
    )


def _place(position: LogPosition) -> str:
    return f"{position.partition}:{position.offset}"


def _position(event: AnyEvent, text: str) -> LogPosition:
    partition, _, offset = text.partition(":")
    return LogPosition(codec.topic_of(event), int(partition), int(offset))


def _away(backend: str, headers: dict[str, str]) -> Problem:
    return Problem(
        problems.UNAVAILABLE, f"{backend} does not answer.", headers=headers, retry_after_seconds=_RETRY_SECONDS
    )
