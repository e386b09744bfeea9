"""Examples of the OpenAPI document: invented titles, real shapes."""

from datetime import UTC, datetime

from query_api.services.discovery.ranking import FacetCount
from query_api.services.discovery.responses import (
    ExpiringOffer,
    HitExplanation,
    HitResponse,
    LegResponse,
    SearchResponse,
    SourceResponse,
    TitleResponse,
    TrendingItem,
    TrendingResponse,
)
from query_api.title_cards.responses import TitleCard
from schemas.read_models.availability_changes import AvailabilityChange, Terms
from schemas.types.catalog import ExternalId, Person

_ID = "0199aa00-0000-7000-8000-000000000001"
_AT = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)

TITLE_EXAMPLE = TitleResponse(
    title_id=_ID,
    version=2,
    kind="movie",
    name="The Harbour Pilot",
    original_name="Hafenlotse",
    year=1987,
    runtime_minutes=104,
    genres=("drama",),
    people=(Person(name="Ida Lorentz", role="director"),),
    external_ids=(ExternalId(source="imdb", value="tt0000001"),),
    popularity=0.42,
    sources=(SourceResponse(provider="wikidata", native_id="Q1", reason="new"),),
    created_at=_AT,
    as_of=_AT,
)

SEARCH_EXAMPLE = SearchResponse(
    query="harbour pilot",
    total=1,
    items=(
        HitResponse(
            title_id=_ID,
            name="The Harbour Pilot",
            kind="movie",
            year=1987,
            genres=("drama",),
            popularity=0.42,
            match="text",
            explanation=HitExplanation(fused=0.032787, legs=(LegResponse(leg="bm25", rank=1, score=14.2),)),
        ),
    ),
    facets={
        "kind": (FacetCount("movie", 1),),
        "genre": (FacetCount("drama", 1),),
        "decade": (FacetCount("1980", 1),),
        "provider": (),
    },
    as_of=_AT,
)

TRENDING_EXAMPLE = TrendingResponse(
    region="DE",
    window="24h",
    items=(
        TrendingItem(
            title_id=_ID,
            rank=1,
            score=31.4,
            plays=52,
            title_known=True,
            title=TitleCard(name="The Harbour Pilot", kind="movie", year=1987),
        ),
    ),
    as_of=_AT,
)

AVAILABILITY_CHANGE = AvailabilityChange(
    event_id="6c0e8a52-51f5-5b60-8f0e-000000000001",
    occurred_at=_AT,
    title_id=_ID,
    title_version=3,
    title_name="The Harbour Pilot",
    title_kind="movie",
    provider="netflix",
    region="DE",
    type="rent",
    quality="hd",
    change="price_changed",
    before=Terms(price="3.99", currency="EUR"),
    after=Terms(price="2.99", currency="EUR"),
)

EXPIRING_OFFER = ExpiringOffer(
    title_id=_ID,
    title_known=True,
    title=TitleCard(name="The Harbour Pilot", kind="movie", year=1987),
    provider="netflix",
    region="DE",
    type="subscription",
    quality="hd",
    ends_at=_AT,
    days_left=2,
)
