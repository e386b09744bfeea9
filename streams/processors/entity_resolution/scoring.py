"""How likely two items are the same work, explained per field. Pure, and the only place with weights.

A field's weight is the binary logarithm of (how often it looks so for one work) / (how often for two works that share
a block), as in Fellegi and Sunter, "A Theory for Record Linkage" (1969); here the weights are set by hand and the
thresholds by measurement (`proofs/evaluation/entity_resolution.py`). The total is the probability that the sum of
prior and weights stands for. External ids are not scored: they decide before any pair is scored.
"""

import math

from rapidfuzz.fuzz import ratio, token_set_ratio

from streams.processors.entity_resolution import recordings
from streams.processors.entity_resolution.evidence import Evidence, Score
from streams.processors.entity_resolution.features import RECORDINGS, Features, contradict
from streams.processors.entity_resolution.names import compact
from streams.processors.entity_resolution.people import alike_people

LINK = 0.8
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


def score(
    left: Features, right: Features, *, same_provider: bool = False, ignore_ids: bool = False, namesakes: int = 1
) -> Score:
    """Compare two items. A veto (kind, contradicting ids, other season or episode number) makes the total 0.

    `namesakes`: how many titles of this name there are to choose from. A name that several share says less (term
    frequency adjustment, Winkler 2000): each can be the one, and a name that is used twice is used a third time.
    """
    veto = _veto(left, right, ignore_ids)
    if veto is not None:
        return Score(0.0, float("-inf"), (veto,))
    if left.kind in RECORDINGS:
        found = recordings.evidence(left, right)
    else:
        found = [_name(left, right), _year(left, right), *_people(left, right), _runtime(left, right)]
        found.append(_genres(left, right))
    if namesakes > 1:
        found.append(Evidence("namesakes", str(namesakes), -2.0 * math.log2(namesakes)))
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
    if left.kind not in RECORDINGS and left.series and right.series and left.series != right.series:
        return Evidence("series_name", "different", float("-inf"))
    return None


def _name(left: Features, right: Features) -> Evidence:
    if left.kind in {"season", "episode"} and left.series and left.series == right.series and _same_number(left, right):
        return Evidence("name", "same series and number", 6.0)
    shared = left.main_keys & right.main_keys
    if shared:
        return Evidence("name", *_rarity(max(shared, key=len), left.kind))
    if not left.full_keys.isdisjoint(right.full_keys):
        return Evidence("name", "same as an alternate name", 5.0)
    return _near_name(left, right)


def _rarity(key: str, kind: str) -> tuple[str, float]:
    """A short name is shared by more works: "It" says less than "Dick Johnson Is Dead". The weights are the odds that
    films of one name on two sources, alone there with it, are one film (docs/resolution.md), and the prior."""
    letters, words = len(compact(key)), key.count(" ") + 1
    if kind == "unknown":  # people: whoever has two names shares them with few
        return ("same, of a person", 8.0 if words > 1 else 5.0)
    for least, weight, alone in ((15, 8.0, 6.4), (12, 6.8, 6.2), (9, 6.4, 6.1), (6, 6.2, 5.2)):
        if letters >= least:
            return (f"same, {least} letters or more", weight if words > 1 else alone)
    return ("same, short", 4.6)


def _near_name(left: Features, right: Features) -> Evidence:
    """Names that differ. Other numbers are other works: "Rocky II" is one letter from "Rocky III"."""
    best, level = -6.0, "different"
    numbered = left.kind == "episode" and _same_number(left, right)
    for one in left.names:
        for other in right.names:
            if numbered and best < 2.5 and token_set_ratio(one.full, other.full) >= 90:
                best, level = 2.5, "one has more words"  # "(1)" or the place behind the name: the number says the rest
            if one.numbers != other.numbers:
                continue
            if compact(one.full) == compact(other.full):
                return Evidence("name", "same but for spaces", 5.5)
            if sorted(one.full.split()) == sorted(other.full.split()):
                return Evidence("name", "same words", 5.0)
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
    weights = (3.0, 0.5, -3.0, -8.0) if left.kind == "movie" else (3.0, -1.0, -1.5, -2.0)
    if apart <= 2:
        return Evidence("year", "same" if apart == 0 else f"{apart} apart", weights[apart])
    if left.kind == "series" and apart <= 10:
        return Evidence("year", f"{apart} apart", weights[2] - 0.15 * apart)
    return Evidence("year", f"{apart} apart", weights[3])


def _people(left: Features, right: Features) -> tuple[Evidence, ...]:
    found = (
        _overlap("directors", left.directors, right.directors, each=5.0, most=6.0, none=-5.0),
        _overlap("cast", left.cast, right.cast, each=3.0, most=8.0, none=-3.0),
    )
    if any(one.weight > 0 for one in found) or not left.everybody or not right.everybody:
        return found
    # One catalogue's writer is another's director.
    shared = alike_people(left.everybody, right.everybody)
    return (*found, Evidence("people", f"{shared} shared", min(5.0, 3.5 * shared))) if shared else found


def _overlap(
    field: str, left: frozenset[str], right: frozenset[str], *, each: float, most: float, none: float
) -> Evidence:
    if not left or not right:
        return Evidence(field, "unknown", 0.0)
    shared = alike_people(left, right)
    if shared:
        return Evidence(field, f"{shared} shared", min(most, shared * each))
    # Casts are cut after a few names, so disjoint short ones say little, and two single names nothing.
    few = min(len(left), len(right))
    if field == "cast" and few < 3:
        return Evidence(field, "none shared", none * (few - 1) / 3)
    return Evidence(field, "none shared", none)


def _runtime(left: Features, right: Features) -> Evidence:
    if not left.runtime or not right.runtime:
        return Evidence("runtime", "unknown", 0.0)
    apart = abs(left.runtime - right.runtime)
    share = apart / max(left.runtime, right.runtime)
    if left.kind == "series":  # of an episode, or of all of them
        return Evidence("runtime", f"{apart} min apart", 0.5 if share <= 0.12 else -1.0)
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
