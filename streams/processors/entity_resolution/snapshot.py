"""Items of a title to the merged title. Pure, and independent of the order of the items.

Single facts come from the most trusted provider that states them, names and years from the majority; lists are unions
without repetitions, the most trusted provider's first.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from schemas.types.catalog import (
    AgeRating,
    CanonicalItem,
    ExternalId,
    Kind,
    Offer,
    Person,
    TitleChanged,
    TitleSource,
)
from streams.processors.entity_resolution.names import name_key, person_key
from streams.processors.entity_resolution.workspace import Member

T = TypeVar("T")

PRECEDENCE = ("wikidata", "justwatch", "netflix", "disney_plus", "hulu", "movielens")
"""Most trusted first: curated references, then aggregators, then platforms. Unlisted ones follow by name."""
_RANK = {provider: rank for rank, provider in enumerate(PRECEDENCE)}


def snapshot(
    title_id: str,
    version: int,
    kind: Kind,
    created_at: datetime,
    members: Iterable[Member],
    *,
    event_id: str,
    occurred_at: datetime,
) -> TitleChanged:
    """The title's full state from its active items; there must be at least one."""
    ordered = sorted(
        members, key=lambda member: (_RANK.get(member.provider, len(_RANK)), member.provider, member.native_id)
    )
    items = [member.item for member in ordered]
    name = _majority_name(items)
    return TitleChanged(
        event_id=event_id,
        occurred_at=occurred_at,
        title_id=title_id,
        version=version,
        kind=kind,
        name=name,
        original_name=_first(items, lambda item: item.original_name),
        alternate_names=_alternate_names(items, name),
        year=_majority([item.year for item in items if item.year is not None]),
        release_date=_first(items, lambda item: item.release_date),
        runtime_minutes=_first(items, lambda item: item.runtime_minutes),
        series_name=_first(items, lambda item: item.series_name),
        season_number=_first(items, lambda item: item.season_number),
        episode_number=_first(items, lambda item: item.episode_number),
        genres=_union(items, lambda item: item.genres),
        people=_people(items),
        overview=_first(items, lambda item: item.overview),
        age_ratings=_union(items, lambda item: item.age_ratings, key=_rating_key),
        languages=_union(items, lambda item: item.languages),
        countries=_union(items, lambda item: item.countries),
        external_ids=tuple(sorted(_union(items, lambda item: item.external_ids), key=_id_key)),
        offers=_union(items, lambda item: item.offers, key=_offer_key),
        images=_union(items, lambda item: item.images, key=lambda image: image.url),
        popularity=max((item.popularity or 0.0 for item in items), default=0.0),
        sources=tuple(
            TitleSource(provider=member.provider, native_id=member.native_id, score=member.score, reason=member.reason)
            for member in ordered
        ),
        created_at=created_at,
    )


def _first(items: Sequence[CanonicalItem], value: Callable[[CanonicalItem], T | None]) -> T | None:
    return next((found for item in items if (found := value(item)) is not None), None)


def _majority(values: Sequence[T]) -> T | None:
    """The most frequent value; of equally frequent ones the first, which is the most trusted provider's."""
    return Counter(values).most_common(1)[0][0] if values else None


def _majority_name(items: Sequence[CanonicalItem]) -> str:
    if len(items) == 1:
        return items[0].name
    key = _majority([name_key(item.name).full for item in items])
    return next(item.name for item in items if name_key(item.name).full == key)


def _alternate_names(items: Sequence[CanonicalItem], name: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for item in items:
        found[item.name] = None
    for item in items:
        found.update(dict.fromkeys(item.alternate_names))
    for item in items:
        if item.original_name is not None:
            found[item.original_name] = None
    found.pop(name, None)
    return tuple(found)


def _union(
    items: Sequence[CanonicalItem],
    values: Callable[[CanonicalItem], Sequence[T]],
    key: Callable[[T], Hashable] | None = None,
) -> tuple[T, ...]:
    if len(items) == 1 and len(values(items[0])) < 2:
        return tuple(values(items[0]))
    found: dict[Hashable, T] = {}
    for item in items:
        for value in values(item):
            found.setdefault(value if key is None else key(value), value)
    return tuple(found.values())


def _people(items: Sequence[CanonicalItem]) -> tuple[Person, ...]:
    """One credit a person and role; a credit that names the part played is better than one that does not."""
    found: dict[tuple[str, str], Person] = {}
    for item in items:
        for person in item.people:
            key = (person_key(person.name) or person.name, person.role)
            known = found.get(key)
            if known is None or (known.character is None and person.character is not None):
                found[key] = person
    return tuple(found.values())


def _id_key(external: ExternalId) -> tuple[str, str]:
    return (external.source, external.value)


def _rating_key(rating: AgeRating) -> tuple[str, str]:
    return (rating.country, rating.label)


def _offer_key(offer: Offer) -> tuple[Hashable, ...]:
    return (offer.provider, offer.region, offer.type, offer.quality, offer.price, offer.currency, offer.link,
            offer.starts_at, offer.ends_at)  # fmt: skip
