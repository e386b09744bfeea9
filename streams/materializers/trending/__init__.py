"""trending: what is watched most, in which region, over which window?

Fed by `title-trends`. An older window never replaces a newer one, and of one window the latest word in the log counts,
whatever came first. A replay changes nothing. Redis holds the positions too: emptied, it is filled again from the log.
"""

from schemas.read_models.trending import READ_MODEL
from streams.engine.spec import MaterializerSpec
from streams.materializers.trending.store import RedisVersions, create
from streams.materializers.trending.transform import transform

SPEC = MaterializerSpec(
    name=READ_MODEL,
    transform=transform,
    store=create,
    versions=RedisVersions,
    linger_seconds=0.05,
    store_kind="redis",
    description="What is watched most, by region and window",
    max_batch=500,
)
