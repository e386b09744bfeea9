"""Weights of comparisons, by kind, field and level, and where they come from. Pure.

A weight is the binary logarithm of (how often it looks so for one work) / (how often for two works that share a block),
as in Fellegi and Sunter, "A Theory for Record Linkage" (1969).
"""

from collections.abc import Mapping

import msgspec

Levels = Mapping[str, float]
Fields = Mapping[str, Levels]


class Weights(msgspec.Struct, frozen=True):
    """One set of weights. A level that no weight is set for says nothing."""

    version: str
    prior: Mapping[str, float]
    """By kind, bits before any field is looked at: of the titles in an item's blocks few are the same work."""
    bits: Mapping[str, Fields]
    """By kind, field and level."""
    names: Mapping[str, float] = {}
    """By kind, how many titles have the name of a title on average, where that was learned: what a name's frequency
    is compared with."""
    made: str = ""
    """When and from what."""
