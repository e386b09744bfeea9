"""playback_history: what did this person watch, when, and how much of it?

Fed by `playback-sessions`. Needs no order: what the newest clock says of a session wins, whatever came first. A replay
costs the staged rows and changes nothing, not even a revision. Months get a partition when their first session comes.
"""

from schemas.read_models.playback_history import READ_MODEL
from streams.engine.spec import MaterializerSpec
from streams.materializers.playback_history.store import create, versions
from streams.materializers.playback_history.transform import transform

SPEC = MaterializerSpec(
    name=READ_MODEL,
    transform=transform,
    store=create,
    versions=versions,
    store_kind="postgres",
    linger_seconds=0.002,  # what the processor sent at once comes a partition at a time: one transaction instead of two
    description="The sessions of each person, by month",
)
