"""Which items are one work, and which are not, because an operator says so. Pure.

They outlive the items: an item that is listed again, or for the first time, finds them.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

ItemKey = tuple[str, str]
Relation = Literal["same", "different"]


class Constraint(NamedTuple):
    """What a decision says of two items; the order of the two means nothing."""

    item: ItemKey
    other: ItemKey
    relation: Relation
    decision_id: str


class Constraints:
    """Those that concern a batch. By item and other item: the decision that says so, the first of several."""

    def __init__(self, constraints: Iterable[Constraint] = ()) -> None:
        self.all = tuple(dict.fromkeys(constraints))
        self._same: dict[ItemKey, dict[ItemKey, str]] = {}
        self._different: dict[ItemKey, dict[ItemKey, str]] = {}
        for item, other, relation, decision_id in sorted(self.all):
            index = self._same if relation == "same" else self._different
            index.setdefault(item, {}).setdefault(other, decision_id)
            index.setdefault(other, {}).setdefault(item, decision_id)

    def __bool__(self) -> bool:
        return bool(self.all)

    def also(self, constraints: Iterable[Constraint]) -> "Constraints":
        return Constraints((*self.all, *constraints))

    def without(self, decision_id: str) -> "Constraints":
        return Constraints(each for each in self.all if each.decision_id != decision_id)

    def partners(self, item: ItemKey) -> list[ItemKey]:
        """Items that operators linked to it, over any number of links, in order."""
        return sorted(key for key in self.component((item,)) if key != item) if item in self._same else []

    def apart(self, items: Iterable[ItemKey], others: Iterable[ItemKey]) -> str | None:
        """The decision that keeps some of `items`, or of what is linked to them, from some of `others` likewise."""
        if not self._different:
            return None
        ours, theirs = self.component(items), self.component(others)
        found = [
            decision_id
            for item in ours
            for other, decision_id in self._different.get(item, {}).items()
            if other in theirs
        ]
        return min(found, default=None)

    def component(self, items: Iterable[ItemKey]) -> dict[ItemKey, str]:
        """`items` and all that operators linked to them, over any number of links; by the decision that led there."""
        found = dict.fromkeys(items, "")
        left = list(found)
        while left:
            for other, decision_id in sorted(self._same.get(left.pop(), {}).items()):
                if other not in found:
                    found[other] = decision_id
                    left.append(other)
        return found
