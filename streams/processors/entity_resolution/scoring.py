"""How likely two items are the same work, explained per field. Pure.

`works.py` and `recordings.py` say how two items compare, `Weights` what each level is worth (`hand_set.py`, or learned:
`learning.py`). The total is the probability that the sum of prior and weights stands for; the thresholds are chosen by
measurement (`proofs/evaluation/entity_resolution.py`). External ids are not scored: they decide before any pair is
scored.
"""

from streams.processors.entity_resolution import recordings, works
from streams.processors.entity_resolution.evidence import Comparison, Evidence, Score
from streams.processors.entity_resolution.features import RECORDINGS, Features, contradict
from streams.processors.entity_resolution.hand_set import HAND_SET, PRIOR
from streams.processors.entity_resolution.weighting import LINK, Weights

__all__ = ["LINK", "MARGIN", "PRIOR", "REVIEW", "compare", "score", "veto"]

REVIEW = 0.5
"""τ2: between τ2 and τ1 a new title is made and a person is asked."""
MARGIN = 1.0
"""Bits by which the best title must beat the second best; nearer ones are alike, which is a person's decision."""

SAME_NUMBER = 4.0
"""Bits for one season and episode number: other numbers are a veto, so there is nothing to learn it against."""
SAME_PROVIDER = -9.0
"""One provider lists a work once; a second listing is another work unless an id says otherwise."""


def score(
    left: Features,
    right: Features,
    weights: Weights = HAND_SET,
    *,
    same_provider: bool = False,
    ignore_ids: bool = False,
    namesakes: int = 0,
) -> Score:
    """Compare two items. A veto (kind, contradicting ids, other season or episode number) makes the total 0.

    `namesakes`: how many titles of this name there are to choose from; 0 where nobody counted, and then only the
    length of a name says how rare it is.
    """
    reason = veto(left, right, ignore_ids)
    if reason is not None:
        return Score(0.0, float("-inf"), (reason,))
    kind = left.kind
    fields = weights.bits[kind]
    bits = weights.prior[kind]
    found: list[Evidence] = []
    for field, level, text in compare(left, right):
        weight = fields[field].get(level, 0.0)
        if weight:
            found.append(Evidence(field, text, weight))
    if namesakes:
        frequency = weights.frequency(kind, namesakes, not left.main_keys.isdisjoint(right.main_keys))
        if frequency:
            found.append(Evidence("namesakes", str(namesakes), frequency))
    if left.number != (None, None) and left.number == right.number:
        found.append(Evidence("number", "same", SAME_NUMBER))
    if same_provider:
        found.append(Evidence("provider", "same", SAME_PROVIDER))
    bits += sum(item.weight for item in found)
    return Score(_probability(bits), bits, tuple(found))


def compare(left: Features, right: Features) -> list[Comparison]:
    """Of two items of one kind."""
    return recordings.compare(left, right) if left.kind in RECORDINGS else works.compare(left, right)


def _probability(bits: float) -> float:
    return float(1.0 / (1.0 + 2.0 ** -max(-60.0, min(60.0, bits))))


def veto(left: Features, right: Features, ignore_ids: bool) -> Evidence | None:
    """Why they are two works, whatever else they say."""
    if left.kind != right.kind:
        return Evidence("kind", f"{left.kind} and {right.kind}", float("-inf"))
    source = None if ignore_ids else contradict(left.ids, right.ids)
    if source is not None:
        return Evidence("external_id", f"{source} contradicts", float("-inf"))
    for one, other in zip(left.number, right.number, strict=True):
        if one is not None and other is not None and one != other:
            return Evidence("number", f"{one} and {other}", float("-inf"))
    if left.kind not in RECORDINGS and left.series and right.series and left.series != right.series:
        return Evidence("series_name", "different", float("-inf"))
    return None
