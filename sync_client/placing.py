"""Which rank puts a title at a place of a list, also where devices gave neighbours the same rank at the same time."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sync_laws import rank
from sync_laws.rank import RankError

_SHORT: Final = 64
"""Characters of the ranks that make room."""


class Ranked(NamedTuple):
    """Sorts as lists do."""

    rank: str
    title_id: str


class Placement(NamedTuple):
    """The rank of the title, and new ones for titles that had to make room."""

    rank: str
    others: tuple[Ranked, ...]


def place(order: Sequence[Ranked], index: int) -> Placement:
    """`order` is the list without the title; `index` from 0 to its length.

    Between neighbours of one rank is no room, and after some hundred insertions at one place neither: then the titles
    behind it move too, in windows that double until ranks are short again, so that it does not happen at every turn.
    """
    lower = order[index - 1].rank if index else None
    end, window = index, 1
    while True:
        upper = order[end].rank if end < len(order) else None
        try:
            first, *rest = rank.spread(lower, upper, 1 + end - index)
        except RankError:
            if upper is None:
                raise
        else:
            if not rest or upper is None or max(map(len, rest)) <= _SHORT:
                moved = (Ranked(new, order[index + step].title_id) for step, new in enumerate(rest))
                return Placement(first, tuple(moved))
        end, window = min(end + window, len(order)), window * 2
