"""What a comparison says, field by field."""

from typing import NamedTuple


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
