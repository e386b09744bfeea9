"""provider_deliveries: what became of the items a provider delivered?

Fed by `catalog-deliveries` (accepted), `provider-items` (normalized, withdrawn) and the dead letters of the processors
that read those. No order between them is needed. A replay costs one upsert an item and changes nothing.
"""

from schemas.read_models.provider_deliveries import READ_MODEL
from streams.engine.spec import MaterializerSpec
from streams.materializers.provider_deliveries.store import create, versions
from streams.materializers.provider_deliveries.transform import transform

SPEC = MaterializerSpec(
    name=READ_MODEL,
    transform=transform,
    store=create,
    versions=versions,
    linger_seconds=0.2,
    store_kind="postgres",
    description="Deliveries of providers and the outcome of each item",
    dead_letters=True,
)
