"""GENERATED from schemas/avro/catalog by `make schemas`; do not edit."""

from datetime import datetime
from typing import ClassVar, Literal

from msgspec import Struct


Kind = Literal["unknown", "movie", "series", "season", "episode", "track", "album"]
"""What sort of work it is."""


OfferType = Literal["unknown", "subscription", "ads", "free", "rent", "buy"]
"""What one has to do to watch."""


Quality = Literal["unknown", "sd", "hd", "uhd"]
"""Best picture quality of an offer."""


OfferChange = Literal["unknown", "started", "ended", "price_changed", "terms_changed"]
"""What became of an offer."""


class OfferTerms(Struct, frozen=True, kw_only=True, gc=False):
    """What an offer says beside who makes it, where and how."""

    price: str | None = None
    """Decimal amount, '3.99'; only for rent and buy."""
    currency: str | None = None
    """ISO 4217 of the price."""
    link: str | None = None
    """https address of the work at the provider."""
    starts_at: datetime | None = None
    """First moment of the offer."""
    ends_at: datetime | None = None
    """First moment after the offer, and after those that follow it without a gap."""


class AvailabilityChanged(Struct, frozen=True, kw_only=True, gc=False):
    """A way to watch a title began, ended, or has other terms."""

    RECORD: ClassVar[str] = "media_gateway.catalog.v1.AvailabilityChanged"

    event_id: str
    """UUIDv7 of a first-hand event; UUIDv5 of input, producer and ordinal for a derived one."""
    occurred_at: datetime
    """When the fact happened, UTC."""
    title_id: str
    """Stable id of the title, UUIDv7."""
    title_version: int
    """Version of the title's snapshot that the offers are of."""
    title_name: str
    """Main name of the title."""
    title_kind: Kind
    """What sort of work it is."""
    provider: str
    """Who offers it."""
    region: str
    """ISO 3166-1 alpha-2."""
    type: OfferType
    """How it is paid for."""
    quality: Quality
    """Best picture quality."""
    change: OfferChange
    """What happened."""
    before: OfferTerms | None = None
    """Terms until now; null when it began."""
    after: OfferTerms | None = None
    """Terms from now on; null when it ended."""
    successor_id: str | None = None
    """Title that this one became part of, when that is why its offers ended here."""


class DecisionUndone(Struct, frozen=True, kw_only=True, gc=False):
    """An operator takes an earlier decision back."""

    RECORD: ClassVar[str] = "media_gateway.catalog.v1.DecisionUndone"

    event_id: str
    """UUIDv7 of a first-hand event; UUIDv5 of input, producer and ordinal for a derived one."""
    occurred_at: datetime
    """When the fact happened, UTC."""
    decision_id: str
    """Made by the client; names the decision for ever. A second event with it changes nothing."""
    operator: str
    """Who decided: the subject of the token."""
    reason: str
    """Why, in the operator's words."""
    title_id: str
    """The title that the earlier decision was about."""
    undone_decision_id: str
    """The decision that is taken back."""


class ItemRef(Struct, frozen=True, kw_only=True, gc=False):
    """Names a provider's item."""

    provider: str
    """Whose item it is: a configured provider name."""
    native_id: str
    """The provider's own id of the item."""


class MatchConfirmed(Struct, frozen=True, kw_only=True, gc=False):
    """An operator says that an item is of the same work as a title. Items count, not title ids: a registry that is rebuilt in another order has other titles."""

    RECORD: ClassVar[str] = "media_gateway.catalog.v1.MatchConfirmed"

    event_id: str
    """UUIDv7 of a first-hand event; UUIDv5 of input, producer and ordinal for a derived one."""
    occurred_at: datetime
    """When the fact happened, UTC."""
    decision_id: str
    """Made by the client; names the decision for ever. A second event with it changes nothing."""
    operator: str
    """Who decided: the subject of the token."""
    reason: str
    """Why, in the operator's words."""
    title_id: str
    """The title that the item belongs to, as the operator saw it."""
    item: ItemRef
    """The item that belongs there."""
    candidate_items: tuple[ItemRef, ...]
    """Items of the title when the operator decided; at least one."""


class MatchRejected(Struct, frozen=True, kw_only=True, gc=False):
    """An operator says that an item is another work than a title: they never link automatically again. Items count, not title ids: a registry that is rebuilt in another order has other titles."""

    RECORD: ClassVar[str] = "media_gateway.catalog.v1.MatchRejected"

    event_id: str
    """UUIDv7 of a first-hand event; UUIDv5 of input, producer and ordinal for a derived one."""
    occurred_at: datetime
    """When the fact happened, UTC."""
    decision_id: str
    """Made by the client; names the decision for ever. A second event with it changes nothing."""
    operator: str
    """Who decided: the subject of the token."""
    reason: str
    """Why, in the operator's words."""
    title_id: str
    """The title that the item does not belong to, as the operator saw it."""
    item: ItemRef
    """The item that is another work."""
    candidate_items: tuple[ItemRef, ...]
    """Items of the title when the operator decided, without the item itself."""


class MergeRequested(Struct, frozen=True, kw_only=True, gc=False):
    """An operator says that two titles are one work. Items count, not title ids: a registry that is rebuilt in another order has other titles."""

    RECORD: ClassVar[str] = "media_gateway.catalog.v1.MergeRequested"

    event_id: str
    """UUIDv7 of a first-hand event; UUIDv5 of input, producer and ordinal for a derived one."""
    occurred_at: datetime
    """When the fact happened, UTC."""
    decision_id: str
    """Made by the client; names the decision for ever. A second event with it changes nothing."""
    operator: str
    """Who decided: the subject of the token."""
    reason: str
    """Why, in the operator's words."""
    title_id: str
    """One of the two titles, as the operator saw it."""
    items: tuple[ItemRef, ...]
    """Its items when the operator decided; at least one."""
    other_title_id: str
    """The other title."""
    other_items: tuple[ItemRef, ...]
    """Its items when the operator decided; at least one."""


class OfferExpiring(Struct, frozen=True, kw_only=True, gc=False):
    """A way to watch a title ends within days. Each number of days is told once for each end."""

    RECORD: ClassVar[str] = "media_gateway.catalog.v1.OfferExpiring"

    event_id: str
    """UUIDv7 of a first-hand event; UUIDv5 of input, producer and ordinal for a derived one."""
    occurred_at: datetime
    """When the fact happened, UTC."""
    title_id: str
    """Stable id of the title, UUIDv7."""
    title_version: int
    """Version of the title's snapshot that the offers are of."""
    title_name: str
    """Main name of the title."""
    title_kind: Kind
    """What sort of work it is."""
    provider: str
    """Who offers it."""
    region: str
    """ISO 3166-1 alpha-2."""
    type: OfferType
    """How it is paid for."""
    quality: Quality
    """Best picture quality."""
    terms: OfferTerms
    """What the offer says."""
    ends_at: datetime
    """First moment after it."""
    days: int
    """At most so many days are left: the least of `reached`."""
    reached: tuple[int, ...]
    """Numbers of days that this event tells: several when the end came near unseen."""


PersonRole = Literal["unknown", "actor", "director", "writer", "creator", "producer", "composer", "artist"]
"""What a person did for the work."""


class Person(Struct, frozen=True, kw_only=True, gc=False):
    """Somebody credited for a work."""

    name: str
    """As the provider writes it, spaces collapsed."""
    role: PersonRole
    """What the person did."""
    character: str | None = None
    """The part played."""


class AgeRating(Struct, frozen=True, kw_only=True, gc=False):
    """An age rating of one country, made comparable."""

    country: str
    """ISO 3166-1 alpha-2 of the rating body."""
    label: str
    """As published: PG-13, TV-MA, FSK 12, …"""
    minimum_age: int | None = None
    """Youngest age in years it is suitable for."""


class ExternalId(Struct, frozen=True, kw_only=True, gc=False):
    """An id that somebody else gave the work."""

    source: str
    """Lower-case name of the issuer: imdb, tmdb, wikidata, eidr, isrc, …"""
    value: str
    """The id in the issuer's canonical form."""


class Offer(Struct, frozen=True, kw_only=True, gc=False):
    """One way to watch a work in one region."""

    provider: str
    """Who offers it."""
    region: str
    """ISO 3166-1 alpha-2."""
    type: OfferType
    """How it is paid for."""
    quality: Quality = "unknown"
    """Best picture quality."""
    price: str | None = None
    """Decimal amount, '3.99'; only for rent and buy."""
    currency: str | None = None
    """ISO 4217 of the price."""
    link: str | None = None
    """https address of the work at the provider."""
    starts_at: datetime | None = None
    """First moment of the offer."""
    ends_at: datetime | None = None
    """First moment after the offer."""


class Image(Struct, frozen=True, kw_only=True, gc=False):
    """A picture of the work."""

    kind: str
    """poster, backdrop, still, cover."""
    url: str
    """https address."""
    width: int | None = None
    """Pixels."""
    height: int | None = None
    """Pixels."""


class CanonicalItem(Struct, frozen=True, kw_only=True, gc=False):
    """One provider's item in the common form."""

    kind: Kind
    """What sort of work it is."""
    name: str
    """Main name, spaces collapsed, without a year suffix."""
    original_name: str | None = None
    """Name in the original language."""
    alternate_names: tuple[str, ...] = ()
    """Other names it goes by."""
    year: int | None = None
    """Year of first release."""
    release_date: str | None = None
    """ISO 8601 date of first release."""
    runtime_minutes: int | None = None
    """Running time in minutes; of an episode for series."""
    series_name: str | None = None
    """Name of the series a season or episode belongs to."""
    season_number: int | None = None
    """Number of the season, from 0 (specials)."""
    episode_number: int | None = None
    """Number within the season."""
    genres: tuple[str, ...] = ()
    """Terms of the controlled vocabulary (schemas/read_models/genres.py)."""
    unknown_genres: tuple[str, ...] = ()
    """Provider terms without a mapping, kept as they came."""
    people: tuple[Person, ...] = ()
    """Credits in the provider's order."""
    overview: str | None = None
    """Short description."""
    age_ratings: tuple[AgeRating, ...] = ()
    """Ratings by country."""
    languages: tuple[str, ...] = ()
    """BCP 47 tags."""
    countries: tuple[str, ...] = ()
    """ISO 3166-1 alpha-2."""
    external_ids: tuple[ExternalId, ...] = ()
    """Ids by other issuers."""
    offers: tuple[Offer, ...] = ()
    """Ways to watch it."""
    images: tuple[Image, ...] = ()
    """Pictures."""
    popularity: float | None = None
    """0 (unknown to anybody) to 1 (most popular), the provider's own measure scaled."""
    content_hash: str
    """SHA-256 (hex) over all fields above: equal hashes mean nothing changed."""


class ProviderItemNormalized(Struct, frozen=True, kw_only=True, gc=False):
    """A provider's item was brought into the common form."""

    RECORD: ClassVar[str] = "media_gateway.catalog.v1.ProviderItemNormalized"

    event_id: str
    """UUIDv7 of a first-hand event; UUIDv5 of input, producer and ordinal for a derived one."""
    occurred_at: datetime
    """When the fact happened, UTC."""
    provider: str
    """Who sent it: a configured provider name."""
    native_id: str
    """The provider's own id of the item."""
    delivery_id: str
    """The delivery it came with."""
    source_time: datetime
    """When the provider says the item changed."""
    item: CanonicalItem
    """The item."""


DeliveryAction = Literal["unknown", "upsert", "withdraw"]
"""What to do with the item."""


class ProviderItemReceived(Struct, frozen=True, kw_only=True, gc=False):
    """A provider delivered an item, or took one back. The body is what the provider sent."""

    RECORD: ClassVar[str] = "media_gateway.catalog.v1.ProviderItemReceived"

    event_id: str
    """UUIDv7 of a first-hand event; UUIDv5 of input, producer and ordinal for a derived one."""
    occurred_at: datetime
    """When the fact happened, UTC."""
    provider: str
    """Who sent it: a configured provider name."""
    native_id: str
    """The provider's own id of the item."""
    delivery_id: str
    """The webhook-id of the delivery."""
    ordinal: int
    """Place of the item in the delivery, from 0."""
    action: DeliveryAction
    """Upsert or withdraw."""
    source_time: datetime
    """When the provider says the item changed; the webhook timestamp otherwise."""
    body: bytes = b''
    """The raw item as UTF-8 JSON; empty for a withdrawal."""


class ProviderItemWithdrawn(Struct, frozen=True, kw_only=True, gc=False):
    """A provider no longer lists an item."""

    RECORD: ClassVar[str] = "media_gateway.catalog.v1.ProviderItemWithdrawn"

    event_id: str
    """UUIDv7 of a first-hand event; UUIDv5 of input, producer and ordinal for a derived one."""
    occurred_at: datetime
    """When the fact happened, UTC."""
    provider: str
    """Who sent it: a configured provider name."""
    native_id: str
    """The provider's own id of the item."""
    delivery_id: str
    """The delivery that said so."""
    source_time: datetime
    """When the provider says it was withdrawn."""


class SplitRequested(Struct, frozen=True, kw_only=True, gc=False):
    """An operator says that some items of a title are another work than the rest. Items count, not title ids: a registry that is rebuilt in another order has other titles."""

    RECORD: ClassVar[str] = "media_gateway.catalog.v1.SplitRequested"

    event_id: str
    """UUIDv7 of a first-hand event; UUIDv5 of input, producer and ordinal for a derived one."""
    occurred_at: datetime
    """When the fact happened, UTC."""
    decision_id: str
    """Made by the client; names the decision for ever. A second event with it changes nothing."""
    operator: str
    """Who decided: the subject of the token."""
    reason: str
    """Why, in the operator's words."""
    title_id: str
    """The title that is two works, as the operator saw it."""
    leaving: tuple[ItemRef, ...]
    """Items that are a work of their own, together."""
    staying: tuple[ItemRef, ...]
    """The title's other items when the operator decided."""


class TitleSource(Struct, frozen=True, kw_only=True, gc=False):
    """A provider's item that is part of a title."""

    provider: str
    """Who sent it."""
    native_id: str
    """The provider's own id."""
    score: float | None = None
    """Match score in [0, 1]; null for the item that made the title."""
    reason: str = "new"
    """Why it belongs: new, external_id, match, decision."""


class TitleChanged(Struct, frozen=True, kw_only=True, gc=False):
    """Full snapshot of a title after a change."""

    RECORD: ClassVar[str] = "media_gateway.catalog.v1.TitleChanged"

    event_id: str
    """UUIDv7 of a first-hand event; UUIDv5 of input, producer and ordinal for a derived one."""
    occurred_at: datetime
    """When the fact happened, UTC."""
    title_id: str
    """Stable id of the title, UUIDv7."""
    version: int
    """Grows with every change of this title, from 1."""
    kind: Kind
    """What sort of work it is."""
    name: str
    """Main name."""
    original_name: str | None = None
    """Name in the original language."""
    alternate_names: tuple[str, ...] = ()
    """Other names it goes by."""
    year: int | None = None
    """Year of first release."""
    release_date: str | None = None
    """ISO 8601 date of first release."""
    runtime_minutes: int | None = None
    """Running time in minutes."""
    series_name: str | None = None
    """Name of the series a season or episode belongs to."""
    season_number: int | None = None
    """Number of the season."""
    episode_number: int | None = None
    """Number within the season."""
    genres: tuple[str, ...] = ()
    """Terms of the controlled vocabulary."""
    people: tuple[Person, ...] = ()
    """Credits."""
    overview: str | None = None
    """Short description."""
    age_ratings: tuple[AgeRating, ...] = ()
    """Ratings by country."""
    languages: tuple[str, ...] = ()
    """BCP 47 tags."""
    countries: tuple[str, ...] = ()
    """ISO 3166-1 alpha-2."""
    external_ids: tuple[ExternalId, ...] = ()
    """Ids by other issuers."""
    offers: tuple[Offer, ...] = ()
    """Ways to watch it."""
    images: tuple[Image, ...] = ()
    """Pictures."""
    popularity: float = 0.0
    """0 to 1."""
    sources: tuple[TitleSource, ...] = ()
    """Items it is made of."""
    created_at: datetime
    """When the title was first made."""


class TitleEmbedded(Struct, frozen=True, kw_only=True, gc=False):
    """A title's text was turned into a vector."""

    RECORD: ClassVar[str] = "media_gateway.catalog.v1.TitleEmbedded"

    event_id: str
    """UUIDv7 of a first-hand event; UUIDv5 of input, producer and ordinal for a derived one."""
    occurred_at: datetime
    """When the fact happened, UTC."""
    title_id: str
    """The title."""
    version: int
    """Version of the title whose text was embedded."""
    model: str
    """Id of the embedding model."""
    dimension: int
    """Length of the vector."""
    text_hash: str
    """SHA-256 (hex) of model id and text."""
    vector: bytes
    """float32 little-endian, unit length."""


class TitleMerged(Struct, frozen=True, kw_only=True, gc=False):
    """Two titles turned out to be one work; this one now redirects."""

    RECORD: ClassVar[str] = "media_gateway.catalog.v1.TitleMerged"

    event_id: str
    """UUIDv7 of a first-hand event; UUIDv5 of input, producer and ordinal for a derived one."""
    occurred_at: datetime
    """When the fact happened, UTC."""
    title_id: str
    """The title that is gone."""
    version: int
    """Last version of the title that is gone."""
    successor_id: str
    """The title to use instead."""


class TitleRetired(Struct, frozen=True, kw_only=True, gc=False):
    """The last item of a title was withdrawn."""

    RECORD: ClassVar[str] = "media_gateway.catalog.v1.TitleRetired"

    event_id: str
    """UUIDv7 of a first-hand event; UUIDv5 of input, producer and ordinal for a derived one."""
    occurred_at: datetime
    """When the fact happened, UTC."""
    title_id: str
    """The title."""
    version: int
    """Version of the retirement; a later TitleChanged brings the title back."""
