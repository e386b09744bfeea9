"""watch_state: where is this person in this title, and have they seen it?

Fed by `playback-events` and `progress-changes`. Needs no order: what is known of a person and a title is a join of all
that was ever said of them (`sync_laws.watching`), so any order and any repetition end in the same row. A replay reads
the rows it touches and writes none.
"""

from schemas.read_models.watch_state import READ_MODEL
from streams.engine.spec import MaterializerSpec
from streams.materializers.watch_state.store import create, versions
from streams.materializers.watch_state.transform import transform

SPEC = MaterializerSpec(
    name=READ_MODEL,
    transform=transform,
    store=create,
    versions=versions,
    store_kind="postgres",
    description="Where each person is in each title, and what they have seen",
    max_batch=1000,
    prefetch_kilobytes=4096,
)
