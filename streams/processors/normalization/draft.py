"""What an adapter makes of a raw item, and the one way from there to a CanonicalItem."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import msgspec

from schemas.types.catalog import AgeRating, CanonicalItem, ExternalId, Image, Kind, Offer, Person
from streams.processors.normalization import limits
from streams.processors.normalization.content_hash import content_hash
from streams.processors.normalization.durations import plausible_minutes
from streams.processors.normalization.names import Name, clean, cut_at_word
from streams.processors.normalization.reasons import refusal

_UNHASHED: Final = ""


@dataclass(slots=True, kw_only=True)
class Draft:
    """Fields as CanonicalItem has them, before limits. `native_id` is what the body itself says, if it does."""

    kind: Kind
    name: Name
    native_id: str | None = None
    original_name: str | None = None
    year: int | None = None
    release_date: date | None = None
    runtime_minutes: int | None = None
    series_name: str | None = None
    season_number: int | None = None
    episode_number: int | None = None
    genres: tuple[str, ...] = ()
    unknown_genres: tuple[str, ...] = ()
    people: tuple[Person, ...] = ()
    overview: str | None = None
    age_ratings: tuple[AgeRating, ...] = ()
    languages: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    external_ids: tuple[ExternalId, ...] = ()
    offers: tuple[Offer, ...] = ()
    images: tuple[Image, ...] = ()
    popularity: float | None = None


def finish(draft: Draft, source_time: datetime) -> CanonicalItem:
    """Applies the limits and hashes. `source_time` bounds the year. Raises InvalidEvent for a name that is none."""
    name = draft.name.main
    if not name:
        raise refusal("missing_name")
    if len(name) > limits.MAX_NAME:
        raise refusal("name_too_long", f"{len(name)} characters")
    released = (
        draft.release_date if draft.release_date and _is_plausible(draft.release_date.year, source_time) else None
    )
    year = draft.year if draft.year is not None and _is_plausible(draft.year, source_time) else None
    if year is None:
        hint = released.year if released else draft.name.year
        year = hint if hint is not None and _is_plausible(hint, source_time) else None
    languages = draft.languages
    if draft.name.language and draft.name.language not in languages:
        languages = (*languages, draft.name.language)
    item = CanonicalItem(
        kind=draft.kind,
        name=name,
        original_name=draft.original_name,
        alternate_names=tuple(
            other for other in draft.name.alternates if len(other) <= limits.MAX_NAME and other != name
        )[: limits.MAX_ALTERNATE_NAMES],
        year=year,
        release_date=released.isoformat() if released else None,
        runtime_minutes=plausible_minutes(draft.runtime_minutes),
        series_name=draft.series_name,
        season_number=draft.season_number,
        episode_number=draft.episode_number,
        genres=draft.genres,
        unknown_genres=draft.unknown_genres,
        people=draft.people[: limits.MAX_PEOPLE],
        overview=_overview(draft.overview),
        age_ratings=draft.age_ratings,
        languages=languages[: limits.MAX_LANGUAGES],
        countries=draft.countries[: limits.MAX_COUNTRIES],
        external_ids=draft.external_ids,
        offers=draft.offers,
        images=draft.images,
        popularity=draft.popularity,
        content_hash=_UNHASHED,
    )
    return msgspec.structs.replace(item, content_hash=content_hash(item))


def _is_plausible(year: int, source_time: datetime) -> bool:
    return limits.MIN_YEAR <= year <= min(source_time.year + limits.YEARS_AHEAD, limits.MAX_YEAR)


def _overview(text: str | None) -> str | None:
    # Cut first to twice the limit: cleaning costs time by the character.
    return cut_at_word(clean(text[: 2 * limits.MAX_OVERVIEW]), limits.MAX_OVERVIEW) or None if text else None
