"""ratings: how did this person rate this title?

Fed by `ratings`. Needs no order: the rating with the newest clock wins, whatever came first. A replay costs the staged
rows and changes nothing, not even a revision.
"""

from schemas.read_models.ratings import READ_MODEL
from streams.engine.spec import MaterializerSpec
from streams.materializers.ratings.store import create, versions
from streams.materializers.ratings.transform import transform

SPEC = MaterializerSpec(
    name=READ_MODEL,
    transform=transform,
    store=create,
    versions=versions,
    store_kind="postgres",
    description="The newest rating of each person for each title",
)
