"""The catalog that is imported over and over: real films in .jsonl files, as their providers would send them."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from bootstrap.catalog_files import RawItem, read_native
from devstack import assets

WIKIDATA, MOVIELENS, NETFLIX = 350, 200, 100
"""Items of each provider: large enough that every unit takes seconds over them, small enough for twenty imports.

What bounds an import on two cores is the embedding (about 160 titles a second)."""

_YEARS = range(1993, 1998)  # where MovieLens is at home, so that items of several providers become one title


Catalog = dict[str, list[RawItem]]
"""Items by provider."""


def write_catalog(folder: Path, home: Path) -> Catalog:
    """Writes `<provider>.jsonl` into the folder and reads it back. `home` has the downloaded data sets."""
    lines = read_native("movielens", assets.movielens_items(home))
    found = {
        "wikidata": [item.body for item in itertools.islice(_films(home), WIKIDATA)],
        "movielens": [item.body for item in itertools.islice(lines, MOVIELENS)],
    }
    found["netflix"] = [_listing(body) for body in found["wikidata"][:NETFLIX]]
    items = {}
    for provider, bodies in found.items():
        path = folder / f"{provider}.jsonl"
        path.write_bytes(b"\n".join(map(msgspec.json.encode, bodies)))
        items[provider] = list(read_native(provider, path))
    return items


def more_films(home: Path) -> Iterator[RawItem]:
    """Thousands that are in no catalog written here."""
    return (item for item in read_native("wikidata", assets.movies_db(home)) if item.body.get("Year") not in _YEARS)


def _films(home: Path) -> Iterator[RawItem]:
    return (item for item in read_native("wikidata", assets.movies_db(home)) if item.body.get("Year") in _YEARS)


def _listing(film: dict[str, Any]) -> dict[str, Any]:
    """The same film in the columns of a platform: the only shape here that brings offers."""
    return {
        "show_id": f"s{film['ID']}",
        "type": "Movie",
        "title": film["Title"],
        "director": film.get("Director"),
        "cast": film.get("Cast"),
        "release_year": film["Year"],
        "duration": f"{film['Runtime']:.0f} min" if film.get("Runtime") else None,
        "listed_in": "Movies",
        "date_added": "September 1, 2025",
    }
