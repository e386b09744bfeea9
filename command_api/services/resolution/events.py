"""Decisions as events. They name the items of titles, so that they hold in a registry that is rebuilt."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from command_api.faults import Faults
from command_api.services.resolution.reader import MOST_TITLE_ITEMS, KnownDecision, KnownTitle, Registry
from command_api.services.resolution.requests import Command, Confirm, ItemName, Merge, Reject, Split, Undo
from schemas.envelope import derived_id
from schemas.types import AnyEvent
from schemas.types.catalog import (
    DecisionUndone,
    ItemRef,
    MatchConfirmed,
    MatchRejected,
    MergeRequested,
    SplitRequested,
)

_PRODUCER = "resolution"


async def to_event(
    command: Command, operator: str, now: datetime, registry: Registry, faults: Faults
) -> AnyEvent | None:
    """None after a fault: something that it names is not there. Raises Problem (503)."""
    head = {
        "event_id": derived_id(command.decision_id, _PRODUCER),
        "occurred_at": now,
        "decision_id": command.decision_id,
        "operator": operator,
        "reason": command.reason,
    }
    match command:
        case Undo():
            return await _undoing(command, head, registry, faults)
        case Merge():
            asked = {"#/titleId": command.title_id, "#/otherTitleId": command.other_title_id}
        case _:
            asked = {"#/titleId": command.title_id}
    known = await registry.titles(list(asked.values()))
    for pointer, title_id in asked.items():
        _check_title(known.get(title_id), pointer, faults)
    if isinstance(command, Confirm | Reject) and not await registry.has_title(_ref(command.item)):
        faults.add("#/item", "is no item that is known")
    return None if faults else _event(command, head, known, faults)


def _check_title(title: KnownTitle | None, pointer: str, faults: Faults) -> None:
    if title is None:
        faults.add(pointer, "is no title that is known")
    elif len(title.items) > MOST_TITLE_ITEMS:
        faults.add(pointer, f"has more than {MOST_TITLE_ITEMS} items")


def _event(command: Command, head: dict[str, Any], known: Mapping[str, KnownTitle], faults: Faults) -> AnyEvent | None:
    match command:
        case Confirm() | Reject():
            item, title = _ref(command.item), known[command.title_id]
            others = tuple(each for each in title.items if each != item)
            if not others:
                faults.add("#/titleId", "has no other item")
                return None
            type_ = MatchConfirmed if isinstance(command, Confirm) else MatchRejected
            return type_(**head, title_id=title.title_id, item=item, candidate_items=others)
        case Merge():
            one, other = known[command.title_id], known[command.other_title_id]
            if one.title_id == other.title_id:
                faults.add("#/otherTitleId", "is one title with the other already")
                return None
            return MergeRequested(
                **head,
                title_id=one.title_id,
                items=one.items,
                other_title_id=other.title_id,
                other_items=other.items,
            )
        case Split():
            return _splitting(command, head, known[command.title_id], faults)
        case _:
            raise TypeError(type(command).__name__)


def _splitting(command: Split, head: dict[str, Any], title: KnownTitle, faults: Faults) -> SplitRequested | None:
    leaving = tuple(_ref(each) for each in command.items)
    for place, item in enumerate(leaving):
        if item not in title.items:
            faults.add(f"#/items/{place}", "is no item of the title")
    staying = tuple(each for each in title.items if each not in leaving)
    if not staying:
        faults.add("#/items", "are all items of the title; some must stay")
    return None if faults else SplitRequested(**head, title_id=title.title_id, leaving=leaving, staying=staying)


async def _undoing(command: Undo, head: dict[str, Any], registry: Registry, faults: Faults) -> DecisionUndone | None:
    earlier = await registry.decision(command.undoes)
    if earlier is None:
        faults.add("#/undoes", "is no decision that is known (by now)")
        return None
    return DecisionUndone(**head, title_id=earlier.title_id, undone_decision_id=command.undoes)


class _Request(msgspec.Struct):
    """The parts of a stored event that the client chose."""

    operator: str
    reason: str
    item: ItemRef | None = None
    leaving: tuple[ItemRef, ...] = ()
    undone_decision_id: str | None = None


def is_repetition(command: Command, operator: str, earlier: KnownDecision) -> bool:
    """Whether it is the decision that was taken under its id. Titles are not compared: they go on merging."""
    found = msgspec.json.decode(earlier.request, type=_Request)
    told = _Request(operator, command.reason)
    match command:
        case Confirm() | Reject():
            told.item = _ref(command.item)
        case Split():
            told.leaving = tuple(_ref(each) for each in command.items)
        case Undo():
            told.undone_decision_id = command.undoes
    return command.__struct_config__.tag == earlier.kind and told == found


def _ref(item: ItemName) -> ItemRef:
    return ItemRef(provider=item.provider, native_id=item.item)
