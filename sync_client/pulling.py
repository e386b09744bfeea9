"""Brings what changed into the file, and retires the operations whose effects came with it."""

from collections.abc import Callable
from typing import Final

from sync_client.errors import UnexpectedAnswer, Unreachable
from sync_client.ledger import Ledger
from sync_client.operations import State
from sync_client.rows import ChangesAnswer, DeviceCommand, Row
from sync_client.service import Answer, Refusal, Service

_GONE: Final = 410
_INVALID_CURSOR, _INVALID_POSITION = "invalid-cursor", "invalid-position"


async def pull_all(
    ledger: Ledger,
    service: Service,
    patience: float,
    on_command: Callable[[DeviceCommand], None],
    *,
    anew: bool = False,
) -> None:
    """Read your writes: waits until the service is past our own last operations. When it does not get there in time,
    what others did is fetched all the same, and our own operations stay on top of it until a later pull.

    Raises Unreachable, NotAllowed, UnexpectedAnswer, SyncStoreError.
    """
    accepted = ledger.in_state(State.ACCEPTED)
    after = ledger.after if accepted else ""
    try:
        await _pull(ledger, service, patience, after, on_command, anew=anew)
    except _InvalidPosition:
        ledger.forget_positions()
        await _pull(ledger, service, patience, "", on_command, anew=anew)
    except Unreachable:
        if not after:
            raise
        await _pull(ledger, service, patience, "", on_command, anew=anew)
        return
    ledger.settle([queued for queued in accepted if queued.operation_id in ledger.view.queue])


class _InvalidPosition(Exception):
    pass


class _StartAnew(Exception):
    pass


async def _pull(
    ledger: Ledger,
    service: Service,
    patience: float,
    after: str,
    on_command: Callable[[DeviceCommand], None],
    *,
    anew: bool,
) -> None:
    if not anew and ledger.cursor is not None:
        try:
            more = True
            while more:
                answer = await _page(ledger, service, ledger.cursor, after, patience)
                for command in ledger.take_in(list(answer), answer.cursor):
                    on_command(command)
                more = answer.more
        except _StartAnew:
            pass
        else:
            return
    rows: list[Row] = []
    cursor, more = None, True
    while more:
        answer = await _page(ledger, service, cursor, after, patience)
        rows += answer
        cursor, more = answer.cursor, answer.more
    for command in ledger.replace(rows, cursor or ""):
        on_command(command)


async def _page(ledger: Ledger, service: Service, cursor: str | None, after: str, patience: float) -> ChangesAnswer:
    answer = await service.changes(cursor, after, patience)
    if isinstance(answer, Answer):
        if answer.server_time is not None:
            ledger.set_by(answer.server_time)
        return answer.decoded(ChangesAnswer)
    raise _refused(answer, first=cursor is None)


def _refused(refusal: Refusal, *, first: bool) -> Exception:
    if refusal.slug == _INVALID_POSITION:
        return _InvalidPosition()
    if not first and (refusal.status == _GONE or refusal.slug == _INVALID_CURSOR):
        return _StartAnew()
    return UnexpectedAnswer(f"the service refuses to tell changes: {refusal.status} {refusal.problem.reason}")
