"""Empties the queue into the service, in order. Every try of an operation has the same id, so none counts twice."""

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from sync_client.errors import UnexpectedAnswer
from sync_client.ledger import Ledger, to_wire
from sync_client.operations import Queued
from sync_client.rows import MutationsAnswer, ProblemAnswer
from sync_client.service import Answer, Refusal, Service

MOST_OPERATIONS: Final = 500
_PLACE: Final = re.compile(r"#?/operations/(\d{1,4})(?:/|$)")
_REJECTING: Final = frozenset({400, 409, 413, 422})
_CLOCK_AHEAD: Final = "clock-ahead"


class Sent(Struct, frozen=True):
    """How many operations of a flush were accepted, and how many rejected for good."""

    accepted: int = 0
    rejected: int = 0


async def send_all(ledger: Ledger, service: Service, patience: float) -> Sent:
    """Until nothing is left to send. Raises Unreachable, NotAllowed, UnexpectedAnswer, SyncStoreError."""
    if ledger.needs_time and (now := await service.time(patience)) is not None:
        ledger.set_by(now)
    accepted = rejected = 0
    size = MOST_OPERATIONS
    while batch := ledger.take(size):
        answer = await service.mutate(to_wire(batch), patience)
        if isinstance(answer, Answer):
            _accept(ledger, batch, answer)
            accepted, size = accepted + len(batch), MOST_OPERATIONS
            continue
        if answer.slug == _CLOCK_AHEAD and answer.server_time and ledger.set_by(answer.server_time):
            continue
        if answer.status not in _REJECTING:
            raise UnexpectedAnswer(f"the service refuses the queue: {answer.status} {answer.problem.reason}")
        reasons = _reasons(batch, answer)
        if reasons:
            ledger.reject(reasons)
            rejected += len(reasons)
        else:
            size = max(1, len(batch) // 2)  # it does not say which: halve until one is alone
    return Sent(accepted, rejected)


def _accept(ledger: Ledger, batch: Sequence[Queued], answer: Answer) -> None:
    """Nothing is accepted but what the service names. Raises UnexpectedAnswer when it names something else."""
    told = {each.operation_id: each.position for each in answer.decoded(MutationsAnswer).operations}
    if told.keys() != {queued.operation_id for queued in batch}:
        raise UnexpectedAnswer("the service did not answer for every operation; they stay queued")
    positions = [*told.values(), *answer.headers.get("MG-Position", "").split(",")]
    ledger.accept(batch, positions)
    if answer.server_time is not None:
        ledger.set_by(answer.server_time)


def _reasons(batch: Sequence[Queued], refusal: Refusal) -> list[tuple[Queued, str]]:
    """Which operations the service names, and why; all of them when there is just one."""
    problem = refusal.problem
    if len(batch) == 1:
        return [(batch[0], _reason(problem))]
    found: dict[int, list[str]] = {}
    for error in problem.errors:
        place = _PLACE.match(error.pointer or "")
        if place and int(place[1]) < len(batch):
            found.setdefault(int(place[1]), []).append(error.detail)
    return [(batch[place], f"{problem.title}: {'; '.join(details)}") for place, details in sorted(found.items())]


def _reason(problem: ProblemAnswer) -> str:
    details = [error.detail for error in problem.errors if error.detail]
    return f"{problem.title}: {'; '.join(details) or problem.detail}"
