"""availability_changes: what became of offers since I last asked?

Fed by `availability-changes`. A row is an event at its place in the log, so order and repetition do not matter. A
replay writes nothing that is there; what is older than a month goes as new rows come.
"""

from schemas.read_models.availability_changes import READ_MODEL
from streams.engine.spec import MaterializerSpec
from streams.materializers.availability_changes.store import create, versions
from streams.materializers.availability_changes.transform import transform

SPEC = MaterializerSpec(
    name=READ_MODEL,
    transform=transform,
    store=create,
    versions=versions,
    linger_seconds=0.05,
    store_kind="postgres",
    description="Offers that began, ended, changed or are about to end",
)
