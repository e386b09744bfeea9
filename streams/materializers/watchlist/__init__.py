"""watchlist: what does this person want to watch, in which order?

Fed by `watchlist-changes`. What names the additions it has seen needs no order (`sync_laws.watchlist`); a blind removal
takes away what the log holds before it, and one person's edits stand in one partition, in one order for ever. Tags that
are long dead are forgotten; devices that were offline for longer fetch everything anew.
"""

from schemas.read_models.watchlist import READ_MODEL
from streams.engine.spec import MaterializerSpec
from streams.materializers.watchlist.store import create, versions
from streams.materializers.watchlist.transform import transform

SPEC = MaterializerSpec(
    name=READ_MODEL,
    transform=transform,
    store=create,
    versions=versions,
    store_kind="postgres",
    description="What each person wants to watch, in their order",
)
