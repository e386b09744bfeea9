"""Playback: players report what they do, people what they think of it; accepted when Kafka has all of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from command_api.backends import opened
from command_api.services.playback.controller import PlaybackController
from command_api.services.playback.reports import Reports
from runtime.clock import SystemClock
from runtime.http.rate_limit import Quota
from runtime.http.service import Resources, ServiceSpec
from runtime.settings import Settings

_QUOTA = Quota(rate_per_second=100, burst=500)
"""Of each user: a player reports every ten seconds; a queue after a day offline in requests of 500."""


@asynccontextmanager
async def _resources(settings: Settings) -> AsyncIterator[Resources]:
    async with opened(settings, "playback", _QUOTA) as backends:
        yield Resources({"reports": Reports(backends.intake, SystemClock())}, backends.ready)


SPEC = ServiceSpec(
    name="playback",
    controllers=(PlaybackController,),
    resources=_resources,
    dependencies=("reports",),
    description="Takes what players did and how people rated it, from the devices of the person who did.",
    authenticated=True,
)
