"""How alike two songs or two albums are: name, artist, album, length, and what makes it another recording, without any
weight. Pure."""

import re
from itertools import takewhile
from typing import Final

from rapidfuzz.fuzz import ratio, token_set_ratio

from streams.processors.entity_resolution.evidence import UNKNOWN, Comparison, levels
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


_SAME, _SPACES, _NUMBERS, _SPELLED, _MORE_WORDS, _DIFFERENT, _COLUMNS, _BEGINNING, _SHORT = levels(
    "name", "same", "same but for spaces", "other numbers", "spelled otherwise", "one has more words", "different",
    "same beginning, then other columns", "same beginning", "same beginning, short",
)  # fmt: skip
(_RECORDING,) = levels("recording", "same")
_ARTIST_MENTIONED, _ARTIST_UNKNOWN, _ARTIST_SHARED, _ARTIST_WRITTEN, _ARTIST_DIFFERENT = levels(
    "artist", "mentioned", UNKNOWN, "shared", "written otherwise", "different"
)
_ALBUM_ITSELF, _ALBUM_MENTIONED, _ALBUM_UNKNOWN, _ALBUM_SAME, _ALBUM_WRITTEN, _ALBUM_DIFFERENT = levels(
    "album", "itself", "mentioned", UNKNOWN, "same", "written otherwise", "different"
)
_LENGTH_UNKNOWN, *_LENGTHS = levels("length", UNKNOWN, "same", "1 min apart", "2 min apart")


def compare(left: Features, right: Features) -> list[Comparison]:
    """Songs have many namesakes and versions, so the artist decides as much as the name does."""
    return [_name(left, right), _marks(left, right), _artist(left, right), _album(left, right), _length(left, right)]


def _name(left: Features, right: Features) -> Comparison:
    if left.main_keys & right.main_keys:
        return _SAME
    one, other = left.main[0].full, right.main[0].full
    if _runs_on(left) or _runs_on(right):
        return _beginning(left, right)
    if compact(one) == compact(other):
        return _SPACES
    if left.main[0].numbers != right.main[0].numbers:
        return _NUMBERS
    alike = ratio(one, other)
    if alike >= 88:
        return _SPELLED
    if min(len(one), len(other)) >= 6 and token_set_ratio(one, other) >= 95:
        return _MORE_WORDS
    return _DIFFERENT


def _runs_on(side: Features) -> bool:
    """Other columns slipped into the name: it is long, or has a price or a time in it, and one of them is empty."""
    suspicious = len(side.main[0].full) >= RUNS_ON or _SLIPPED.search(side.item.name) is not None
    return suspicious and not (side.cast and side.series and side.runtime)


def _beginning(left: Features, right: Features) -> Comparison:
    """Of names with other columns behind them only the beginning can be compared."""
    one, other = left.main[0].full.split(), right.main[0].full.split()
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    letters = sum(len(word) for word in one[:shared])
    if shared and _ends(one[shared:], right) and _ends(other[shared:], left):
        return _COLUMNS
    if letters >= 8:
        return _BEGINNING
    return _SHORT if letters >= 4 else _DIFFERENT


def _ends(rest: list[str], other: Features) -> bool:
    """Whether the name ends here: what follows is nothing, a number, or what stands in other columns."""
    return not rest or rest[0].isdigit() or rest[0] in _OTHER_COLUMNS or rest[0] in other.people_and_part


def _within(part: str, whole: Features) -> bool:
    """Whether all words of a name stand somewhere in the other record."""
    return bool(part) and set(part.split()) <= whole.words


def _marks(left: Features, right: Features) -> Comparison:
    if left.marks == right.marks:
        return _RECORDING
    apart = left.marks ^ right.marks
    # A live album's songs are called live by one shop and not by another.
    level = "live, of one album" if apart == {"live"} and left.series == right.series else "another"
    return Comparison("recording", level, ", ".join(sorted(apart)))


def _artist(left: Features, right: Features) -> Comparison:
    if not left.cast or not right.cast:
        found = any(_within(one, right) for one in left.cast) or any(_within(one, left) for one in right.cast)
        return _ARTIST_MENTIONED if found else _ARTIST_UNKNOWN
    if alike_people(left.cast, right.cast):
        return _ARTIST_SHARED
    best = max(token_set_ratio(one, other) for one in left.cast for other in right.cast)
    return _ARTIST_WRITTEN if best >= 90 else _ARTIST_DIFFERENT


def _album(left: Features, right: Features) -> Comparison:
    if left.kind != "track":
        return _ALBUM_ITSELF
    if not left.series or not right.series:
        found = _within(left.series or "", right) or _within(right.series or "", left)
        return _ALBUM_MENTIONED if found else _ALBUM_UNKNOWN
    if left.series == right.series:
        return _ALBUM_SAME
    if token_set_ratio(left.series, right.series) >= 90:
        return _ALBUM_WRITTEN
    return _ALBUM_DIFFERENT


def _length(left: Features, right: Features) -> Comparison:
    one, other = _minutes(left), _minutes(right)
    if one is None or other is None:
        return _LENGTH_UNKNOWN
    apart = round(abs(one - other))
    return _LENGTHS[apart] if apart < 3 else Comparison("length", "further apart", f"{apart} min apart")


def _minutes(side: Features) -> float | None:
    if side.runtime:
        return side.runtime
    found = _CLOCK.search(side.item.name)
    return int(found[1]) + int(found[2]) / 60 if found else None
