"""title_catalog: what is this title, and which title has this id, this name?

Fed by `titles`. Needs no order: each title's row is the one of its highest version, whatever came first. A replay costs
one staged row a title and changes nothing.
"""

from schemas.read_models.title_catalog import READ_MODEL
from streams.engine.spec import MaterializerSpec
from streams.materializers.title_catalog.store import create, versions
from streams.materializers.title_catalog.transform import transform

SPEC = MaterializerSpec(
    name=READ_MODEL,
    transform=transform,
    store=create,
    versions=versions,
    store_kind="postgres",
    description="One row a title for the APIs, with names and external ids to find it by",
)
