"""What the matcher looks at in an item, derived once. Pure."""

from functools import cached_property

from schemas.types.catalog import CanonicalItem, Kind
from streams.processors.entity_resolution.names import (
    NameKey,
    name_key,
    person_key,
    recording_marks,
    recording_name,
    spellings,
)

MAX_NAMES = 16
"""Names of one item that count: a provider that sends hundreds must not block with everything."""

MAX_IDS_PER_SOURCE = 4
"""More ids of one issuer than this say nothing about which work it is, so the issuer is ignored for the item."""

PLURAL_SOURCES = frozenset({"isrc", "upc", "ean"})
"""Issuers that give one work several ids: different values are no contradiction."""

_DIRECTING = frozenset({"director", "creator"})
_PERFORMING = frozenset({"actor", "artist"})

IdKey = tuple[str, str, Kind]
"""Issuer, value and kind: TMDb numbers films and series independently, and ids only count between equal kinds."""


class Features:
    """Matching features of one item. People are derived on first use: most items of a fresh catalogue meet nobody."""

    def __init__(self, item: CanonicalItem) -> None:
        self.item = item
        self.kind: Kind = item.kind
        self.year = item.year
        self.runtime = item.runtime_minutes
        # A season's own name ("Season 2") says nothing; its series and number are its name.
        self.series = _part_of(item)
        self.number = (item.season_number, item.episode_number)
        self.main = _main_names(item)
        self.names = _all_names(item, self.main)
        self.blocks: tuple[int, ...] | None = None
        """Kept here by `blocking.blocks` on first use."""

    @cached_property
    def full_keys(self) -> frozenset[str]:
        return frozenset(name.full for name in self.names)

    @cached_property
    def main_keys(self) -> frozenset[str]:
        return frozenset(name.full for name in self.main)

    @cached_property
    def head_keys(self) -> frozenset[str]:
        return frozenset(name.head for name in self.names)

    @cached_property
    def ids(self) -> dict[str, frozenset[str]]:
        """Values by issuer, without issuers that contradict themselves."""
        found: dict[str, set[str]] = {}
        for external in self.item.external_ids:
            found.setdefault(external.source, set()).add(external.value)
        return {
            source: frozenset(values)
            for source, values in found.items()
            if len(values) <= MAX_IDS_PER_SOURCE or source in PLURAL_SOURCES
        }

    @cached_property
    def id_keys(self) -> tuple[IdKey, ...]:
        return tuple((source, value, self.kind) for source in sorted(self.ids) for value in sorted(self.ids[source]))

    @cached_property
    def directors(self) -> frozenset[str]:
        return self._people(_DIRECTING)

    @cached_property
    def cast(self) -> frozenset[str]:
        return self._people(_PERFORMING)

    @cached_property
    def everybody(self) -> frozenset[str]:
        return self._people(None)

    @cached_property
    def words(self) -> frozenset[str]:
        """All words of name, people and series or album."""
        return self.people_and_part.union(name_key(self.item.name).full.split())

    @cached_property
    def people_and_part(self) -> frozenset[str]:
        """Words of people and of the series or album."""
        return frozenset(word for part in (self.series or "", *self.everybody) for word in part.split())

    @cached_property
    def marks(self) -> frozenset[str]:
        """Of a recording: live, remix …"""
        return recording_marks(self.item.name)

    @cached_property
    def genres(self) -> frozenset[str]:
        return frozenset(self.item.genres)

    def _people(self, roles: frozenset[str] | None) -> frozenset[str]:
        keys = (person_key(person.name) for person in self.item.people if roles is None or person.role in roles)
        return frozenset(key for key in keys if key)


def contradict(left: dict[str, frozenset[str]], right: dict[str, frozenset[str]]) -> str | None:
    """The first issuer (in order of name) that gave both sides ids and no common one; None when there is none."""
    for source in sorted(left.keys() & right.keys()):
        if source not in PLURAL_SOURCES and left[source].isdisjoint(right[source]):
            return source
    return None


RECORDINGS = frozenset({"track", "album"})


def _part_of(item: CanonicalItem) -> str | None:
    """The series of a season or episode; the album of a track."""
    if not item.series_name:
        return None
    name = recording_name(item.series_name) if item.kind in RECORDINGS else item.series_name
    return name_key(name).full


def _main_names(item: CanonicalItem) -> tuple[NameKey, ...]:
    if item.kind in RECORDINGS:
        return (name_key(recording_name(item.name)),)
    return tuple(name_key(spelling) for spelling in spellings(item.name))


def _all_names(item: CanonicalItem, main: tuple[NameKey, ...]) -> tuple[NameKey, ...]:
    found = dict.fromkeys(main)
    others = (*((item.original_name,) if item.original_name else ()), *item.alternate_names[:MAX_NAMES])
    for name in others:
        for spelling in spellings(name):
            found[name_key(spelling)] = None
    return tuple(found)[:MAX_NAMES]
