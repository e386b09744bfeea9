"""What the matcher looks at in an item, derived once. Pure."""

from functools import cached_property

from schemas.types.catalog import CanonicalItem, Kind
from streams.processors.entity_resolution.names import NameKey, name_key, person_key, spellings

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
        self.series = name_key(item.series_name).full if item.series_name else None
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
    def genres(self) -> frozenset[str]:
        return frozenset(self.item.genres)

    def _people(self, roles: frozenset[str]) -> frozenset[str]:
        keys = (person_key(person.name) for person in self.item.people if person.role in roles)
        return frozenset(key for key in keys if key)


def contradict(left: dict[str, frozenset[str]], right: dict[str, frozenset[str]]) -> str | None:
    """The first issuer (in order of name) that gave both sides ids and no common one; None when there is none."""
    for source in sorted(left.keys() & right.keys()):
        if source not in PLURAL_SOURCES and left[source].isdisjoint(right[source]):
            return source
    return None


def _main_names(item: CanonicalItem) -> tuple[NameKey, ...]:
    return tuple(name_key(spelling) for spelling in spellings(item.name))


def _all_names(item: CanonicalItem, main: tuple[NameKey, ...]) -> tuple[NameKey, ...]:
    found = dict.fromkeys(main)
    others = (*((item.original_name,) if item.original_name else ()), *item.alternate_names[:MAX_NAMES])
    for name in others:
        for spelling in spellings(name):
            found[name_key(spelling)] = None
    return tuple(found)[:MAX_NAMES]
