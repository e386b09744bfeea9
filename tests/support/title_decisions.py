"""Operators' decisions as events of the title-decisions topic."""

from datetime import timedelta

from hypothesis import strategies as st

from schemas.envelope import Position, derived_id
from schemas.types.catalog import (
    DecisionUndone,
    ItemRef,
    MatchConfirmed,
    MatchRejected,
    MergeRequested,
    SplitRequested,
)
from streams.engine.spec import Received
from streams.processors.entity_resolution.workspace import DecisionEvent
from tests.support.canonical_items import MOMENT

SOME_TITLE = "00000000-0000-4000-8000-000000000001"


def refs(keys: str) -> tuple[ItemRef, ...]:
    """`alpha:1 beta:2`."""
    return tuple(ItemRef(provider=key.partition(":")[0], native_id=key.partition(":")[2]) for key in keys.split())


def _head(name: str, title_id: str) -> dict[str, object]:
    return {
        "event_id": derived_id(name, "test-decision"),
        "occurred_at": MOMENT + timedelta(hours=1),
        "decision_id": name,
        "operator": "ada",
        "reason": f"because of {name}",
        "title_id": title_id,
    }


def confirm(name: str, item: str, candidate: str, title_id: str = SOME_TITLE) -> MatchConfirmed:
    """`name` is the decision's id."""
    return MatchConfirmed(**_head(name, title_id), item=refs(item)[0], candidate_items=refs(candidate))  # type: ignore[arg-type] # the head is right


def reject(name: str, item: str, candidate: str, title_id: str = SOME_TITLE) -> MatchRejected:
    return MatchRejected(**_head(name, title_id), item=refs(item)[0], candidate_items=refs(candidate))  # type: ignore[arg-type] # as above


def merge(
    name: str, items: str, others: str, title_id: str = SOME_TITLE, other_title_id: str = SOME_TITLE
) -> MergeRequested:
    return MergeRequested(
        **_head(name, title_id),  # type: ignore[arg-type] # as above
        items=refs(items),
        other_title_id=other_title_id,
        other_items=refs(others),
    )


def split(name: str, leaving: str, staying: str, title_id: str = SOME_TITLE) -> SplitRequested:
    return SplitRequested(**_head(name, title_id), leaving=refs(leaving), staying=refs(staying))  # type: ignore[arg-type] # as above


def undo(name: str, undone: str, title_id: str = SOME_TITLE) -> DecisionUndone:
    return DecisionUndone(**_head(name, title_id), undone_decision_id=undone)  # type: ignore[arg-type] # as above


def placed(event: DecisionEvent, offset: int) -> Received:
    return Received(event, Position("title-decisions", 0, offset), None, event.occurred_at)


def decisions() -> st.SearchStrategy[DecisionEvent]:
    """Few ids and the items of `resolving.histories()`, so that they repeat, contradict and undo each other."""
    names = st.sampled_from([f"d{number}" for number in range(8)])
    keys = [f"{provider}:{number}" for provider in ("alpha", "beta", "gamma") for number in range(3)]
    one = st.sampled_from(keys)
    some = st.lists(one, min_size=1, max_size=3, unique=True).map(" ".join)
    return st.one_of(
        st.builds(confirm, names, one, some),
        st.builds(reject, names, one, some),
        st.builds(merge, names, some, some),
        st.builds(split, names, some, some),
        st.builds(undo, names, names),
    )
