"""How alike two films, series, seasons or episodes are, field by field, without any weight. Pure."""

from typing import Final

from rapidfuzz.fuzz import ratio, token_set_ratio

from streams.processors.entity_resolution.evidence import UNKNOWN, Comparison, levels
from streams.processors.entity_resolution.features import Features
from streams.processors.entity_resolution.names import compact
from streams.processors.entity_resolution.people import alike_people

CLOSE_NAME = 88.0
"""Least `rapidfuzz.fuzz.ratio` (0..100) of two names written a little differently."""
CLOSE_WORD = 75.0
"""The same, of each pair of their words."""

_NUMBERED, _ALTERNATE, _SPACES, _WORDS = levels(
    "name", "same series and number", "same as an alternate name", "same but for spaces", "same words"
)
_NEAR: Final = levels("name", "different", "one has a subtitle", "one has more words", "spelled otherwise")
"""The more they say, the later: the best of all pairs of names counts."""
_DIFFERENT, _SUBTITLE, _MORE_WORDS, _MISSPELT = range(4)

SHORT = "same, short"
LENGTHS: Final = {least: f"same, {least} letters or more" for least in (15, 12, 9, 6)}
PERSON = "same, of a person"
ONE_WORD = ", one word"
"""Follows the levels of equal names that are one word."""
_SHORT = Comparison("name", SHORT, SHORT)
_LONG: Final = tuple(
    (least, Comparison("name", level, level), Comparison("name", level + ONE_WORD, level))
    for least, level in LENGTHS.items()
)
_PERSON: Final = (Comparison("name", PERSON, PERSON), Comparison("name", PERSON + ONE_WORD, PERSON))

_YEAR_UNKNOWN, _YEAR_SAME, *_YEARS = levels("year", UNKNOWN, "same", "1 apart", "2 apart")
FAR_YEAR = "more apart"
YEARS_OF_SERIES = range(3, 11)
"""How far apart the years of a series may be to still be those of two of its seasons."""

_PEOPLE: Final = {
    field: levels(
        field, UNKNOWN, "1 shared", "2 shared", "3 or more shared", "none of one shared", "none of two shared"
    )
    for field in ("directors", "cast", "people")
}
NONE_SHARED = "none shared"
_NONE: Final = {field: Comparison(field, NONE_SHARED, NONE_SHARED) for field in _PEOPLE}

_RUNTIME_UNKNOWN, _RUNTIME_SAME = levels("runtime", UNKNOWN, "same")
_GENRES_UNKNOWN, _GENRES_SHARED, _GENRES_SOME, _GENRES_NONE = levels(
    "genres", UNKNOWN, "shared", "some shared", NONE_SHARED
)


def compare(left: Features, right: Features) -> list[Comparison]:
    return [
        _name(left, right),
        _year(left, right),
        *_credits(left, right),
        _runtime(left, right),
        _genres(left, right),
    ]


def _name(left: Features, right: Features) -> Comparison:
    if left.kind in {"season", "episode"} and left.series and left.series == right.series and _same_number(left, right):
        return _NUMBERED
    shared = left.main_keys & right.main_keys
    if shared:
        return _rarity(max(shared, key=len), left.kind)
    if not left.full_keys.isdisjoint(right.full_keys):
        return _ALTERNATE
    return _near_name(left, right)


def _rarity(key: str, kind: str) -> Comparison:
    """A short name is shared by more works: "It" says less than "Dick Johnson Is Dead"."""
    several = " " in key
    if kind == "unknown":  # people: whoever has two names shares them with few
        return _PERSON[0 if several else 1]
    letters = len(compact(key))
    for least, words, alone in _LONG:
        if letters >= least:
            return words if several else alone
    return _SHORT


def _near_name(left: Features, right: Features) -> Comparison:
    """Names that differ. Other numbers are other works: "Rocky II" is one letter from "Rocky III"."""
    best = _DIFFERENT
    numbered = left.kind == "episode" and _same_number(left, right)
    for one in left.names:
        for other in right.names:
            if numbered and best < _MORE_WORDS and token_set_ratio(one.full, other.full) >= 90:
                best = _MORE_WORDS  # "(1)" or the place behind the name: the number says the rest
            if one.numbers != other.numbers:
                continue
            if compact(one.full) == compact(other.full):
                return _SPACES
            if sorted(one.full.split()) == sorted(other.full.split()):
                return _WORDS
            if best < _MISSPELT and _is_misspelt(one.full, other.full):
                best = _MISSPELT
            elif best < _SUBTITLE and (one.head == other.full or other.head == one.full):
                best = _SUBTITLE
    return _NEAR[best]


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


def _year(left: Features, right: Features) -> Comparison:
    if left.year is None or right.year is None:
        return _YEAR_UNKNOWN
    apart = abs(left.year - right.year)
    if apart == 0:
        return _YEAR_SAME
    if apart <= 2:
        return _YEARS[apart - 1]
    text = f"{apart} apart"
    return Comparison("year", text if left.kind == "series" and apart in YEARS_OF_SERIES else FAR_YEAR, text)


def _credits(left: Features, right: Features) -> tuple[Comparison, ...]:
    directors = _overlap("directors", left.directors, right.directors)
    cast = _overlap("cast", left.cast, right.cast)
    found = (directors[1], cast[1])
    if directors[0] or cast[0] or not left.everybody or not right.everybody:
        return found
    # One catalogue's writer is another's director.
    return (*found, _counted("people", alike_people(left.everybody, right.everybody)))


def _overlap(field: str, left: frozenset[str], right: frozenset[str]) -> tuple[int, Comparison]:
    if not left or not right:
        return 0, _PEOPLE[field][0]
    shared = alike_people(left, right)
    few = min(len(left), len(right))
    if not shared and field == "cast" and few < 3:
        # Casts are cut after a few names, so disjoint short ones say little, and two single names nothing.
        level = _PEOPLE[field][3 + few].level
        return 0, Comparison(field, level, NONE_SHARED)
    return shared, _counted(field, shared)


def _counted(field: str, shared: int) -> Comparison:
    if shared > 2:
        return Comparison(field, _PEOPLE[field][3].level, f"{shared} shared")
    return _PEOPLE[field][shared] if shared else _NONE[field]


def _runtime(left: Features, right: Features) -> Comparison:
    if not left.runtime or not right.runtime:
        return _RUNTIME_UNKNOWN
    apart = abs(left.runtime - right.runtime)
    share = apart / max(left.runtime, right.runtime)
    if left.kind == "series":  # of an episode, or of all of them
        return Comparison("runtime", "12 % apart" if share <= 0.12 else "further apart", f"{apart} min apart")
    if apart <= 1 or share <= 0.01:
        return _RUNTIME_SAME
    if share <= 0.04:
        level = "4 % apart"
    elif share <= 0.12 or apart <= 4:
        level = "12 % apart"
    else:
        level = "30 % apart" if share <= 0.3 else "further apart"
    return Comparison("runtime", level, f"{apart} min apart")


def _genres(left: Features, right: Features) -> Comparison:
    if not left.genres or not right.genres:
        return _GENRES_UNKNOWN
    shared = len(left.genres & right.genres) / min(len(left.genres), len(right.genres))
    if shared >= 0.5:
        return _GENRES_SHARED
    return _GENRES_SOME if shared else _GENRES_NONE
