"""Question answered: what does this provider's item say, in the one form that all providers share?

Topics: `catalog-deliveries` in, `provider-items` out (one event in, one event out, or a dead letter with a reason).
Ordering: by item (`provider:native_id` is the key of both topics), so the newest delivery of an item comes out last.
Replay: pure and cheap, about 100 µs an item on one core; outputs keep their ids and content hashes, so that a replay
changes nothing downstream.
"""

from streams.engine.spec import ProcessorSpec
from streams.processors.normalization.transform import transform

SPEC = ProcessorSpec(name="normalization", transform=transform, description="Providers' items in the common form")
