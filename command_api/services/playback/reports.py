"""Takes what devices report: checks it, and has it appended."""

from collections.abc import Sequence

from command_api.fields import path_id
from command_api.intake import Accepted, Intake, Proposed
from command_api.services.playback import events
from command_api.services.playback.requests import parse_events, parse_ratings
from runtime.clock import Clock
from runtime.http.identity import Caller


class Reports:
    """Every method raises Problem (400, 403, 409, 422, 425, 429, 503) and accepts nothing then."""

    def __init__(self, intake: Intake, clock: Clock) -> None:
        self._intake = intake
        self._clock = clock

    async def played(self, user_id: str, caller: Caller, body: bytes) -> Accepted:
        async def propose() -> Sequence[Proposed]:
            region, reported = parse_events(body, caller, self._clock.now())
            return events.playback_events(user_id, region, reported)

        return await self._intake.accept(path_id("user_id", user_id), propose)

    async def rated(self, user_id: str, caller: Caller, body: bytes) -> Accepted:
        async def propose() -> Sequence[Proposed]:
            return events.ratings(user_id, parse_ratings(body, caller, self._clock.now()))

        return await self._intake.accept(path_id("user_id", user_id), propose)
