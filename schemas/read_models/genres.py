"""The one vocabulary of genres. Providers' own words are mapped onto it by the normalization processor.

A term is what a work is about or how it is told. Markets ("British TV"), audiences of a shop ("Black Stories") and
formats ("Movies") are not genres. Terms are only ever added: they stand in events, filters and people's bookmarks.
"""

from typing import Final

GENRE_LABELS: Final[dict[str, str]] = {
    "action": "Action",
    "adventure": "Adventure",
    "animation": "Animation",
    "anime": "Anime",
    "biography": "Biography",
    "children": "Children",
    "comedy": "Comedy",
    "crime": "Crime",
    "documentary": "Documentary",
    "drama": "Drama",
    "faith": "Faith & Spirituality",
    "family": "Family",
    "fantasy": "Fantasy",
    "film_noir": "Film noir",
    "food": "Food & Cooking",
    "game_show": "Game show & Competition",
    "history": "History",
    "horror": "Horror",
    "lgbtq": "LGBTQ",
    "lifestyle": "Lifestyle",
    "music": "Music",
    "musical": "Musical",
    "mystery": "Mystery",
    "nature": "Nature",
    "news": "News",
    "reality": "Reality",
    "romance": "Romance",
    "science": "Science & Technology",
    "science_fiction": "Science fiction",
    "sport": "Sport",
    "stand_up": "Stand-up",
    "superhero": "Superhero",
    "talk_show": "Talk show",
    "teen": "Teen",
    "thriller": "Thriller",
    "travel": "Travel",
    "variety": "Variety & Sketch",
    "war": "War",
    "western": "Western",
}
"""Term (stored, filtered by) to English label (shown)."""

GENRES: Final[tuple[str, ...]] = tuple(GENRE_LABELS)
