"""What a decision of an operator does to titles. Pure: changes the workspace, and says what became of the decision.

1. A decision that contradicts one that still holds is refused; the earlier one has to be undone first. Decisions have
   one order (their topic has one partition), so of two contradictory ones the first holds, in every replay.
2. What is decided is kept as constraints between items, whether the items are known yet or not: titles come and go, and
   a registry that is rebuilt in another order has other titles.
3. Then titles are made to obey at once: items that are one work are brought together, others parted. The larger part of
   a title keeps its id.
4. Undoing forgets the constraints and reverses what the decision did, as far as no other decision speaks against it.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from schemas.types.catalog import (
    DecisionUndone,
    ItemRef,
    MatchConfirmed,
    MatchRejected,
    MergeRequested,
    SplitRequested,
)
from streams.processors.entity_resolution.constraints import Constraint, ItemKey
from streams.processors.entity_resolution.resolve import merge, retire_if_empty
from streams.processors.entity_resolution.workspace import DecisionEvent, LogEntry, Ruling, Title, Workspace

Kind = Literal["confirm", "reject", "merge", "split", "undo"]
MAX_PAIRS = 10_000
"""Pairs a split may forbid; a title of more than two hundred items is no matter for one decision."""


class Joined(Struct, frozen=True):
    """Two titles became one: `items` came from `merged` to where `kept` is. `redirects` had led to `merged`."""

    merged: str
    kept: ItemKey
    items: tuple[ItemKey, ...]
    redirects: tuple[str, ...] = ()


class Parted(Struct, frozen=True):
    """`items` left the title `origin`, where `kept` is."""

    origin: str
    kept: ItemKey
    items: tuple[ItemKey, ...]


class Effects(Struct, frozen=True):
    joined: tuple[Joined, ...] = ()
    parted: tuple[Parted, ...] = ()


class Earlier(Struct, frozen=True):
    """A decision that is to be undone, as it was stored."""

    decision_id: str
    kind: Kind
    outcome: str
    undone_by: str | None
    effects: Effects


class Outcome(Struct):
    """`detail` says what it did, or why it was refused. `constraints` are new."""

    outcome: Literal["applied", "refused"]
    detail: str
    effects: Effects = Effects()
    constraints: tuple[Constraint, ...] = ()


def kind_of(event: DecisionEvent) -> Kind:
    match event:
        case MatchConfirmed():
            return "confirm"
        case MatchRejected():
            return "reject"
        case MergeRequested():
            return "merge"
        case SplitRequested():
            return "split"
        case _:
            return "undo"


def sides(event: DecisionEvent) -> tuple[list[ItemKey], list[ItemKey]]:
    """The items on the two sides of a decision; of an undoing there are none."""
    match event:
        case MatchConfirmed() | MatchRejected():
            return _keys([event.item]), _keys(event.candidate_items)
        case MergeRequested():
            return _keys(event.items), _keys(event.other_items)
        case SplitRequested():
            return _keys(event.leaving), _keys(event.staying)
        case _:
            return [], []


def rule(ruling: Ruling, space: Workspace, earlier: Earlier | None = None) -> Outcome:
    """`earlier` is what an undoing names, if it is known."""
    event = ruling.event
    one, other = sides(event)
    if isinstance(event, DecisionUndone):
        return _undo(ruling, space, earlier)
    if not one or not other:
        return _refused("no_items")
    if set(one) & set(other):
        return _refused("same_items")
    if isinstance(event, MatchConfirmed | MergeRequested):
        return _join(ruling, space, one, other)
    return _part(ruling, space, one, other)


def note(ruling: Ruling, space: Workspace, outcome: Outcome, title_ids: Iterable[str]) -> None:
    """An entry in the history of each title that the decision is about, also when it changed nothing."""
    action: Literal["decided", "refused"] = "decided" if outcome.outcome == "applied" else "refused"
    for title_id in sorted(set(title_ids)):
        title = space.titles.get(title_id)
        # A title that was merged has no items left: it is known by one that it was merged with.
        members = title and (title.members or (space.titles[title.successor].members if title.successor else {}))
        if members:
            member = members[min(members)]
            space.log.append(LogEntry(title_id, member, action, kind_of(ruling.event), ruling))


def _join(ruling: Ruling, space: Workspace, one: Sequence[ItemKey], other: Sequence[ItemKey]) -> Outcome:
    constraint = Constraint(one[0], other[0], "same", ruling.event.decision_id)
    left, right = space.home_of(one[0]), space.home_of(other[0])
    if left is None or left is not right:
        against = space.constraints.apart(
            (*one, *(left.members if left else ())), (*other, *(right.members if right else ()))
        )
        if against:
            return _contradiction(against)
        if left and right and left.kind != right.kind:
            return _refused("kinds_differ")
    space.constraints = space.constraints.also([constraint])
    if left is None or right is None:
        return Outcome("applied", "waits_for_items", constraints=(constraint,))
    if left is right:
        return Outcome("applied", "already_one", constraints=(constraint,))
    joined = _bring_together(ruling, space, left, right, one[0])
    return Outcome("applied", "merged", Effects(joined=(joined,)), (constraint,))


def _bring_together(ruling: Ruling, space: Workspace, left: Title, right: Title, anchor: ItemKey) -> Joined:
    before = {title.title_id: sorted(title.members) for title in (left, right)}
    member = space.members[anchor]
    survivor = merge(space, ruling, left, right, member, "decision")
    loser = right if survivor is left else left
    first = space.members[before[loser.title_id][0]]
    first.reason, first.score = "decision", 1.0
    space.log.append(LogEntry(survivor.title_id, first, "joined", "decision", ruling))
    return Joined(loser.title_id, before[survivor.title_id][0], tuple(before[loser.title_id]))


def _part(ruling: Ruling, space: Workspace, leaving: Sequence[ItemKey], staying: Sequence[ItemKey]) -> Outcome:
    if len(leaving) * len(staying) > MAX_PAIRS:
        return _refused("too_many_items")
    decision_id = ruling.event.decision_id
    together = [Constraint(leaving[0], key, "same", decision_id) for key in leaving[1:]]
    linked = space.constraints.also(together).component(leaving)
    held = sorted(key for key in staying if key in linked)
    if held:
        return _contradiction(linked[held[0]])
    against = space.constraints.apart(linked, linked)
    if against:
        return _contradiction(against)
    apart = [Constraint(item, other, "different", decision_id) for item in leaving for other in staying]
    constraints = (*together, *apart)
    space.constraints = space.constraints.also(constraints)
    homes = [home for key in leaving if (home := space.home_of(key)) is not None]
    parted = []
    for title in sorted(dict.fromkeys(homes), key=lambda title: title.title_id):
        if not any(key in title.members for key in staying):
            continue
        group = sorted(key for key in title.members if key in linked)
        rest = sorted(key for key in title.members if key not in linked)
        moving, kept = (group, rest) if len(group) <= len(rest) else (rest, group)
        _take_out(ruling, space, title, moving, None)
        parted.append(Parted(title.title_id, kept[0], tuple(moving)))
    joined = _gather(ruling, space, leaving)
    detail = "split" if parted else "already_apart" if homes else "waits_for_items"
    return Outcome("applied", detail, Effects(joined, tuple(parted)), constraints)


def _gather(ruling: Ruling, space: Workspace, leaving: Sequence[ItemKey]) -> tuple[Joined, ...]:
    """Items that leave together and were in several titles by now: these become one where they can."""
    found = []
    for key in leaving[1:]:
        one, other = space.home_of(leaving[0]), space.home_of(key)
        if one and other and one is not other and one.kind == other.kind and not space.apart(one, other):
            found.append(_bring_together(ruling, space, one, other, leaving[0]))
    return tuple(found)


def _take_out(ruling: Ruling, space: Workspace, title: Title, moving: Sequence[ItemKey], into: Title | None) -> Title:
    """Items leave a title that keeps others, for `into` or a title of their own."""
    founder = space.members[moving[0]]
    target = into or space.found(founder, title.kind, ruling)
    for key in moving:
        member = space.members[key]
        space.detach(member, title, ruling)
        member.reason, member.score = "decision", 1.0
        space.attach(member, target, ruling)
        space.log.append(LogEntry(title.title_id, member, "left", "decision", ruling))
        action: Literal["founded", "joined"] = "founded" if into is None and member is founder else "joined"
        space.log.append(LogEntry(target.title_id, member, action, "decision", ruling))
    for each in (title, target):
        retire_if_empty(space, ruling, each, founder)
    return target


def _undo(ruling: Ruling, space: Workspace, earlier: Earlier | None) -> Outcome:
    if earlier is None:
        return _refused("unknown_decision")
    if earlier.kind == "undo":
        return _refused("is_an_undoing")
    if earlier.outcome != "applied":
        return _refused("was_refused")
    if earlier.undone_by is not None:
        return _refused("already_undone")
    space.constraints = space.constraints.without(earlier.decision_id)
    joined: list[Joined] = []
    parted: list[Parted] = []
    complete = True
    for merged in reversed(earlier.effects.joined):
        complete &= _unjoin(ruling, space, merged, parted)
    for split in reversed(earlier.effects.parted):
        complete &= _unpart(ruling, space, split, joined)
    return Outcome("applied", "undone" if complete else "undone_in_part", Effects(tuple(joined), tuple(parted)))


def _unjoin(ruling: Ruling, space: Workspace, merged: Joined, parted: list[Parted]) -> bool:
    """Items that a decision brought go back to the title they came from, unless another decision holds them here."""
    title = space.home_of(merged.kept)
    if title is None:
        return False
    moving = [key for key in merged.items if key in title.members]
    linked = space.constraints.component(moving)
    if not moving or any(key in linked and key not in moving for key in title.members):
        return False
    origin = space.titles.get(merged.merged)
    if origin is not None and origin.status == "merged":
        origin.status, origin.successor, origin.kind = "active", None, title.kind
        space.revived.append(origin)
        space.log.append(LogEntry(origin.title_id, space.members[moving[0]], "revived", "decision", ruling))
    else:
        origin = None
    _take_out(ruling, space, title, moving, origin)
    parted.append(Parted(title.title_id, merged.kept, tuple(moving)))
    return len(moving) == len(merged.items)


def _unpart(ruling: Ruling, space: Workspace, split: Parted, joined: list[Joined]) -> bool:
    """What a decision parted is one title again, unless another decision keeps it apart."""
    one, other = space.home_of(split.kept), space.home_of(split.items[0])
    if one is None or other is None:
        return False
    if one is other:
        return True
    if one.kind != other.kind or space.apart(one, other):
        return False
    joined.append(_bring_together(ruling, space, one, other, split.kept))
    return True


def _keys(items: Iterable[ItemRef]) -> list[ItemKey]:
    """Each once, in the order given: the first stands for all of a title."""
    return list(dict.fromkeys((item.provider, item.native_id) for item in items))


def _contradiction(decision_id: str) -> Outcome:
    return _refused(f"contradicts {decision_id}")


def _refused(detail: str) -> Outcome:
    return Outcome("refused", detail)
