"""Everything that runs in the pipeline: three tuples, nothing discovered."""

from streams.engine.spec import MaterializerSpec, ProcessorSpec, SenderSpec
from streams.materializers import (
    availability,
    availability_changes,
    devices,
    playback_history,
    preferences,
    provider_deliveries,
    ratings,
    title_catalog,
    title_search,
    trending,
    watch_state,
    watchlist,
)
from streams.processors import (
    embedding,
    entity_resolution,
    normalization,
    offer_lifecycle,
    playback_sessions,
    title_trends,
)
from streams.senders import webhooks

PROCESSORS: tuple[ProcessorSpec, ...] = (
    normalization.SPEC,
    entity_resolution.SPEC,
    embedding.SPEC,
    offer_lifecycle.SPEC,
    playback_sessions.SPEC,
    title_trends.SPEC,
)
MATERIALIZERS: tuple[MaterializerSpec, ...] = (
    title_catalog.SPEC,
    availability.SPEC,
    availability_changes.SPEC,
    title_search.SPEC,
    provider_deliveries.SPEC,
    watch_state.SPEC,
    watchlist.SPEC,
    playback_history.SPEC,
    ratings.SPEC,
    devices.SPEC,
    preferences.SPEC,
    trending.SPEC,
)
SENDERS: tuple[SenderSpec, ...] = (webhooks.SPEC,)
PIPELINE: tuple[ProcessorSpec | MaterializerSpec, ...] = (*PROCESSORS, *MATERIALIZERS)
