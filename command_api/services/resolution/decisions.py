"""Takes what operators decide: checks it, and has it appended.

Decision ids are remembered for ever: by Redis until entity resolution has read the decision, and in its table after.
All operators share one rate limit and one set of ids.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from command_api.faults import Faults
from command_api.intake import Accepted, Intake, Proposed
from command_api.operation_ids import DIGEST_BYTES
from command_api.services.resolution.events import is_repetition, to_event
from command_api.services.resolution.reader import Registry
from command_api.services.resolution.requests import Command, parse
from runtime.clock import Clock
from runtime.http import problems
from runtime.http.positions import POSITION_HEADER, format_positions, parse_positions
from runtime.http.problems import FieldError, Problem

_OPERATORS = "operators"


class Taken(msgspec.Struct, frozen=True):
    command: Command
    accepted: Accepted


class Decisions:
    def __init__(self, intake: Intake, registry: Registry, clock: Clock) -> None:
        self._intake = intake
        self._registry = registry
        self._clock = clock

    async def decide(self, operator: str, body: bytes) -> Taken:
        """Raises Problem (400, 409, 422, 425, 429, 503) and accepts nothing then."""
        faults = Faults()
        command = parse(body, faults)
        faults.raise_if_any(self._clock.now())
        if command is None:
            raise RuntimeError("nothing was read and no fault was found")
        earlier = await self._registry.decision(command.decision_id)
        if earlier is not None:
            if not is_repetition(command, operator, earlier):
                raise _conflict()
            positions = parse_positions(earlier.log_position)
            headers = await self._intake.take(_OPERATORS)
            return Taken(command, Accepted(positions, {POSITION_HEADER: format_positions(positions), **headers}))

        async def propose() -> Sequence[Proposed]:
            event = await to_event(command, operator, self._clock.now(), self._registry, faults)
            faults.raise_if_any(self._clock.now())
            return [] if event is None else [Proposed(event, "#", _digest(command, operator))]

        return Taken(command, await self._intake.accept(_OPERATORS, propose))


def _digest(command: Command, operator: str) -> bytes:
    """Of what the client sent: the items of titles may be others in a repetition."""
    content = msgspec.json.encode((operator, command))
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest()


def _conflict() -> Problem:
    return Problem(
        problems.OPERATION_CONFLICT,
        "Another decision was taken under this id before.",
        errors=[FieldError(detail="came with another content before", pointer="#/decisionId")],
    )
