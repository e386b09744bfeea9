"""Watchlists: an observed-remove set of titles, each with its rank in a last-writer-wins register.

Every addition has a tag of its own (`sync_laws.tags`). A removal takes away the tags that its device had seen and no
others, so an addition made meanwhile elsewhere stays: add wins (Shapiro et al., "A comprehensive study of convergent
and commutative replicated data types", 2011, section 3.3.5). Lists sort by rank, then title id.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

MOST_ITEMS: Final = 10_000
"""Titles on one list. More are refused where they are added, never dropped in silence."""


class Item(Struct):
    """All that is known of one title on one list. Mutable: `join` and the operations change it in place.

    `added` holds live tags, `removed` dead ones, each with the clock of the operation that made it so. The rank
    register is empty (hlc 0) for a title of which only a removal is known.
    """

    added: dict[str, int] = {}
    removed: dict[str, int] = {}
    rank: str = ""
    rank_hlc: int = 0
    rank_device: str = ""

    @property
    def present(self) -> bool:
        return bool(self.added)

    def add(self, tag: str, rank: str, hlc: int, device: str, observed: Iterable[str] = ()) -> None:
        """`observed` are tags of earlier additions that this one replaces."""
        self._bury(observed, hlc)
        if tag not in self.removed:
            self.added[tag] = max(hlc, self.added.get(tag, 0))
        self.move(rank, hlc, device)

    def remove(self, observed: Iterable[str] | None, hlc: int) -> None:
        """Takes away the observed tags; None means all that are here, for callers without a replica of their own.

        With None the result depends on what arrived before: the order of the log is the observation.
        """
        self._bury(tuple(self.added) if observed is None else observed, hlc)

    def move(self, rank: str, hlc: int, device: str) -> None:
        """The place of the newest operation wins. Moving a removed title is remembered and shows when it comes back."""
        if (hlc, device, rank) > (self.rank_hlc, self.rank_device, self.rank):
            self.rank, self.rank_hlc, self.rank_device = rank, hlc, device

    def join(self, other: "Item") -> None:
        """Everything that either knows."""
        self._merge_removed(other.removed)
        for tag, hlc in other.added.items():
            if tag not in self.removed:
                self.added[tag] = max(hlc, self.added.get(tag, 0))
        self.move(other.rank, other.rank_hlc, other.rank_device)

    def forget(self, before_hlc: int) -> None:
        """Drops dead tags older than any device may stay offline; such a device has to fetch everything anew."""
        self.removed = {tag: hlc for tag, hlc in self.removed.items() if hlc >= before_hlc}

    def _bury(self, tags: Iterable[str], hlc: int) -> None:
        self._merge_removed(dict.fromkeys(tags, hlc))

    def _merge_removed(self, removed: Mapping[str, int]) -> None:
        for tag, hlc in removed.items():
            self.removed[tag] = max(hlc, self.removed.get(tag, 0))
            self.added.pop(tag, None)


def ordered(items: Mapping[str, Item]) -> list[str]:
    """Title ids of a list as people see it."""
    return sorted(
        (title for title, item in items.items() if item.present), key=lambda title: (items[title].rank, title)
    )
