"""Weights set by hand, after odds that were counted (docs/resolution.md): the baseline that learned ones have to beat,
and what counts where nothing is learned."""

from typing import Final

from streams.processors.entity_resolution.weighting import Fields, Weights
from streams.processors.entity_resolution.works import (
    FAR_YEAR,
    LENGTHS,
    NONE_SHARED,
    ONE_WORD,
    PERSON,
    SHORT,
    YEARS_OF_SERIES,
)

PRIOR: Final = -4.0
KINDS: Final = ("movie", "series", "season", "episode", "unknown", "track", "album")

# The odds that films of one name on two sources, alone there with it, are one film, and the prior.
_LENGTHS = ((15, 8.0, 6.4), (12, 6.8, 6.2), (9, 6.4, 6.1), (6, 6.2, 5.2))
_NAMES = {
    "same series and number": 6.0,
    **{LENGTHS[least]: words for least, words, _ in _LENGTHS},
    **{LENGTHS[least] + ONE_WORD: alone for least, _, alone in _LENGTHS},
    SHORT: 4.6,
    PERSON: 8.0,
    PERSON + ONE_WORD: 5.0,
    "same as an alternate name": 5.0,
    "same but for spaces": 5.5,
    "same words": 5.0,
    "spelled otherwise": 3.5,
    "one has more words": 2.5,
    "one has a subtitle": 2.0,
    "different": -6.0,
}
_PEOPLE: Fields = {
    "directors": {"1 shared": 5.0, "2 shared": 6.0, "3 or more shared": 6.0, NONE_SHARED: -5.0},
    "cast": {
        "1 shared": 3.0,
        "2 shared": 6.0,
        "3 or more shared": 8.0,
        "none of one shared": 0.0,
        "none of two shared": -1.0,
        NONE_SHARED: -3.0,
    },
    "people": {"1 shared": 3.5, "2 shared": 5.0, "3 or more shared": 5.0, NONE_SHARED: 0.0},
}
# Cuts, credits and speeds differ: of films of one name and year on two sources one in ten is 4 to 12 % apart.
_RUNTIMES = {"same": 3.0, "4 % apart": 1.5, "12 % apart": -0.3, "30 % apart": -1.0, "further apart": -2.5}
_GENRES = {"shared": 0.7, "some shared": 0.0, NONE_SHARED: -0.8}
_YEARS = {"same": 3.0, "1 apart": -1.0, "2 apart": -1.5, FAR_YEAR: -2.0}

_WORKS: Fields = {"name": _NAMES, "year": _YEARS, **_PEOPLE, "runtime": _RUNTIMES, "genres": _GENRES}
_FILMS: Fields = {**_WORKS, "year": {"same": 3.0, "1 apart": 0.5, "2 apart": -3.0, FAR_YEAR: -8.0}}
_SERIES: Fields = {
    **_WORKS,
    # The year of a series may be that of any of its seasons.
    "year": {**_YEARS, **{f"{apart} apart": -1.5 - 0.15 * apart for apart in YEARS_OF_SERIES}},
    "runtime": {"12 % apart": 0.5, "further apart": -1.0},
}
_RECORDINGS: Fields = {
    "name": {
        "same": 6.0,
        "same but for spaces": 5.5,
        "same beginning, then other columns": 5.0,
        "same beginning": 5.0,
        "spelled otherwise": 3.0,
        "same beginning, short": -0.5,
        "one has more words": -1.0,
        "other numbers": -8.0,
        "different": -8.0,
    },
    "recording": {"same": 0.0, "live, of one album": -4.0, "another": -9.0},
    "artist": {"shared": 4.0, "mentioned": 3.0, "written otherwise": 3.0, "different": -7.0},
    "album": {"itself": 0.0, "same": 2.5, "mentioned": 1.5, "written otherwise": 1.5, "different": -3.5},
    "length": {"same": 1.5, "1 min apart": 0.0, "2 min apart": -4.0, "further apart": -8.0},
}

HAND_SET: Final = Weights(
    version="hand-1",
    prior=dict.fromkeys(KINDS, PRIOR),
    bits={
        **dict.fromkeys(KINDS, _WORKS),
        "movie": _FILMS,
        "series": _SERIES,
        **dict.fromkeys(("track", "album"), _RECORDINGS),
    },
)
