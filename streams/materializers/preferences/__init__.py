"""preferences: what does this person prefer, on every device?

Fed by `preference-changes`. Needs no order: the value with the newest clock wins, whatever came first. A replay costs
the staged rows and changes nothing, not even a revision.
"""

from schemas.read_models.preferences import READ_MODEL
from streams.engine.spec import MaterializerSpec
from streams.materializers.preferences.store import create, versions
from streams.materializers.preferences.transform import transform

SPEC = MaterializerSpec(
    name=READ_MODEL,
    transform=transform,
    store=create,
    versions=versions,
    store_kind="postgres",
    description="What each person prefers, the same on every device",
)
