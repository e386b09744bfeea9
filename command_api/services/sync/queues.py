"""Takes devices' queues: checks them and the room on the watchlist, and has them appended."""

from collections.abc import Sequence

import msgspec

from command_api.faults import MOST_ERRORS
from command_api.fields import path_id
from command_api.intake import Intake, Proposed
from command_api.services.sync.events import to_events
from command_api.services.sync.reader import SyncReader
from command_api.services.sync.requests import Queued, parse
from command_api.services.sync.room import titles_in_question, without_room
from runtime.clock import Clock
from runtime.http import problems
from runtime.http.problems import Problem


class OperationAccepted(msgspec.Struct, frozen=True, rename="camel"):
    """`eventId` is its name in the log; of an addition to the watchlist also the tag that a later removal names.
    `position` is where it stands."""

    operation_id: str
    event_id: str
    position: str


class MutationsAccepted(msgspec.Struct, frozen=True, rename="camel"):
    """Every operation of the request is in the log, in its order."""

    operations: tuple[OperationAccepted, ...]


class Queues:
    def __init__(self, intake: Intake, reader: SyncReader, clock: Clock) -> None:
        self._intake = intake
        self._reader = reader
        self._clock = clock

    async def accept(self, user_id: str, device_id: str, body: bytes) -> tuple[MutationsAccepted, dict[str, str]]:
        """The answer and its headers. Raises Problem (400, 409, 422, 425, 429, 503) and accepts nothing then."""
        queue: list[Queued] = []
        proposed: list[Proposed] = []

        async def propose() -> Sequence[Proposed]:
            queue.extend(parse(body, self._clock.now()))
            await self._require_room(user_id, queue)
            proposed.extend(to_events(user_id, device_id, queue))
            return proposed

        accepted = await self._intake.accept(path_id("user_id", user_id), propose)
        operations = tuple(
            OperationAccepted(queued.operation.operation_id, each.event.event_id, str(position))
            for queued, each, position in zip(queue, proposed, accepted.positions, strict=True)
        )
        return MutationsAccepted(operations), accepted.headers

    async def _require_room(self, user_id: str, queue: Sequence[Queued]) -> None:
        """Raises Problem (422, watchlist-full)."""
        titles = titles_in_question(queue)
        if not titles:
            return
        found = await self._reader.listed(user_id, titles)
        faults = without_room(queue, found.titles, found.known)
        if faults:
            detail = f"Nothing was accepted: {len(faults)} additions do not fit."
            raise Problem(problems.WATCHLIST_FULL, detail, errors=faults[:MOST_ERRORS])
