"""Which units a fault test runs: two cores are few, and what is not tested need not run."""

CATALOG = (
    "service:ingestion",
    "service:discovery",
    "processor:normalization",
    "processor:entity_resolution",
    "processor:embedding",
    "processor:offer_lifecycle",
    "materializer:title_catalog",
    "materializer:availability",
    "materializer:availability_changes",
    "materializer:title_search",
    "materializer:provider_deliveries",
    "sender:webhooks",
)
"""Everything an import goes through, and who shows it."""
VIEWING = (
    "service:sync",
    "service:playback",
    "processor:playback_sessions",
    "processor:title_trends",
    "materializer:watch_state",
    "materializer:watchlist",
    "materializer:playback_history",
    "materializer:ratings",
    "materializer:preferences",
    "materializer:devices",
    "materializer:trending",
)
"""Everything that what people do goes through."""


def consumers(units: tuple[str, ...]) -> list[str]:
    """`embedding` of `processor:embedding`; services and senders consume nothing."""
    return [name for kind, _, name in (unit.partition(":") for unit in units) if kind not in ("service", "sender")]
