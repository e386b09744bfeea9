"""Live: what changed for one person, told to their devices as it happens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from query_api.services.live.controller import LiveController
from query_api.services.live.hub import Hub
from query_api.services.live.reader import READ_MODELS, PostgresLiveReader
from query_api.services.live.stream import Encoded
from runtime.clock import SystemClock
from runtime.connections import postgres
from runtime.connections.notices import Subscriber
from runtime.http.identity import verifier_of
from runtime.http.service import Resources, ServiceSpec
from runtime.settings import Settings
from schemas.read_models import notices


@asynccontextmanager
async def _resources(settings: Settings) -> AsyncIterator[Resources]:
    pool = postgres.reader_pool(settings.postgres_reader_dsn, "mg-live", size=4)
    # Not waiting: a database that is away shows in readiness and must not keep the commands beside us from starting.
    await pool.open(wait=False)
    channels = [notices.channel(read_model) for read_model in READ_MODELS]
    subscriber = Subscriber(settings.redis_url, "mg-live", channels, notices.decode, prefix=settings.topic_prefix)
    reader = PostgresLiveReader(pool)
    hub = Hub(reader, subscriber, SystemClock())
    try:
        async with hub.running():
            yield Resources(
                {"hub": hub, "encoded": Encoded(), "verifier": verifier_of(settings)},
                {"postgres": reader.ping},
                stopping=hub.stop,
            )
    finally:
        await pool.close()


SPEC = ServiceSpec(
    name="live",
    controllers=(LiveController,),
    resources=_resources,
    dependencies=("hub", "encoded", "verifier"),
    description="Tells a person's devices what changed, as it happens, over WebSocket or Server-Sent Events.",
    authenticated=True,
)
