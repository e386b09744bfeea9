"""availability: where can this title be watched, in which region, for how much?

Fed by `titles`. Needs no order: each title's offers are those of its highest version, whatever came first, and always
of one snapshot. A replay costs the staged rows and changes nothing.
"""

from schemas.read_models.availability import READ_MODEL
from streams.engine.spec import MaterializerSpec
from streams.materializers.availability.store import create, versions
from streams.materializers.availability.transform import transform

SPEC = MaterializerSpec(
    name=READ_MODEL,
    transform=transform,
    store=create,
    versions=versions,
    linger_seconds=0.05,
    store_kind="postgres",
    description="Where each title can be watched, region by region",
)
