"""What a comparison says, field by field."""

from typing import NamedTuple

UNKNOWN = "unknown"
"""The level of a field that one side does not have. It never counts, and nothing is learned from it."""


class Comparison(NamedTuple):
    """How two sides compare in one field. `level` is one of a few words that weights are set for; `text` is what a
    person reads, where that says more ("47 min apart")."""

    field: str
    level: str
    text: str


class Evidence(NamedTuple):
    """What one field says: `level` is how the two sides compare, `weight` the bits for (+) or against (-)."""

    field: str
    level: str
    weight: float


class Score(NamedTuple):
    """`total` in [0, 1]; `bits` the sum behind it."""

    total: float
    bits: float
    evidence: tuple[Evidence, ...]


def levels(field: str, *names: str) -> tuple[Comparison, ...]:
    """Comparisons that say to people what their level says, made once: scoring is the hottest path there is."""
    return tuple(Comparison(field, name, name) for name in names)
