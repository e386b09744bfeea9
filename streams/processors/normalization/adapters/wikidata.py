"""Films from Wikidata, as rows of the bokeh sample database (`omdb`, with the review count of `tomatoes` beside it).

Lists are comma-separated and alphabetical. `Released` is the first of January wherever only the year is known.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from streams.processors.normalization import fields, genres, popularity
from streams.processors.normalization.countries import country_code
from streams.processors.normalization.draft import Draft
from streams.processors.normalization.fields import Scalar
from streams.processors.normalization.languages import language_tag
from streams.processors.normalization.names import split_name
from streams.processors.normalization.people import credited, split_people
from streams.processors.normalization.ratings import parse_age_rating


class Row(msgspec.Struct, rename="pascal"):
    id: Scalar = msgspec.field(name="ID", default=None)
    imdb_id: Scalar = msgspec.field(name="imdbID", default=None)
    title: Scalar = None
    year: Scalar = None
    rating: str | None = None
    runtime: Scalar = None
    genre: str | None = None
    released: str | None = None
    director: str | None = None
    writer: str | None = None
    cast: str | None = None
    language: str | None = None
    country: str | None = None
    reviews: Scalar = None


def native_id(raw: Mapping[str, Any]) -> str | None:
    """`ID`: two pairs of rows share their IMDb id."""
    return fields.identifier(raw.get("ID"))


def adapt(raw: dict[str, Any]) -> Draft:
    row = msgspec.convert(raw, Row)
    terms, unknown = genres.map_genres(fields.words(row.genre), genres.WIKIDATA)
    rating = parse_age_rating("US", row.rating or "")
    runtime = fields.number(row.runtime)
    return Draft(
        kind="movie",
        name=split_name(fields.title_text(row.title) or ""),
        native_id=fields.text(row.id),
        year=fields.integer(row.year),
        release_date=_known_day(fields.day(row.released)),
        runtime_minutes=round(runtime) if runtime is not None and 0 < runtime < 1e6 else None,
        genres=terms,
        unknown_genres=unknown,
        people=credited(
            ("director", split_people(row.director)),
            ("writer", split_people(row.writer)),
            ("actor", split_people(row.cast)),
        ),
        age_ratings=(rating,) if rating else (),
        languages=fields.mapped(row.language, language_tag),
        countries=fields.mapped(row.country, country_code),
        external_ids=fields.imdb_id(row.imdb_id),
        popularity=popularity.log_scaled(fields.number(row.reviews), popularity.CRITIC_REVIEWS),
    )


def _known_day(released: date | None) -> date | None:
    """Wikidata fills a date of year precision up with 1 January; nearly two thirds of the rows have it."""
    return None if released is None or (released.month, released.day) == (1, 1) else released
