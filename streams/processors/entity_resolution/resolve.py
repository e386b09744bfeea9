"""Decide, one change after the other, which title each item belongs to. Pure: changes the workspace, nothing else.

0. What operators decided comes before all else (`decisions.py`): items they linked are one title, items they separated
   never are, whatever ids and scores say.
1. A change older than what is stored of its item is a late event: ignored. So is an upsert that changes nothing.
2. External ids first. Titles of the same kind that own one of the item's ids, and whose ids do not contradict the
   item's, take it; several of them turn out to be one work and are merged.
3. Otherwise the titles that share a block are scored; the best takes the item when it reaches τ1 and beats the second
   by a margin. Between τ2 and τ1, or when two are alike, the item founds a title and a review is recorded.
4. Otherwise the item founds a title.
5. An item that changes stays where it is, unless its kind or its ids now contradict the title's other items.
6. A withdrawn item stays a member but leaves the snapshot; the last active one retires the title.
"""

from collections.abc import Iterable
from typing import NamedTuple

from streams.processors.entity_resolution.evidence import Evidence, Score
from streams.processors.entity_resolution.features import Features, contradict
from streams.processors.entity_resolution.scoring import MARGIN, REVIEW, score
from streams.processors.entity_resolution.workspace import (
    Cause,
    Change,
    LogEntry,
    Member,
    Reason,
    Review,
    Title,
    Workspace,
)


class Placement(NamedTuple):
    """Where an item goes. `title` None: it founds one. `merged` are other titles that are the same work by id."""

    title: Title | None
    reason: Reason
    score: float | None = None
    evidence: tuple[Evidence, ...] = ()
    merged: tuple[Title, ...] = ()


def resolve(changes: Iterable[Change], space: Workspace) -> None:
    """Apply the changes in order. Applying a change again does nothing."""
    for change in changes:
        member = space.members.get(change.item_key)
        if member is not None and _is_late(change, member):
            continue
        if change.features is None:
            _withdraw(space, change, member)
        else:
            _upsert(space, change, member, change.features)


def _is_late(change: Change, member: Member) -> bool:
    """By the provider's time; at one time by place in the log (items are keyed, so in one partition)."""
    return (change.event.source_time, change.offset) <= (member.source_time, member.offset)


def _withdraw(space: Workspace, change: Change, member: Member | None) -> None:
    if member is None:
        # The note outlives the item, so that an older upsert that arrives later does not bring it back.
        event = change.event
        member = Member(event.provider, event.native_id, None, None, False, event.source_time, change.offset)
        space.members[member.key] = space.dirty[member.key] = member
        return
    _advance(space, change, member)
    if not member.active:
        return
    member.active = False
    title = space.title_of(member)
    if title is not None:
        space.touch(title, change)
        retire_if_empty(space, change, title, member)


def _upsert(space: Workspace, change: Change, member: Member | None, features: Features) -> None:
    if member is None:
        event = change.event
        member = Member(event.provider, event.native_id, None, None, False, event.source_time, change.offset)
        space.members[member.key] = member
    elif member.active and member.features and member.item.content_hash == features.item.content_hash:
        _advance(space, change, member)
        return
    _advance(space, change, member)
    title = space.title_of(member)
    if title is None:
        member.features, member.active = features, True
        _settle(space, change, member, None)
        if member.reason == "decision" and (home := space.title_of(member)) is not None:
            _follow_ids(space, change, member, home)
        return
    before = member.features
    member.features, member.active = features, True
    space.release(title, before)
    contradicts = len(title.members) > 1 and contradict(features.ids, title.ids(member)) is not None
    if title.kind != features.kind or (contradicts and not space.holds(member, title)):
        _move(space, change, member, title)
        return
    space.index(title, member)
    space.touch(title, change)
    revive(space, change, title, member)
    _follow_ids(space, change, member, title)


def _advance(space: Workspace, change: Change, member: Member) -> None:
    member.source_time, member.offset = change.event.source_time, change.offset
    space.dirty[member.key] = member


def _settle(space: Workspace, change: Change, member: Member, home: Title | None) -> None:
    """Give a homeless item a title: one that fits, else `home` (the one it alone made up), else a new one."""
    assert member.features is not None  # noqa: S101 - only upserts settle
    placement = _place(space, change, member, member.features)
    title = placement.title
    if title is None:
        title = home or space.found(member, member.features.kind, change)
        title.kind = member.features.kind
        member.reason, member.score = "new", None
        space.attach(member, title, change)
        if home is None:
            space.log.append(LogEntry(title.title_id, member, "founded", "new", change))
        revive(space, change, title, member)
        return
    member.reason, member.score = placement.reason, placement.score
    space.attach(member, title, change)
    revive(space, change, title, member)
    space.log.append(
        LogEntry(
            title.title_id, member, "joined", placement.reason, change, placement.score, evidence=placement.evidence
        )
    )
    for other in placement.merged:
        title = merge(space, change, title, other, member, placement.reason)


def _move(space: Workspace, change: Change, member: Member, title: Title) -> None:
    """The item no longer fits its title. Alone it takes the title's id along, unless another title takes it in."""
    alone = len(title.members) == 1
    space.detach(member, title, change)
    _settle(space, change, member, title if alone else None)
    if member.title_id == title.title_id:
        return
    space.log.append(LogEntry(title.title_id, member, "left", "contradiction", change))
    if alone and member.title_id is not None:
        title.status, title.successor = "merged", member.title_id
        space.log.append(LogEntry(title.title_id, member, "merged", "moved", change))
    else:
        retire_if_empty(space, change, title, member)


def _follow_ids(space: Workspace, change: Change, member: Member, title: Title) -> None:
    """A known item brought ids of other titles: they are one work, or the item belongs there, or a person looks."""
    assert member.features is not None  # noqa: S101 - called with an item at hand
    for other in _owners(space, member.features):
        if other is title or other.status == "merged":
            continue
        apart = space.apart(title, other)
        if not apart and contradict(title.ids(), other.ids()) is None:
            title = merge(space, change, title, other, member, "external_id")
        elif (
            member.reason == "match"
            and contradict(member.features.ids, other.ids()) is None
            and not space.holds(member, title)
            and not space.forbids(member, other)
        ):
            # It was only taken for this work by its looks; the id says which one it is.
            _move(space, change, member, title)
            return
        elif not apart:  # else a person has looked already
            space.reviews.append(Review(member, other.title_id, "conflicting_ids", change))


def _owners(space: Workspace, features: Features) -> list[Title]:
    """Titles that own ids of the item, most shared ids first."""
    counts: dict[str, int] = {}
    for key in features.id_keys:
        owner = space.id_owners.get(key)
        if owner is not None:
            counts[owner] = counts.get(owner, 0) + 1
    return [space.titles[key] for key in sorted(counts, key=lambda key: (-counts[key], key))]


def _place(space: Workspace, change: Change, member: Member, features: Features) -> Placement:
    linked = _linked(space, member, features)
    if not linked:
        return _place_by_itself(space, change, member, features)
    reviews = len(space.reviews)
    found = _place_by_itself(space, change, member, features)
    del space.reviews[reviews:]  # where it belongs is decided
    # What it would have joined is the same work too: as if it had been there when the decision was taken.
    for title in (found.title, *found.merged):
        if title is not None and title not in linked and not any(space.apart(taken, title) for taken in linked):
            linked.append(title)
    return Placement(linked[0], "decision", 1.0, merged=tuple(linked[1:]))


def _place_by_itself(space: Workspace, change: Change, member: Member, features: Features) -> Placement:
    """By ids, else by what it says."""
    owners = [title for title in _owners(space, features) if not space.forbids(member, title)]
    fitting = [title for title in owners if contradict(features.ids, title.ids()) is None]
    for title in owners:
        if title not in fitting:
            space.reviews.append(Review(member, title.title_id, "conflicting_ids", change))
    if fitting:
        first = fitting[0]
        merged: list[Title] = []
        ids = first.ids()
        for other in fitting[1:]:
            if any(space.apart(taken, other) for taken in (first, *merged)):
                continue
            if contradict(ids, other.ids()) is None:
                merged.append(other)
                ids = {source: ids.get(source, frozenset()) | values for source, values in other.ids().items()} | {
                    source: values for source, values in ids.items() if source not in other.ids()
                }
            else:
                space.reviews.append(Review(member, other.title_id, "conflicting_ids", change))
        return Placement(first, "external_id", 1.0, merged=tuple(merged))
    return _match(space, change, member, features)


def _linked(space: Workspace, member: Member, features: Features) -> list[Title]:
    """Titles of the items that an operator linked to this one, without those it must not be in one title with."""
    found: list[Title] = []
    for key in space.constraints.partners(member.key):
        title = space.home_of(key)
        if title is None or title in found or title.kind != features.kind or space.forbids(member, title):
            continue
        if not any(space.apart(taken, title) for taken in found):
            found.append(title)
    return found


def _match(space: Workspace, change: Change, member: Member, features: Features) -> Placement:
    candidates = [title for title in space.candidates(features) if not space.forbids(member, title)]
    _note_contradictions(space, change, member, features, candidates)
    namesakes = sum(_has_name(title, features) for title in candidates)
    ranked = sorted(
        ((_title_score(space, member, features, title, namesakes), title) for title in candidates),
        key=lambda pair: (-pair[0].bits, pair[1].title_id),
    )
    ranked = [pair for pair in ranked if pair[0].total >= REVIEW]
    if not ranked:
        return Placement(None, "new")
    best, title = ranked[0]
    alike = len(ranked) > 1 and best.bits - ranked[1][0].bits < MARGIN
    if best.total >= space.weights.link and not alike:
        return Placement(title, "match", round(best.total, 6), best.evidence)
    for found, candidate in ranked[:5]:
        space.reviews.append(
            Review(
                member,
                candidate.title_id,
                "alike" if alike else "band",
                change,
                round(found.total, 6),
                found.evidence,
            )
        )
    return Placement(None, "new")


def _has_name(title: Title, features: Features) -> bool:
    return title.kind == features.kind and any(
        other.features is not None and not other.features.main_keys.isdisjoint(features.main_keys)
        for other in title.members.values()
    )


def _title_score(space: Workspace, member: Member, features: Features, title: Title, namesakes: int) -> Score:
    """The best of the scores with the title's items; ids of the whole title can veto."""
    same_provider = any(other.provider == member.provider and other.active for other in title.members.values())
    best: Score | None = None
    if title.kind == features.kind and contradict(features.ids, title.ids()) is None:
        for other in title.members.values():
            if other.features is not None:
                found = score(features, other.features, space.weights, same_provider=same_provider, namesakes=namesakes)
                if best is None or found.bits > best.bits:
                    best = found
    return best or Score(0.0, float("-inf"), ())


def _note_contradictions(
    space: Workspace, change: Change, member: Member, features: Features, candidates: list[Title]
) -> None:
    """Ids that contradict each other keep works apart. Where all else says it is one work, one of the ids may be wrong,
    so a person is shown both sides."""
    for title in candidates:
        if title.kind != features.kind or contradict(features.ids, title.ids()) is None:
            continue
        for other in title.members.values():
            if other.features is None or features.main_keys.isdisjoint(other.features.main_keys):
                continue
            same_provider = other.provider == member.provider
            found = score(features, other.features, space.weights, same_provider=same_provider, ignore_ids=True)
            if found.total >= space.weights.link:
                space.reviews.append(
                    Review(member, title.title_id, "conflicting_ids", change, round(found.total, 6), found.evidence)
                )
                break


def merge(space: Workspace, change: Cause, one: Title, other: Title, member: Member, reason: Reason) -> Title:
    """Make two titles one. The larger survives, of equal ones the older, of those the smaller id."""
    survivor, loser = sorted((one, other), key=lambda title: (-len(title.members), title.created_at, title.title_id))
    space.hand_over(loser, survivor)
    loser.status, loser.successor = "merged", survivor.title_id
    space.touch(loser, change)
    space.touch(survivor, change)
    revive(space, change, survivor, member)
    space.log.append(LogEntry(loser.title_id, member, "merged", reason, change))
    return survivor


def revive(space: Workspace, change: Cause, title: Title, member: Member) -> None:
    if title.status == "retired" and title.active_members():
        title.status = "active"
        space.log.append(LogEntry(title.title_id, member, "revived", "listed again", change))


def retire_if_empty(space: Workspace, change: Cause, title: Title, member: Member) -> None:
    if title.status == "active" and not title.active_members():
        title.status = "retired"
        space.log.append(LogEntry(title.title_id, member, "retired", "last item gone", change))
