"""How likely two items are the same work, explained per field. Pure, and the only place with weights.

A field's weight is the binary logarithm of (how often it looks so for one work) / (how often for two works that share
a block), as in Fellegi and Sunter, "A Theory for Record Linkage" (1969); here the weights are set by hand and the
thresholds by measurement (`proofs/evaluation/entity_resolution.py`). The total is the probability that the sum of
prior and weights stands for. External ids are not scored: they decide before any pair is scored.
"""

from typing import NamedTuple

from rapidfuzz.fuzz import ratio

from streams.processors.entity_resolution.features import Features, contradict
from streams.processors.entity_resolution.names import compact

LINK = 0.93
"""τ1: at or above it the item joins the title. Chosen for a precision of at least 99 %."""
REVIEW = 0.5
"""τ2: between τ2 and τ1 a new title is made and a person is asked."""
MARGIN = 1.0
"""Bits by which the best title must beat the second best; nearer ones are alike, which is a person's decision."""

PRIOR = -4.0
"""Bits before any field is looked at: of the titles in an item's blocks few are the same work."""
CLOSE_NAME = 88.0
"""Least `rapidfuzz.fuzz.ratio` (0..100) of two names written a little differently."""
CLOSE_WORD = 75.0
"""The same, of each pair of their words."""


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


def score(left: Features, right: Features, *, same_provider: bool = False, ignore_ids: bool = False) -> Score:
    """Compare two items. A veto (kind, contradicting ids, other season or episode number) makes the total 0."""
    veto = _veto(left, right, ignore_ids)
    if veto is not None:
        return Score(0.0, float("-inf"), (veto,))
    found = [_name(left, right), _year(left, right), *_people(left, right), _runtime(left, right)]
    found.append(_genres(left, right))
    if left.number != (None, None) and left.number == right.number:
        found.append(Evidence("number", "same", 4.0))
    if same_provider:
        # One provider lists a work once; a second listing is another work unless an id says otherwise.
        found.append(Evidence("provider", "same", -9.0))
    evidence = tuple(item for item in found if item.weight)
    bits = PRIOR + sum(item.weight for item in evidence)
    return Score(_probability(bits), bits, evidence)


def _probability(bits: float) -> float:
    return float(1.0 / (1.0 + 2.0 ** -max(-60.0, min(60.0, bits))))


def _veto(left: Features, right: Features, ignore_ids: bool) -> Evidence | None:
    if left.kind != right.kind:
        return Evidence("kind", f"{left.kind} and {right.kind}", float("-inf"))
    source = None if ignore_ids else contradict(left.ids, right.ids)
    if source is not None:
        return Evidence("external_id", f"{source} contradicts", float("-inf"))
    for one, other in zip(left.number, right.number, strict=True):
        if one is not None and other is not None and one != other:
            return Evidence("number", f"{one} and {other}", float("-inf"))
    if left.series and right.series and left.series != right.series:
        return Evidence("series_name", "different", float("-inf"))
    return None


def _name(left: Features, right: Features) -> Evidence:
    if left.kind in {"season", "episode"} and left.series and left.series == right.series and _same_number(left, right):
        return Evidence("name", "same series and number", 6.0)
    shared = left.main_keys & right.main_keys
    if shared:
        # A short name is shared by more works: "It" says less than "Dick Johnson Is Dead".
        long = max(len(key) for key in shared) >= 12
        return Evidence("name", "same, long" if long else "same", 7.0 if long else 6.0)
    if not left.full_keys.isdisjoint(right.full_keys):
        return Evidence("name", "same as an alternate name", 5.0)
    return _near_name(left, right)


def _near_name(left: Features, right: Features) -> Evidence:
    """Names that differ. Other numbers are other works: "Rocky II" is one letter from "Rocky III"."""
    best, level = -6.0, "different"
    for one in left.names:
        for other in right.names:
            if one.numbers != other.numbers:
                continue
            if compact(one.full) == compact(other.full):
                return Evidence("name", "same but for spaces", 5.5)
            if best < 3.5 and _is_misspelt(one.full, other.full):
                best, level = 3.5, "spelled otherwise"
            elif best < 2.0 and (one.head == other.full or other.head == one.full):
                best, level = 2.0, "one has a subtitle"
    return Evidence("name", level, best)


def _is_misspelt(one: str, other: str) -> bool:
    """Word for word alike. Whole names that look alike are not enough: "… What Is Money?" and "… What Is Time?" are two
    episodes of one set of short films."""
    if ratio(one, other, score_cutoff=CLOSE_NAME) == 0.0 or min(len(one), len(other)) < 6:
        return False
    words, others = one.split(), other.split()
    if len(words) != len(others):
        return False
    return all(left == right or ratio(left, right) >= CLOSE_WORD for left, right in zip(words, others, strict=True))


def _same_number(left: Features, right: Features) -> bool:
    season, episode = left.number
    return left.number == right.number and season is not None and (left.kind == "season" or episode is not None)


def _year(left: Features, right: Features) -> Evidence:
    if left.year is None or right.year is None:
        return Evidence("year", "unknown", 0.0)
    apart = abs(left.year - right.year)
    # The year of a series may be that of any of its seasons.
    weights = (3.0, 0.0, -4.0, -8.0) if left.kind == "movie" else (3.0, 1.0, -0.5, -2.0)
    if apart <= 2:
        return Evidence("year", "same" if apart == 0 else f"{apart} apart", weights[apart])
    if left.kind == "series" and apart <= 10:
        return Evidence("year", f"{apart} apart", weights[2] - 0.15 * apart)
    return Evidence("year", f"{apart} apart", weights[3])


def _people(left: Features, right: Features) -> tuple[Evidence, Evidence]:
    return (
        _overlap("directors", left.directors, right.directors, each=5.0, most=6.0, none=-5.0),
        _overlap("cast", left.cast, right.cast, each=3.0, most=8.0, none=-3.0),
    )


def _overlap(
    field: str, left: frozenset[str], right: frozenset[str], *, each: float, most: float, none: float
) -> Evidence:
    if not left or not right:
        return Evidence(field, "unknown", 0.0)
    shared = len(left & right)
    if shared:
        return Evidence(field, f"{shared} shared", min(most, shared * each))
    # Casts are cut after a few names, so disjoint short ones say little.
    few = min(len(left), len(right)) < 2 and field == "cast"
    return Evidence(field, "none shared", none / 2 if few else none)


def _runtime(left: Features, right: Features) -> Evidence:
    if not left.runtime or not right.runtime or left.kind == "series":
        return Evidence("runtime", "unknown", 0.0)
    apart = abs(left.runtime - right.runtime)
    share = apart / max(left.runtime, right.runtime)
    if apart <= 1 or share <= 0.01:
        return Evidence("runtime", "same", 3.0)
    level = f"{apart} min apart"
    if share <= 0.04:
        return Evidence("runtime", level, 1.5)
    # Cuts, credits and speeds differ: of films of one name and year on two sources one in ten is 4 to 12 % apart.
    if share <= 0.12 or apart <= 4:
        return Evidence("runtime", level, -0.3)
    return Evidence("runtime", level, -1.0 if share <= 0.3 else -2.5)


def _genres(left: Features, right: Features) -> Evidence:
    if not left.genres or not right.genres:
        return Evidence("genres", "unknown", 0.0)
    shared = len(left.genres & right.genres) / min(len(left.genres), len(right.genres))
    if shared >= 0.5:
        return Evidence("genres", "shared", 0.7)
    return Evidence("genres", "some shared", 0.0) if shared else Evidence("genres", "none shared", -0.8)
