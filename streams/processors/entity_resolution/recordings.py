"""How alike two songs or two albums are: name, artist, album, length, and what makes it another recording. Pure."""

import re
from itertools import takewhile
from typing import Final

from rapidfuzz.fuzz import ratio, token_set_ratio

from streams.processors.entity_resolution.evidence import Evidence
from streams.processors.entity_resolution.features import Features
from streams.processors.entity_resolution.names import compact
from streams.processors.entity_resolution.people import alike_people

RUNS_ON: Final = 40
"""Letters of a key from which on a name may hold what belongs into other columns."""
_OTHER_COLUMNS: Final = frozenset({
    "c", "p", "music", "pop", "rock", "dance", "country", "rap", "hip", "r", "alternative", "electronic", "electronica",
    "soul", "jazz", "folk", "metal", "indie", "latin", "january", "february", "march", "april", "may", "june", "july",
    "august", "september", "october", "november", "december",
})  # fmt: skip
"""Words that genres, dates and copyright notices begin with."""
_SLIPPED: Final = re.compile(r"\$ ?\d|\d:\d\d|\b(?:19|20)\d\d\b")
_CLOCK: Final = re.compile(r"(?<!\d)(\d{1,2}):(\d{2})(?!\d)")


def evidence(left: Features, right: Features) -> list[Evidence]:
    """Songs have many namesakes and versions, so the artist decides as much as the name does."""
    return [_name(left, right), _marks(left, right), _artist(left, right), _album(left, right), _length(left, right)]


def _name(left: Features, right: Features) -> Evidence:
    if left.main_keys & right.main_keys:
        return Evidence("name", "same", 6.0)
    one, other = left.main[0].full, right.main[0].full
    if _runs_on(left) or _runs_on(right):
        return _beginning(left, right)
    if compact(one) == compact(other):
        return Evidence("name", "same but for spaces", 5.5)
    if left.main[0].numbers != right.main[0].numbers:
        return Evidence("name", "other numbers", -8.0)
    alike = ratio(one, other)
    if alike >= 88:
        return Evidence("name", "spelled otherwise", 3.0)
    if min(len(one), len(other)) >= 6 and token_set_ratio(one, other) >= 95:
        return Evidence("name", "one has more words", -1.0)
    return Evidence("name", "different", -8.0)


def _runs_on(side: Features) -> bool:
    """Other columns slipped into the name: it is long, or has a price or a time in it, and one of them is empty."""
    suspicious = len(side.main[0].full) >= RUNS_ON or _SLIPPED.search(side.item.name) is not None
    return suspicious and not (side.cast and side.series and side.runtime)


def _beginning(left: Features, right: Features) -> Evidence:
    """Of names with other columns behind them only the beginning can be compared."""
    one, other = left.main[0].full.split(), right.main[0].full.split()
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    letters = sum(len(word) for word in one[:shared])
    if shared and _ends(one[shared:], right) and _ends(other[shared:], left):
        return Evidence("name", "same beginning, then other columns", 5.0)
    if letters >= 8:
        return Evidence("name", "same beginning", 5.0)
    return Evidence("name", "same beginning, short", -0.5) if letters >= 4 else Evidence("name", "different", -8.0)


def _ends(rest: list[str], other: Features) -> bool:
    """Whether the name ends here: what follows is nothing, a number, or what stands in other columns."""
    return not rest or rest[0].isdigit() or rest[0] in _OTHER_COLUMNS or rest[0] in other.people_and_part


def _within(part: str, whole: Features) -> bool:
    """Whether all words of a name stand somewhere in the other record."""
    return bool(part) and set(part.split()) <= whole.words


def _marks(left: Features, right: Features) -> Evidence:
    if left.marks == right.marks:
        return Evidence("recording", "same", 0.0)
    apart = left.marks ^ right.marks
    # A live album's songs are called live by one shop and not by another.
    weight = -4.0 if apart == {"live"} and left.series == right.series else -9.0
    return Evidence("recording", ", ".join(sorted(apart)), weight)


def _artist(left: Features, right: Features) -> Evidence:
    if not left.cast or not right.cast:
        found = any(_within(one, right) for one in left.cast) or any(_within(one, left) for one in right.cast)
        return Evidence("artist", "mentioned", 3.0) if found else Evidence("artist", "unknown", 0.0)
    if alike_people(left.cast, right.cast):
        return Evidence("artist", "shared", 4.0)
    best = max(token_set_ratio(one, other) for one in left.cast for other in right.cast)
    return Evidence("artist", "written otherwise", 3.0) if best >= 90 else Evidence("artist", "different", -7.0)


def _album(left: Features, right: Features) -> Evidence:
    if left.kind != "track":
        return Evidence("album", "itself", 0.0)
    if not left.series or not right.series:
        found = _within(left.series or "", right) or _within(right.series or "", left)
        return Evidence("album", "mentioned", 1.5) if found else Evidence("album", "unknown", 0.0)
    if left.series == right.series:
        return Evidence("album", "same", 2.5)
    if token_set_ratio(left.series, right.series) >= 90:
        return Evidence("album", "written otherwise", 1.5)
    return Evidence("album", "different", -3.5)


def _length(left: Features, right: Features) -> Evidence:
    one, other = _minutes(left), _minutes(right)
    if one is None or other is None:
        return Evidence("length", "unknown", 0.0)
    apart = round(abs(one - other))
    return Evidence("length", "same" if apart == 0 else f"{apart} min apart", (1.5, 0.0, -4.0, -8.0)[min(apart, 3)])


def _minutes(side: Features) -> float | None:
    if side.runtime:
        return side.runtime
    found = _CLOCK.search(side.item.name)
    return int(found[1]) + int(found[2]) / 60 if found else None
