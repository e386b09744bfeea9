"""Which provider items are the same work?

Reads `provider-items` and what operators decide (`title-decisions`), publishes `titles`: a full snapshot whenever a
title changes, redirects of merged titles, and retirements. Identity itself lives in PostgreSQL (migrations 0002 and
0014): it is an authority, not a read model, so it is never rebuilt by itself.

Ordering: changes of one item arrive in order because the topic is keyed by item; later ones win by the provider's time.
Across items the order is free: external ids merge what was apart. Which of two items founds a title, and so the
title's id, does depend on the order in which they arrive.

Operators' decisions hold for items that come later too, and for those that come again.

Replay: from the stored position nothing is decided twice. Into an empty registry the same log in the same order makes
the same titles with the same ids and versions; about 3,000 items a second and core.
"""

from streams.engine.spec import ProcessorSpec
from streams.processors.entity_resolution.lookup import EntityResolution

SPEC = ProcessorSpec(
    name="entity_resolution",
    lookup=EntityResolution,
    gather_seconds=0.05,  # a batch costs a constant number of statements: five times as many events, little more work
    description="Which items are the same work: titles with stable ids",
)
