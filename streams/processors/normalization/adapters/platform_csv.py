"""The twelve columns in which catalogues of Netflix, Disney+ and Hulu are passed around.

`release_year` is that of the newest season, not of the first. `date_added` starts the offer. Netflix has rows whose
duration stands in the rating column.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import msgspec

from schemas.types.catalog import Kind
from streams.processors.normalization import fields, genres
from streams.processors.normalization.countries import country_code
from streams.processors.normalization.draft import Draft
from streams.processors.normalization.durations import parse_duration
from streams.processors.normalization.fields import Scalar
from streams.processors.normalization.genres import GenreTable
from streams.processors.normalization.names import split_name
from streams.processors.normalization.offers import SHOPS, Shop, subscription
from streams.processors.normalization.people import credited, split_people
from streams.processors.normalization.ratings import parse_age_rating
from streams.processors.normalization.reasons import refusal

_KINDS: Final[dict[str, Kind]] = {"movie": "movie", "tv show": "series"}


class Row(msgspec.Struct):
    show_id: Scalar = None
    type: str | None = None
    title: Scalar = None
    director: str | None = None
    cast: str | None = None
    country: str | None = None
    date_added: str | None = None
    release_year: Scalar = None
    rating: Scalar = None
    duration: Scalar = None
    listed_in: str | list[str] | None = None
    description: str | None = None


def native_id(raw: Mapping[str, Any]) -> str | None:
    return fields.identifier(raw.get("show_id"))


def adapt(raw: dict[str, Any], shop: Shop, table: GenreTable) -> Draft:
    row = msgspec.convert(raw, Row)
    kind = _KINDS.get((row.type or "").strip().lower())
    if kind is None:
        raise refusal("unknown_kind", repr(row.type))
    name = split_name(fields.title_text(row.title) or "")
    rating = fields.text(row.rating) or ""
    age_rating = parse_age_rating(shop.region, rating)
    duration = parse_duration(fields.text(row.duration) or ("" if age_rating else rating))
    terms, unknown = genres.map_genres(fields.words(row.listed_in), table)
    return Draft(
        kind=kind,
        name=name,
        native_id=fields.text(row.show_id),
        year=fields.integer(row.release_year),
        runtime_minutes=duration.minutes if duration else None,
        genres=terms,
        unknown_genres=unknown,
        people=credited(("director", split_people(row.director)), ("actor", split_people(row.cast))),
        overview=fields.text(row.description),
        age_ratings=(age_rating,) if age_rating else (),
        countries=fields.mapped(row.country, country_code),
        offers=(subscription(shop, name.main, fields.offer_start(fields.day(row.date_added))),),
    )


def adapter_for(provider: str, table: GenreTable) -> Callable[[dict[str, Any]], Draft]:
    return partial(adapt, shop=SHOPS[provider], table=table)
