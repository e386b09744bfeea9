"""JustWatch's titles, one file per platform (US). The importer writes the platform into `_platform`.

JustWatch uses one id for a work on all platforms, but a row speaks for one of them only. So the native id names both
(`tm1300@netflix`): rows of two platforms never overwrite each other's offers, and the shared id, kept as an external
id, joins them again in entity resolution.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from schemas.types.catalog import ExternalId, Kind
from streams.processors.normalization import fields, genres, popularity
from streams.processors.normalization.countries import country_code
from streams.processors.normalization.draft import Draft
from streams.processors.normalization.fields import Scalar
from streams.processors.normalization.names import split_name
from streams.processors.normalization.offers import SHOPS, subscription
from streams.processors.normalization.ratings import parse_age_rating
from streams.processors.normalization.reasons import refusal

_KINDS: Final[dict[str, Kind]] = {"movie": "movie", "show": "series"}


class Row(msgspec.Struct):
    id: Scalar = None
    title: Scalar = None
    type: str | None = None
    description: str | None = None
    release_year: Scalar = None
    age_certification: str | None = None
    runtime: Scalar = None
    genres: str | list[str] | None = None
    production_countries: str | list[str] | None = None
    imdb_id: Scalar = None
    imdb_votes: Scalar = None
    tmdb_popularity: Scalar = None
    platform: str | None = msgspec.field(name="_platform", default=None)


def native_id(raw: Mapping[str, Any]) -> str | None:
    return _native_id(fields.identifier(raw.get("id")), fields.identifier(raw.get("_platform")))


def _native_id(identifier: str | None, platform: str | None) -> str | None:
    return f"{identifier}@{platform}" if identifier and platform else identifier


def adapt(raw: dict[str, Any]) -> Draft:
    row = msgspec.convert(raw, Row)
    kind = _KINDS.get((row.type or "").strip().lower())
    if kind is None:
        raise refusal("unknown_kind", repr(row.type))
    platform = fields.text(row.platform)
    if platform is not None and platform not in SHOPS:
        raise refusal("bad_shape", f"_platform {platform!r} is none of {', '.join(SHOPS)}")
    identifier = fields.text(row.id)
    name = split_name(fields.title_text(row.title) or "")
    terms, unknown = genres.map_genres(fields.words(row.genres), genres.JUSTWATCH)
    rating = parse_age_rating("US", row.age_certification or "")
    return Draft(
        kind=kind,
        name=name,
        native_id=_native_id(identifier, platform),
        year=fields.integer(row.release_year),
        runtime_minutes=fields.integer(row.runtime),
        genres=terms,
        unknown_genres=unknown,
        overview=fields.text(row.description),
        age_ratings=(rating,) if rating else (),
        countries=fields.mapped(row.production_countries, country_code),
        external_ids=(
            *((ExternalId(source="justwatch", value=identifier),) if identifier else ()),
            *fields.imdb_id(row.imdb_id),
        ),
        offers=(subscription(SHOPS[platform], name.main),) if platform else (),
        popularity=_popularity(row),
    )


def _popularity(row: Row) -> float | None:
    """Votes count people over years, TMDB's popularity the clicks of last week: the second only where no votes are."""
    votes = popularity.log_scaled(fields.number(row.imdb_votes), popularity.IMDB_VOTES)
    if votes is not None:
        return votes
    return popularity.log_scaled(fields.number(row.tmdb_popularity), popularity.TMDB_POPULARITY)
