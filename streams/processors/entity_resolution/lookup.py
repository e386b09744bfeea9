"""Decides batches in PostgreSQL. Rows are `registry.py`'s; every decision is made in `resolve.py` and `decisions.py`.

`decide` runs in the engine's transaction, in this order:
1. Sort out what can never be processed; derive features and blocks (before any lock is held).
2. Lock the stripes of all blocks, external ids and items of the batch, ascending, in one statement. Two workers with
   items of one work share a block or an id, so the second waits here until the first has committed. A batch with an
   operator's decision locks all stripes: it may touch any title.
3. Find titles: those of the items, owners of their ids, those in their blocks. Lock their rows in order of id.
4. Load all items of these titles (READ COMMITTED: what others committed before our locks is visible), and what
   operators decided about them.
5. Resolve in memory. 6. Write the differences: a fixed number of statements. 7. Return the events.

Decisions stand among items as they were read: steps 3 to 6 are taken for the items before one, for it, and so on.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from runtime.connections.postgres import Cursor
from runtime.settings import Settings
from schemas.types.catalog import ProviderItemNormalized, ProviderItemWithdrawn
from streams.engine.outcome import InvalidEvent
from streams.engine.spec import Decision, Received, Rejected
from streams.processors.entity_resolution import registry, rulings
from streams.processors.entity_resolution.chosen import chosen
from streams.processors.entity_resolution.events import events
from streams.processors.entity_resolution.features import Features
from streams.processors.entity_resolution.resolve import resolve
from streams.processors.entity_resolution.rulings import Placed
from streams.processors.entity_resolution.weighting import Weights
from streams.processors.entity_resolution.workspace import Change, DecisionEvent, Ruling


class EntityResolution:
    """Decides batches of `provider-items` and `title-decisions`. Holds no state between batches.

    Weights and thresholds are chosen by measurement and versioned with the code, not set per installation. Only
    evaluations have other `weights`, and `no_works`: records of the kind `unknown`, such as people, are kept apart and
    not refused.
    """

    def __init__(
        self, settings: Settings | None = None, *, no_works: bool = False, weights: Weights | None = None
    ) -> None:
        del settings
        self._weights = weights or chosen()
        self._no_works = no_works

    def decide(self, cursor: Cursor, batch: Sequence[Received]) -> Decision:
        """Raises TransientError when a title was merged away between finding and locking it; psycopg errors escape."""
        decision = Decision()
        accepted = list(self._accepted(batch, decision))
        if any(isinstance(each, Placed) for each in accepted):
            registry.lock_everything(cursor)
        for _, group in groupby(accepted, key=type):
            changes: list[Change] = []
            for each in group:
                if isinstance(each, Change):
                    changes.append(each)
                else:
                    decision.events.extend(rulings.rule(cursor, each))
            if changes:
                space = registry.load(cursor, changes, self._weights)
                resolve(changes, space)
                registry.write(cursor, space)
                decision.events.extend(events(space))
        return decision

    def _accepted(self, batch: Sequence[Received], decision: Decision) -> Iterator[Change | Placed]:
        for received in batch:
            try:
                if isinstance(received.event, DecisionEvent):
                    yield rulings.checked(Placed(Ruling(received.event), str(received.position)))
                else:
                    yield _change(received, self._no_works)
            except InvalidEvent as error:
                decision.rejected.append(Rejected(received, error))


def _change(received: Received, no_works: bool) -> Change:
    event = received.event
    if not isinstance(event, ProviderItemNormalized | ProviderItemWithdrawn):
        raise InvalidEvent("unexpected_event", type(event).__name__)
    keys = [event.provider, event.native_id]
    if isinstance(event, ProviderItemWithdrawn):
        features = None
    else:
        features = Features(event.item)
        if features.kind == "unknown" and not no_works:
            raise InvalidEvent("unknown_kind", "the item's kind is not one of this schema version")
        if not features.main_keys - {""}:
            raise InvalidEvent("empty_name", "a title needs a name")
        keys += [text for source, value, _ in features.id_keys for text in (source, value)]
    if any("\0" in key for key in keys):
        raise InvalidEvent("nul_in_id", "PostgreSQL text cannot hold NUL")
    return Change(event, received.position.offset, features)
