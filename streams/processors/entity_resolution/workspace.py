"""The part of the identity registry that a batch can touch, in memory. Pure.

Filled by `lookup.py` under locks, changed by `resolve.py`, written back by `lookup.py`. Because decisions change it at
once, the second item of a batch sees what the first one did: two items of one new work end in one title.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from schemas.envelope import derived_id
from schemas.types.catalog import (
    CanonicalItem,
    DecisionUndone,
    Kind,
    MatchConfirmed,
    MatchRejected,
    MergeRequested,
    ProviderItemNormalized,
    ProviderItemWithdrawn,
    SplitRequested,
)
from streams.processors.entity_resolution.blocking import Entry, blocks, entries, year_of
from streams.processors.entity_resolution.constraints import Constraints, ItemKey
from streams.processors.entity_resolution.evidence import Evidence
from streams.processors.entity_resolution.features import Features, IdKey
from streams.processors.entity_resolution.hand_set import HAND_SET
from streams.processors.entity_resolution.weighting import Weights

DecisionEvent = MatchConfirmed | MatchRejected | MergeRequested | SplitRequested | DecisionUndone
Status = Literal["active", "retired", "merged"]
Action = Literal["founded", "joined", "left", "merged", "retired", "revived", "decided", "refused"]
Reason = Literal["new", "external_id", "match", "decision"]
ReviewReason = Literal["band", "alike", "conflicting_ids"]

MAX_CANDIDATES = 50
"""Titles of one block that are scored; a name that more works share needs better evidence than a name."""


@dataclass(frozen=True, slots=True)
class Change:
    """One input event that may change something, and where it stood."""

    event: ProviderItemNormalized | ProviderItemWithdrawn
    offset: int
    features: Features | None = None
    """Of an upsert; None for a withdrawal."""

    @property
    def item_key(self) -> ItemKey:
        return (self.event.provider, self.event.native_id)


@dataclass(frozen=True, slots=True)
class Ruling:
    """One decision of an operator."""

    event: DecisionEvent


Cause = Change | Ruling
"""Why a title changes."""


@dataclass(slots=True, eq=False)
class Member:
    """One provider's item as the registry knows it. Without features it is only the note that it was withdrawn."""

    provider: str
    native_id: str
    title_id: str | None
    features: Features | None
    active: bool
    source_time: datetime
    offset: int
    score: float | None = None
    reason: Reason = "new"
    founded: int = 0
    """How many titles it has founded: the ordinal in the id of the next one."""

    @property
    def key(self) -> ItemKey:
        return (self.provider, self.native_id)

    @property
    def item(self) -> CanonicalItem:
        assert self.features is not None, "a member of a title has an item"  # noqa: S101 - an invariant, not input
        return self.features.item


@dataclass(slots=True, eq=False)
class Title:
    """A title and all its items, active or withdrawn: being withdrawn ends a listing, not an identity."""

    title_id: str
    kind: Kind
    status: Status
    version: int
    created_at: datetime
    members: dict[ItemKey, Member] = field(default_factory=dict)
    successor: str | None = None
    cause: Cause | None = None
    """The last change of this batch that altered it; None while it stands as loaded."""
    stored: tuple[frozenset[IdKey], frozenset[Entry]] = (frozenset(), frozenset())
    """External ids and blocks it has in the database."""
    _ids: dict[str, frozenset[str]] | None = None

    def ids(self, without: Member | None = None) -> dict[str, frozenset[str]]:
        """Values by issuer over all members."""
        if without is None and self._ids is not None:
            return self._ids
        found: dict[str, frozenset[str]] = {}
        for member in self.members.values():
            if member is not without and member.features is not None:
                for source, values in member.features.ids.items():
                    found[source] = found.get(source, frozenset()) | values
        if without is None:
            self._ids = found
        return found

    def active_members(self) -> list[Member]:
        return [member for member in self.members.values() if member.active]

    def members_changed(self) -> None:
        self._ids = None


@dataclass(frozen=True, slots=True)
class LogEntry:
    """Who did what to which title, and why."""

    title_id: str
    member: Member
    action: Action
    reason: str
    change: Cause
    score: float | None = None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """An item and a title that may be one work: a person decides."""

    member: Member
    candidate: str
    reason: ReviewReason
    change: Change
    score: float | None = None
    evidence: tuple[Evidence, ...] = ()


class Workspace:
    """Titles, items, and the two indexes over them (external ids, blocks) with everything dirty remembered."""

    def __init__(
        self,
        titles: Iterable[Title] = (),
        tombstones: Iterable[Member] = (),
        constraints: Constraints | None = None,
        weights: Weights = HAND_SET,
    ) -> None:
        self.weights = weights
        self.constraints = constraints or Constraints()
        self.titles: dict[str, Title] = {}
        self.members: dict[ItemKey, Member] = {member.key: member for member in tombstones}
        self.id_owners: dict[IdKey, str] = {}
        self.dirty: dict[ItemKey, Member] = {}
        self.revived: list[Title] = []
        """Titles that were merged and are themselves again."""
        self.log: list[LogEntry] = []
        self.reviews: list[Review] = []
        self._blocks: dict[int, dict[str, set[int]]] = {}
        for title in titles:
            self.titles[title.title_id] = title
            for member in title.members.values():
                self.members[member.key] = member
                self._index_blocks(title, member)

    def own_ids(self, owners: Mapping[IdKey, str]) -> None:
        """Load who owns external ids; called once, before anything changes."""
        self.id_owners.update(owners)
        for title in self.titles.values():
            title.stored = (self._owned(title), _entries_of(title))

    def candidates(self, features: Features) -> list[Title]:
        """Titles sharing a block in the item's window of years, at most MAX_CANDIDATES a block, in order of id."""
        year = year_of(features)
        found: set[str] = set()
        for block in blocks(features):
            near = [
                title_id
                for title_id, years in self._blocks.get(block, {}).items()
                if year == 0 or not years.isdisjoint((0, year - 1, year, year + 1))
            ]
            near.sort()
            found.update(near[:MAX_CANDIDATES])
        return [title for key in sorted(found) if (title := self.titles[key]).status != "merged" and title.members]

    def title_of(self, member: Member) -> Title | None:
        return None if member.title_id is None else self.titles[member.title_id]

    def home_of(self, key: ItemKey) -> Title | None:
        """The title of an item, if there is such an item and it has one."""
        member = self.members.get(key)
        return None if member is None else self.title_of(member)

    def forbids(self, member: Member, title: Title) -> bool:
        """An operator said that the item is another work than one of the title's."""
        return self.constraints.apart((member.key,), title.members) is not None

    def apart(self, one: Title, other: Title) -> bool:
        """An operator said that the titles are two works."""
        return self.constraints.apart(one.members, other.members) is not None

    def holds(self, member: Member, title: Title) -> bool:
        """An operator said that the item is the same work as one of the title's."""
        return any(key in title.members for key in self.constraints.partners(member.key))

    def touch(self, title: Title, change: Cause) -> None:
        """The title changes because of `change`: one version for each, however much changes."""
        if title.cause is not change:
            title.version += 1
            title.cause = change
        title.members_changed()

    def found(self, member: Member, kind: Kind, change: Cause) -> Title:
        """A new title whose id derives from its founding item, so that a replay from scratch makes the same id."""
        title_id = derived_id(f"{member.provider}:{member.native_id}", "entity_resolution/title", member.founded)
        member.founded += 1
        title = Title(title_id, kind, "active", 0, change.event.occurred_at)
        self.titles[title_id] = title
        return title

    def attach(self, member: Member, title: Title, change: Cause) -> None:
        member.title_id = title.title_id
        title.members[member.key] = member
        self.index(title, member)
        self.touch(title, change)
        self.dirty[member.key] = member

    def detach(self, member: Member, title: Title, change: Cause) -> None:
        del title.members[member.key]
        self.touch(title, change)
        self.release(title, member.features)
        member.title_id = None

    def index(self, title: Title, member: Member) -> None:
        """Make the member's ids and blocks lead to the title; an id that another title owns stays there."""
        if member.features is not None:
            for key in member.features.id_keys:
                self.id_owners.setdefault(key, title.title_id)
            self._index_blocks(title, member)

    def release(self, title: Title, features: Features | None) -> None:
        """Forget the ids and blocks of `features` that no member of the title claims any more."""
        if features is None:
            return
        remaining = [member.features for member in title.members.values() if member.features is not None]
        claimed = {key for other in remaining for key in other.id_keys}
        for key in features.id_keys:
            if key not in claimed and self.id_owners.get(key) == title.title_id:
                del self.id_owners[key]
        for block in blocks(features):
            years = {year_of(other) for other in remaining if block in blocks(other)}
            if years:
                self._blocks[block][title.title_id] = years
            else:
                self._blocks.get(block, {}).pop(title.title_id, None)

    def hand_over(self, origin: Title, successor: Title) -> None:
        """All members, ids and blocks of one title become another's."""
        for member in list(origin.members.values()):
            for key in member.features.id_keys if member.features else ():
                if self.id_owners.get(key) == origin.title_id:
                    self.id_owners[key] = successor.title_id
            del origin.members[member.key]
            self.release(origin, member.features)
            member.title_id = successor.title_id
            successor.members[member.key] = self.dirty[member.key] = member
            self.index(successor, member)

    def registered(self, title: Title) -> tuple[frozenset[IdKey], frozenset[Entry]]:
        """External ids and blocks the title should have in the database now."""
        return (self._owned(title), _entries_of(title)) if title.status != "merged" else (frozenset(), frozenset())

    def _owned(self, title: Title) -> frozenset[IdKey]:
        return frozenset(
            key
            for member in title.members.values()
            if member.features is not None
            for key in member.features.id_keys
            if self.id_owners.get(key) == title.title_id
        )

    def _index_blocks(self, title: Title, member: Member) -> None:
        if member.features is not None:
            year = year_of(member.features)
            for block in blocks(member.features):
                self._blocks.setdefault(block, {}).setdefault(title.title_id, set()).add(year)


def _entries_of(title: Title) -> frozenset[Entry]:
    return frozenset(
        entry for member in title.members.values() if member.features is not None for entry in entries(member.features)
    )
