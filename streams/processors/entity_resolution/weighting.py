"""Weights of comparisons, by kind, field and level. Pure.

A weight is the binary logarithm of (how often it looks so for one work) / (how often for two works that share a block),
as in Fellegi and Sunter, "A Theory for Record Linkage" (1969).
"""

import math
from collections.abc import Mapping

import msgspec

Levels = Mapping[str, float]
Fields = Mapping[str, Levels]

LINK = 0.8
"""τ1: at or above it the item joins the title. Chosen for a precision of at least 99 %."""
DOUBLED = -2.0
"""Bits for every doubling of the titles of a name, where that was not learned: each can be the one, and a name that is
used twice is used a third time."""


class Weights(msgspec.Struct, frozen=True):
    """One set of weights. A level that no weight is set for says nothing."""

    version: str
    prior: Mapping[str, float]
    """By kind, bits before any field is looked at."""
    bits: Mapping[str, Fields]
    """By kind, field and level."""
    namesakes: Mapping[str, float] = {}
    """By kind, where it was learned: how many titles of its blocks have an item's name, the geometric mean over pairs
    whose names agree. What those pairs taught about equal names is true of a name of this frequency."""
    link: float = LINK
    """The threshold τ1 that goes with them."""
    provenance: str = "set by hand"
    """What made them, and when."""

    def frequency(self, kind: str, namesakes: int, same_name: bool) -> float:
        """Bits for how many titles of this name there are to choose from (term frequency adjustment: Winkler 2000).

        Of learned weights, u of an equal name is the name's share of the titles, c / N, instead of the mean c. N need
        not be known: with it grows the weight of an equal name, and with it falls as much the prior of any one title.
        """
        mean = self.namesakes.get(kind)
        if mean is None:
            return DOUBLED * math.log2(namesakes) if namesakes > 1 else 0.0
        return math.log2(mean / namesakes) if same_name and namesakes else 0.0
