"""Whether two lists of people have anybody in common. Pure."""

MAX_PAIRS = 400
"""Larger lists are compared name for name only."""


def alike_people(left: frozenset[str], right: frozenset[str]) -> int:
    """How many are on both sides; a middle name more or less does not matter."""
    shared = len(left & right)
    if shared or len(left) * len(right) > MAX_PAIRS:
        return shared
    return sum(any(_is_short_for(one, other) for other in right) for one in left)


def _is_short_for(one: str, other: str) -> bool:
    mine, others = set(one.split()), set(other.split())
    return min(len(mine), len(others)) >= 2 and (mine <= others or others <= mine)
