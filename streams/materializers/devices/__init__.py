"""devices: on what does this person watch, and what did one device ask of another?

Fed by `device-changes`. Needs no order: what was said last about a device by its clock wins, whatever came first; a
command is written once and never changed. A replay costs the staged rows and changes nothing, not even a revision.
Expired commands stay until a rebuild: the log keeps a year of them, and so does the next version.
"""

from schemas.read_models.devices import READ_MODEL
from streams.engine.spec import MaterializerSpec
from streams.materializers.devices.store import create, versions
from streams.materializers.devices.transform import transform

SPEC = MaterializerSpec(
    name=READ_MODEL,
    transform=transform,
    store=create,
    versions=versions,
    store_kind="postgres",
    description="The devices of each person, and what one asks of another",
)
