"""Shows of the Streaming Availability API (version 4): one work with its options by country and service.

An aggregator speaks of many services: the offers carry the services' own names, the item is the aggregator's.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from schemas.types.catalog import Kind
from streams.processors.normalization import fields
from streams.processors.normalization.adapters import canonical
from streams.processors.normalization.adapters.canonical import Credit, OfferRow, Picture
from streams.processors.normalization.draft import Draft
from streams.processors.normalization.limits import MAX_YEAR, MIN_OFFER_YEAR
from streams.processors.normalization.reasons import refusal

_KINDS: Final[dict[str, Kind]] = {"movie": "movie", "series": "series"}
_SERVICES: Final = {
    "netflix": "netflix", "prime": "prime_video", "disney": "disney_plus", "hbo": "hbo_max", "max": "hbo_max",
    "hulu": "hulu", "apple": "apple_tv_plus", "paramount": "paramount_plus", "peacock": "peacock",
}  # fmt: skip
_TYPES: Final = {"subscription": "subscription", "addon": "subscription", "free": "free", "rent": "rent", "buy": "buy"}
_MOST_OPTIONS: Final = 500


class Service(msgspec.Struct):
    id: str = ""


class Price(msgspec.Struct):
    amount: str | float | None = None
    currency: str | None = None


class Option(msgspec.Struct, rename="camel"):
    service: Service = msgspec.field(default_factory=Service)
    type: str = ""
    link: str | None = None
    quality: str | None = None
    price: Price | None = None
    expires_on: int | None = None
    available_since: int | None = None


class Genre(msgspec.Struct):
    name: str = ""


class Show(msgspec.Struct, rename="camel"):
    id: str = ""
    show_type: str = ""
    imdb_id: str | None = None
    tmdb_id: str | None = None
    title: str = ""
    original_title: str | None = None
    overview: str | None = None
    release_year: int | None = None
    first_air_year: int | None = None
    genres: list[Genre] = []
    directors: list[str] = []
    creators: list[str] = []
    cast: list[str] = []
    rating: int | None = None
    runtime: int | None = None
    image_set: dict[str, dict[str, str]] = {}
    streaming_options: dict[str, list[Option]] = {}


def native_id(raw: Mapping[str, Any]) -> str | None:
    return fields.identifier(raw.get("id"))


def adapt(raw: dict[str, Any]) -> Draft:
    show = msgspec.convert(raw, Show)
    if not show.id:
        raise refusal("bad_native_id", "no id")
    kind = _KINDS.get(show.show_type)
    if kind is None:
        raise refusal("unknown_kind", repr(show.show_type[:80]))
    ids = {"imdb": show.imdb_id, "tmdb": (show.tmdb_id or "").rpartition("/")[2] or None}
    credits_ = [
        *((name, "director") for name in show.directors),
        *((name, "creator") for name in show.creators),
        *((name, "actor") for name in show.cast),
    ]
    posters = list(show.image_set.get("verticalPoster", {}).values())
    row = canonical.Row(
        id=show.id,
        name=show.title,
        original_name=show.original_title,
        year=show.release_year or show.first_air_year,
        runtime_minutes=show.runtime,
        genres=[genre.name for genre in show.genres],
        people=[Credit(name=name, role=role) for name, role in credits_],
        overview=show.overview,
        external_ids={source: value for source, value in ids.items() if value},
        offers=_offers(show.streaming_options),
        images=[Picture(url=url) for url in posters[-1:]],
        popularity=show.rating / 100 if show.rating is not None else None,
    )
    return canonical.draft(row, kind)


def _offers(by_country: Mapping[str, list[Option]]) -> list[OfferRow]:
    """Options of a kind that we do not know, or of no country, are left out."""
    found = []
    for country, options in by_country.items():
        for option in options:
            type_, service = _TYPES.get(option.type), option.service.id.strip().lower()
            if type_ is None or not service.isalnum() or not (len(country) == 2 and country.isascii()):
                continue
            found.append(
                OfferRow(
                    provider=_SERVICES.get(service, service),
                    region=country.upper(),
                    type=type_,
                    quality=(option.quality or "").replace("qhd", "uhd"),
                    price=option.price.amount if option.price else None,
                    currency=option.price.currency if option.price else None,
                    link=option.link,
                    starts_at=_moment(option.available_since),
                    ends_at=_moment(option.expires_on),
                )
            )
    return found[:_MOST_OPTIONS]


def _moment(seconds: int | None) -> str | None:
    """Unix seconds as RFC 3339; None for times at which nobody streamed."""
    first, last = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (MIN_OFFER_YEAR, MAX_YEAR))
    return datetime.fromtimestamp(seconds, UTC).isoformat() if seconds is not None and first <= seconds < last else None
