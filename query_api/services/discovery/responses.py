"""Bodies of discovery's answers: camelCase on the wire. `asOf` says how fresh the read model behind an answer is."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct, structs

from query_api.services.discovery.ranking import FacetCount, Match, Ranked
from query_api.services.discovery.reader import TitleSnapshot
from query_api.services.discovery.search import Page
from query_api.title_cards.reader import CatalogEntry
from query_api.title_cards.responses import Card, SuccessorId, TitleKnown, titled
from runtime.connections.postgres import Row
from schemas.read_models.title_catalog import TitleDocument
from schemas.read_models.title_search import TitleCard
from schemas.read_models.trending import Trend, TrendingTitle
from schemas.types.catalog import ExternalId, Image, Kind, Offer, OfferType, Person, Quality

TitleId = Annotated[str, Meta(description="Stable id of the title.", examples=["0199aa00-0000-7000-8000-000000000001"])]
AsOf = Annotated[datetime | None, Meta(description="When the read model behind this answer last took something in.")]


class AgeRatingResponse(Struct, frozen=True, rename="camel", kw_only=True):
    country: str
    label: str
    minimum_age: int | None = None


class SourceResponse(Struct, frozen=True, rename="camel", kw_only=True):
    """A provider's item that is part of the title, and why."""

    provider: str
    native_id: str
    score: float | None = None
    reason: str


class TitleResponse(Struct, frozen=True, rename="camel", kw_only=True):
    """A title with everything known but its offers (see availability)."""

    title_id: TitleId
    version: int
    kind: Kind
    name: Annotated[str, Meta(examples=["The Harbour Pilot"])]
    original_name: str | None = None
    alternate_names: tuple[str, ...] = ()
    year: int | None = None
    release_date: str | None = None
    runtime_minutes: int | None = None
    series_name: str | None = None
    season_number: int | None = None
    episode_number: int | None = None
    genres: tuple[str, ...] = ()
    people: tuple[Person, ...] = ()
    overview: str | None = None
    age_ratings: tuple[AgeRatingResponse, ...] = ()
    languages: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    external_ids: tuple[ExternalId, ...] = ()
    images: tuple[Image, ...] = ()
    popularity: float = 0.0
    sources: tuple[SourceResponse, ...] = ()
    created_at: datetime
    as_of: AsOf = None

    @classmethod
    def of(cls, document: TitleDocument, written_at: datetime) -> "TitleResponse":
        values = structs.asdict(document)
        values["age_ratings"] = tuple(AgeRatingResponse(**structs.asdict(rating)) for rating in document.age_ratings)
        values["sources"] = tuple(SourceResponse(**structs.asdict(source)) for source in document.sources)
        return cls(**values, as_of=written_at)


class TitleList(Struct, frozen=True, rename="camel", kw_only=True):
    items: tuple[TitleResponse, ...]
    as_of: AsOf = None


class BatchRequest(Struct, frozen=True, rename="camel", kw_only=True, forbid_unknown_fields=True):
    # A list, because the framework documents an annotated `tuple[X, ...]` as a list of X or anything.
    title_ids: Annotated[list[Annotated[str, Meta(min_length=1, max_length=200)]], Meta(min_length=1, max_length=100)]


class BatchResponse(Struct, frozen=True, rename="camel", kw_only=True):
    """`items` in the order asked for, each once; `redirects` leads from merged ids to their successors."""

    items: tuple[TitleResponse, ...]
    redirects: dict[str, str]
    missing: tuple[str, ...]
    as_of: AsOf = None

    @classmethod
    def of(cls, asked: Iterable[str], found: Mapping[str, TitleSnapshot], as_of: datetime | None) -> "BatchResponse":
        items: list[TitleResponse] = []
        redirects: dict[str, str] = {}
        missing: list[str] = []
        for title_id in dict.fromkeys(asked):
            snapshot = found.get(title_id)
            if snapshot is not None and snapshot.document is not None:
                items.append(TitleResponse.of(snapshot.document, snapshot.written_at))
            elif snapshot is not None and snapshot.successor_id is not None:
                redirects[title_id] = snapshot.successor_id
            else:
                missing.append(title_id)
        return cls(items=tuple(items), redirects=redirects, missing=tuple(missing), as_of=as_of)


class OfferResponse(Struct, frozen=True, rename="camel", kw_only=True):
    """One way to watch the title in one region."""

    provider: str
    region: str
    type: OfferType
    quality: Quality
    price: str | None = None
    currency: str | None = None
    link: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class AvailabilityResponse(Struct, frozen=True, rename="camel", kw_only=True):
    """Offers that have not ended, those of the future included (see startsAt)."""

    title_id: TitleId
    region: str | None
    offers: tuple[OfferResponse, ...]
    as_of: AsOf = None

    @classmethod
    def of(
        cls, title_id: str, region: str | None, offers: Iterable[Offer], as_of: datetime | None
    ) -> "AvailabilityResponse":
        shaped = tuple(OfferResponse(**structs.asdict(offer)) for offer in offers)
        return cls(title_id=title_id, region=region, offers=shaped, as_of=as_of)


class ExpiringOffer(Struct, frozen=True, rename="camel", kw_only=True):
    """`daysLeft` counts whole days, so 0 is the last one."""

    title_id: TitleId
    title_known: TitleKnown
    title: Card
    provider: str
    region: str
    type: OfferType
    quality: Quality
    price: str | None = None
    currency: str | None = None
    link: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime
    days_left: int
    successor_id: SuccessorId = None

    @classmethod
    def of(cls, row: Row, entry: CatalogEntry | None, now: datetime) -> "ExpiringOffer":
        """From a row of `availability`, in UTC."""
        offered = {name: row[name] for name in OfferResponse.__struct_fields__}
        price = None if row["price"] is None else str(row["price"])
        return cls(
            title_id=row["title_id"],
            days_left=(row["ends_at"] - now).days,
            **titled(entry),
            **{**offered, "price": price},
        )


class LegResponse(Struct, frozen=True, rename="camel", kw_only=True):
    leg: str
    rank: int
    score: float


class HitExplanation(Struct, frozen=True, rename="camel", kw_only=True):
    """`fused` is the sum of 1 / (60 + rank) over the legs; a leg that is not listed did not find the title."""

    fused: float
    legs: tuple[LegResponse, ...]


class HitResponse(Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    title_id: TitleId
    name: str
    kind: Kind
    year: int | None = None
    genres: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    popularity: float = 0.0
    poster: str | None = None
    match: Match | None = None
    similarity: float | None = None
    explanation: HitExplanation | None = None

    @classmethod
    def of(cls, title: TitleCard) -> "HitResponse":
        return cls(
            title_id=title.title_id,
            name=title.name,
            kind=title.kind,
            year=title.year,
            genres=title.genres,
            providers=title.providers,
            popularity=title.popularity,
            poster=title.poster,
        )

    @classmethod
    def with_similarity(cls, title: TitleCard, cosine: float) -> "HitResponse":
        return structs.replace(cls.of(title), similarity=round(cosine, 6))

    @classmethod
    def of_ranked(cls, ranked: Ranked, *, searched: bool, explain: bool) -> "HitResponse":
        legs = tuple(LegResponse(leg=leg.leg, rank=leg.rank, score=round(leg.score, 6)) for leg in ranked.legs)
        return structs.replace(
            cls.of(ranked.title),
            match=ranked.match if searched else None,
            explanation=HitExplanation(fused=round(ranked.fused, 6), legs=legs) if explain else None,
        )


class SearchResponse(Struct, frozen=True, rename="camel", kw_only=True):
    """`total` and `facets` count all candidates of the query (at most 100 a leg), or all titles when browsing."""

    query: str
    total: int
    items: tuple[HitResponse, ...]
    facets: dict[str, tuple[FacetCount, ...]]
    next_cursor: str | None = None
    degraded: Annotated[tuple[str, ...], Meta(description="Legs that could not be asked.")] = ()
    milliseconds: dict[str, float] | None = None
    as_of: AsOf = None

    @classmethod
    def of(cls, query: str, page: Page, as_of: datetime | None, *, explain: bool) -> "SearchResponse":
        return cls(
            query=query,
            total=page.total,
            items=tuple(
                HitResponse.of_ranked(ranked, searched=page.searched, explain=explain) for ranked in page.items
            ),
            facets=page.facets,
            next_cursor=page.next_cursor,
            degraded=page.degraded,
            milliseconds=dict(page.milliseconds) if explain else None,
            as_of=as_of,
        )


class SimilarResponse(Struct, frozen=True, rename="camel", kw_only=True):
    """`embedded` is false while the title has no vector yet; nothing can be similar to it then."""

    title_id: TitleId
    embedded: bool
    items: tuple[HitResponse, ...]
    as_of: AsOf = None


Window = Literal["1h", "24h", "7d"]


class TrendingItem(Struct, frozen=True, rename="camel", kw_only=True):
    """`score`: plays, each weighed by its age."""

    title_id: TitleId
    rank: Annotated[int, Meta(description="From 1.")]
    score: float
    plays: int
    title_known: TitleKnown
    title: Card
    successor_id: SuccessorId = None


class TrendingResponse(Struct, frozen=True, rename="camel", kw_only=True):
    """`asOf` is the end of the window that was counted last, null before there was any."""

    region: str
    window: Window
    items: tuple[TrendingItem, ...]
    as_of: AsOf = None

    @classmethod
    def of(
        cls,
        region: str,
        window: Window,
        trend: Trend | None,
        shown: Iterable[TrendingTitle],
        entries: Mapping[str, CatalogEntry],
    ) -> "TrendingResponse":
        items = tuple(
            TrendingItem(
                title_id=title.title_id,
                rank=rank,
                score=round(title.score, 6),
                plays=title.plays,
                **titled(entries.get(title.title_id)),
            )
            for rank, title in enumerate(shown, start=1)
        )
        return cls(region=region, window=window, items=items, as_of=trend.window_end if trend else None)
