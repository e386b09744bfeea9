"""Items in Media Gateway's own shape, for every provider without an adapter of its own.

Providers that can send anything send this, and `mg catalog import --mapping` makes it of any file. Single values may be
numbers or text, lists may be lists or one text with commas. Vocabularies, ids and limits are as for all providers; what
is not understood is dropped (or kept as an unknown genre), a field that is not listed here is refused by name.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final, cast, get_args

import msgspec

from schemas.read_models.genres import GENRE_LABELS
from schemas.types.catalog import AgeRating, ExternalId, Image, Kind, Offer, OfferType, Person, PersonRole, Quality
from streams.processors.normalization import fields, genres, names
from streams.processors.normalization.countries import country_code
from streams.processors.normalization.draft import Draft
from streams.processors.normalization.durations import parse_duration
from streams.processors.normalization.fields import Scalar
from streams.processors.normalization.languages import language_tag
from streams.processors.normalization.limits import MAX_PERSON_NAME
from streams.processors.normalization.ratings import parse_age_rating
from streams.processors.normalization.reasons import refusal

Words = str | list[str] | None

_KINDS: Final = frozenset(get_args(Kind)) - {"unknown"}
_ROLES: Final = frozenset(get_args(PersonRole))
_PRICE: Final = re.compile(r"^\d{1,7}(?:\.\d{1,4})?$")
_PROVIDER: Final = re.compile(r"^[a-z0-9][a-z0-9_-]{0,63}$")
_REGION: Final = re.compile(r"^[A-Z]{2}$")
_CURRENCY: Final = re.compile(r"^[A-Z]{3}$")
_TAG: Final = re.compile(r"^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}$")
# Every provider's words: where two tables differ about a word, the plain one decides.
_GENRES: Final = {
    **genres.NETFLIX,
    **genres.DISNEY_PLUS,
    **genres.HULU,
    **genres.MOVIELENS,
    **genres.JUSTWATCH,
    **{term: (term,) for term in GENRE_LABELS},
    **{label.lower(): (term,) for term, label in GENRE_LABELS.items()},
}


class Credit(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    name: str
    role: str = "unknown"
    character: str | None = None


class OfferRow(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    provider: str
    region: str
    type: str = "subscription"
    quality: str = "unknown"
    price: Scalar = None
    currency: str | None = None
    link: str | None = None
    starts_at: str | None = None
    ends_at: str | None = None


class Picture(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    url: str
    kind: str = "poster"
    width: int | None = None
    height: int | None = None


class Row(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    name: Scalar = None
    kind: str = ""
    id: Scalar = None
    original_name: Scalar = None
    alternate_names: list[Scalar] = []
    year: Scalar = None
    release_date: Scalar = None
    runtime_minutes: Scalar = None
    series_name: Scalar = None
    season_number: Scalar = None
    episode_number: Scalar = None
    genres: Words = None
    people: list[Credit] = []
    overview: Scalar = None
    age_ratings: dict[str, Scalar] = {}
    languages: Words = None
    countries: Words = None
    external_ids: dict[str, Scalar | list[Scalar]] = {}
    offers: list[OfferRow] = []
    images: list[Picture] = []
    popularity: Scalar = None


def native_id(raw: Mapping[str, Any]) -> str | None:
    return fields.identifier(raw.get("id"))


def adapt(raw: dict[str, Any]) -> Draft:
    """Raises InvalidEvent `unknown_kind`, and msgspec.ValidationError for a field of a wrong type or none of ours."""
    row = msgspec.convert(raw, Row)
    kind = row.kind.strip().lower()
    if kind not in _KINDS:
        raise refusal("unknown_kind", repr(row.kind))
    return draft(row, cast("Kind", kind))


def draft(row: Row, kind: Kind) -> Draft:
    main = names.split_name(fields.title_text(row.name) or "", names.ALL_ARTICLES)
    others = (names.clean(written) for one in row.alternate_names if (written := fields.text(one)))
    terms, unknown = genres.map_genres(fields.words(row.genres), _GENRES)
    duration = parse_duration(fields.text(row.runtime_minutes) or "")
    popularity = fields.number(row.popularity)
    original = fields.title_text(row.original_name)
    series = fields.title_text(row.series_name)
    return Draft(
        kind=kind,
        name=main._replace(alternates=tuple(dict.fromkeys((*main.alternates, *filter(None, others))))),
        native_id=fields.text(row.id),
        original_name=(names.clean(original) or None) if original else None,
        year=fields.integer(row.year),
        release_date=fields.day(row.release_date),
        runtime_minutes=duration.minutes if duration else None,
        series_name=(names.clean(series) or None) if series else None,
        season_number=_ordinal(row.season_number),
        episode_number=_ordinal(row.episode_number),
        genres=terms,
        unknown_genres=unknown,
        people=_people(row.people),
        overview=fields.text(row.overview),
        age_ratings=_age_ratings(row.age_ratings),
        languages=fields.mapped(row.languages, _language),
        countries=fields.mapped(row.countries, country_code),
        external_ids=_external_ids(row.external_ids),
        offers=tuple(_offer(one) for one in row.offers),
        images=tuple(
            Image(kind=one.kind, url=one.url, width=one.width, height=one.height)
            for one in row.images
            if fields.https(one.url)
        ),
        popularity=round(popularity, 4) if popularity is not None and 0 <= popularity <= 1 else None,
    )


def _ordinal(value: Scalar) -> int | None:
    found = fields.integer(value)
    return found if found is not None and 0 <= found <= 99_999 else None


def _people(credits_: list[Credit]) -> tuple[Person, ...]:
    found: dict[tuple[str, str], Person] = {}
    for credit in credits_:
        name = names.clean(credit.name)
        role = credit.role.strip().lower()
        if name and len(name) <= MAX_PERSON_NAME:
            known = cast("PersonRole", role if role in _ROLES else "unknown")
            found.setdefault((name, known), Person(name=name, role=known, character=credit.character))
    return tuple(found.values())


def _age_ratings(by_country: dict[str, Scalar]) -> tuple[AgeRating, ...]:
    found = (parse_age_rating(country.upper(), fields.text(label) or "") for country, label in by_country.items())
    return tuple(rating for rating in found if rating is not None)


def _language(word: str) -> str | None:
    return language_tag(word) or (word if _TAG.match(word) else None)


def _external_ids(by_source: dict[str, Scalar | list[Scalar]]) -> tuple[ExternalId, ...]:
    found: dict[tuple[str, str], ExternalId] = {}
    for source, given in by_source.items():
        for value in given if isinstance(given, list) else (given,):
            external = fields.external_id(source, value)
            if external is not None:
                found[(external.source, external.value)] = external
    return tuple(found.values())


def _offer(row: OfferRow) -> Offer:
    """What says where and by whom something is offered must be right; refusals are validation errors."""
    for field, value, shape in (("provider", row.provider, _PROVIDER), ("region", row.region, _REGION)):
        if not shape.match(value):
            raise refusal("bad_shape", f"offers: {field} {value[:80]!r}")
    if row.type not in get_args(OfferType):
        raise refusal("bad_shape", f"offers: type {row.type[:80]!r}")
    price = fields.text(row.price)
    priced = price is not None and bool(_PRICE.match(price)) and row.type in {"rent", "buy"}
    currency = (row.currency or "").upper()
    return Offer(
        provider=row.provider,
        region=row.region,
        type=cast("OfferType", row.type),
        quality=cast("Quality", row.quality if row.quality in get_args(Quality) else "unknown"),
        price=price if priced and _CURRENCY.match(currency) else None,
        currency=currency if priced and _CURRENCY.match(currency) else None,
        link=row.link if row.link and fields.https(row.link) else None,
        starts_at=_moment(row.starts_at),
        ends_at=_moment(row.ends_at),
    )


def _moment(written: str | None) -> datetime | None:
    """RFC 3339, or a day, which begins at midnight UTC."""
    if not written:
        return None
    try:
        found = datetime.fromisoformat(written.strip())
    except ValueError:
        return fields.offer_start(fields.day(written))
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return found if fields.offer_start(date(found.year, found.month, found.day)) else None
