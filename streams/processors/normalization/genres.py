"""Providers' words for genres → the one vocabulary. One table a provider, applied once.

A word that maps to nothing is known and not a genre (a market, an audience, a format); a word that is not in the
table is unknown: it is kept on the item, and the contract test counts it.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from streams.processors.normalization.limits import MAX_GENRE, MAX_GENRES
from streams.processors.normalization.names import clean

GenreTable = Mapping[str, tuple[str, ...]]
"""Lower-case word of the provider → terms of schemas.read_models.genres."""

# What everybody calls the same.
_PLAIN: Final[dict[str, tuple[str, ...]]] = {
    "action": ("action",),
    "action & adventure": ("action", "adventure"),
    "action-adventure": ("action", "adventure"),
    "adventure": ("adventure",),
    "animation": ("animation",),
    "anime": ("anime", "animation"),
    "biographical": ("biography",),
    "biography": ("biography",),
    "comedies": ("comedy",),
    "comedy": ("comedy",),
    "crime": ("crime",),
    "documentaries": ("documentary",),
    "documentary": ("documentary",),
    "docuseries": ("documentary",),
    "drama": ("drama",),
    "dramas": ("drama",),
    "family": ("family",),
    "fantasy": ("fantasy",),
    "historical": ("history",),
    "history": ("history",),
    "horror": ("horror",),
    "kids": ("children",),
    "music": ("music",),
    "musical": ("musical",),
    "mystery": ("mystery",),
    "news": ("news",),
    "reality": ("reality",),
    "romance": ("romance",),
    "sci-fi": ("science_fiction",),
    "science fiction": ("science_fiction",),
    "sport": ("sport",),
    "sports": ("sport",),
    "talk show": ("talk_show",),
    "thriller": ("thriller",),
    "thrillers": ("thriller",),
    "travel": ("travel",),
    "war": ("war",),
    "western": ("western",),
}

WIKIDATA: Final[GenreTable] = _PLAIN

MOVIELENS: Final[GenreTable] = _PLAIN | {
    "children's": ("children",),
    "children": ("children",),
    "film-noir": ("film_noir",),
    "imax": (),
    "unknown": (),
}

NETFLIX: Final[GenreTable] = _PLAIN | {
    "anime features": ("anime", "animation"),
    "anime series": ("anime", "animation"),
    "british tv shows": (),
    "children & family movies": ("children", "family"),
    "classic & cult tv": (),
    "classic movies": (),
    "crime tv shows": ("crime",),
    "cult movies": (),
    "faith & spirituality": ("faith",),
    "horror movies": ("horror",),
    "independent movies": (),
    "international movies": (),
    "international tv shows": (),
    "kids' tv": ("children",),
    "korean tv shows": (),
    "lgbtq movies": ("lgbtq",),
    "movies": (),
    "music & musicals": ("music",),
    "reality tv": ("reality",),
    "romantic movies": ("romance",),
    "romantic tv shows": ("romance",),
    "sci-fi & fantasy": ("science_fiction", "fantasy"),
    "science & nature tv": ("science", "nature"),
    "spanish-language tv shows": (),
    "sports movies": ("sport",),
    "stand-up comedy": ("stand_up", "comedy"),
    "stand-up comedy & talk shows": ("stand_up", "comedy", "talk_show"),
    "teen tv shows": ("teen",),
    "tv action & adventure": ("action", "adventure"),
    "tv comedies": ("comedy",),
    "tv dramas": ("drama",),
    "tv horror": ("horror",),
    "tv mysteries": ("mystery",),
    "tv sci-fi & fantasy": ("science_fiction", "fantasy"),
    "tv shows": (),
    "tv thrillers": ("thriller",),
}

DISNEY_PLUS: Final[GenreTable] = _PLAIN | {
    "animals & nature": ("nature",),
    "anthology": (),
    "buddy": (),
    "coming of age": ("teen",),
    "concert film": ("music",),
    "dance": ("music",),
    "disaster": ("thriller",),
    "game show / competition": ("game_show",),
    "lifestyle": ("lifestyle",),
    "medical": ("drama",),
    "movies": (),
    "parody": ("comedy",),
    "police/cop": ("crime",),
    "romantic comedy": ("romance", "comedy"),
    "series": (),
    "soap opera / melodrama": ("drama",),
    "spy/espionage": ("thriller",),
    "superhero": ("superhero", "action"),
    "survival": ("adventure",),
    "variety": ("variety",),
}

HULU: Final[GenreTable] = _PLAIN | {
    "adult animation": ("animation",),
    "black stories": (),
    "cartoons": ("animation",),
    "classics": (),
    "cooking & food": ("food",),
    "game shows": ("game_show",),
    "health & wellness": ("lifestyle",),
    "international": (),
    "late night": ("talk_show",),
    "latino": (),
    "lgbtq+": ("lgbtq",),
    "lifestyle & culture": ("lifestyle",),
    "science & technology": ("science",),
    "sitcom": ("comedy",),
    "sketch comedy": ("variety", "comedy"),
    "stand up": ("stand_up", "comedy"),
    "teen": ("teen",),
}

JUSTWATCH: Final[GenreTable] = _PLAIN | {
    "documentation": ("documentary",),
    "european": (),
    "scifi": ("science_fiction",),
}

PLATFORMS: Final[GenreTable] = {
    **NETFLIX,
    **DISNEY_PLUS,
    **HULU,
    "arts, entertainment, and culture": ("lifestyle",),
    "arthouse": (),
    "audio described": (),
    "documentary": ("documentary",),
    "faith and spirituality": ("faith",),
    "fitness": ("lifestyle",),
    "international": (),
    "military and war": ("war",),
    "special interest": (),
    "suspense": ("thriller",),
    "talk show and variety": ("talk_show", "variety"),
    "unscripted": ("reality",),
    "young adult audience": ("teen",),
    "young adult": ("teen",),
}
"""For catalogues in the platforms' columns whose words nobody has written down one by one."""


def map_genres(words: Iterable[str], table: GenreTable) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Terms and unknown words, each once, in the order they came."""
    terms: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for word in words:
        mapped = table.get(word.lower())
        if mapped is None and (text := clean(word)):
            mapped = table.get(text.lower().replace("’", "'"))
            if mapped is None and len(text) <= MAX_GENRE:
                unknown[text] = None
        if mapped:
            terms.update(dict.fromkeys(mapped))
    return tuple(terms)[:MAX_GENRES], tuple(unknown)[:MAX_GENRES]
