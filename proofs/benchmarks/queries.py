"""What people type: exact names, beginnings, shuffled words, people, moods, filters; made from the catalog itself."""

import random
import sqlite3
from pathlib import Path

_MOODS = (
    "a heist that goes wrong",
    "romantic comedy in paris",
    "space adventure with robots",
    "boy who sees ghosts",
    "courtroom drama based on a true story",
    "animated film about toys",
    "war seen through the eyes of a child",
    "detective hunts a serial killer",
    "coming of age in the eighties",
    "samurai revenge",
)
_GENRES = ("drama", "comedy", "horror", "romance", "thriller", "animation")


def mixed_queries(films: Path, count: int, seed: int = 11) -> list[dict[str, str]]:
    """`count` parameter sets for /v1/search, the same for the same seed."""
    with sqlite3.connect(f"file:{films}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT Title, Director, Year FROM omdb WHERE Title != ''").fetchall()
    chance = random.Random(seed)
    return [_query(chance, *chance.choice(rows)) for _ in range(count)]


def _query(chance: random.Random, title: str, director: str | None, year: int | None) -> dict[str, str]:
    kind = chance.choices(("exact", "prefix", "words", "person", "mood", "filtered"), (30, 20, 15, 10, 15, 10))[0]
    if kind == "exact":
        return {"q": title}
    if kind == "prefix":
        return {"q": title[: max(3, len(title) // 2)]}
    if kind == "words":
        words = title.split()
        chance.shuffle(words)
        return {"q": " ".join(words)}
    if kind == "person" and director:
        return {"q": director.split(",")[0]}
    if kind == "filtered":
        start = int(year or 1990) - 5
        return {
            "q": title.rsplit(maxsplit=1)[-1],
            "genre": chance.choice(_GENRES),
            "yearFrom": str(start),
            "kind": "movie",
        }
    return {"q": chance.choice(_MOODS)}
