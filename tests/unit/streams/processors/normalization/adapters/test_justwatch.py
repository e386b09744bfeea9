from typing import Any

import pytest

from schemas.types.catalog import AgeRating, ExternalId
from streams.engine.outcome import InvalidEvent
from streams.processors.normalization.adapters import justwatch
from streams.processors.normalization.popularity import IMDB_VOTES, TMDB_POPULARITY, log_scaled
from tests.support.deliveries import canonical

ROW: dict[str, Any] = {
    "id": "ts42",
    "title": "Quiet Harbour",
    "type": "SHOW",
    "description": "Boats.",
    "release_year": "2019",
    "age_certification": "TV-14",
    "runtime": "51",
    "genres": "['scifi', 'documentation', 'european']",
    "production_countries": "['XC', 'JP']",
    "seasons": "2.0",
    "imdb_id": "tt7654321",
    "imdb_votes": "40328.0",
    "tmdb_popularity": "10.8",
    "_platform": "hbo_max",
}


def item(native_id: str = "ts42@hbo_max", **changes: Any) -> Any:
    return canonical("justwatch", ROW | changes, native_id)


def test_a_row() -> None:
    found = item()
    assert (found.kind, found.name, found.year, found.runtime_minutes) == ("series", "Quiet Harbour", 2019, 51)
    assert found.genres == ("science_fiction", "documentary")
    assert found.countries == ("CS", "JP")
    assert found.age_ratings == (AgeRating(country="US", label="TV-14", minimum_age=14),)
    assert found.external_ids == (
        ExternalId(source="justwatch", value="ts42"),
        ExternalId(source="imdb", value="tt7654321"),
    )
    assert [(offer.provider, offer.region, offer.type) for offer in found.offers] == [("hbo_max", "US", "subscription")]


def test_popularity_from_votes_else_from_clicks() -> None:
    assert item().popularity == log_scaled(40328, IMDB_VOTES)
    assert item(imdb_votes="").popularity == log_scaled(10.8, TMDB_POPULARITY)
    assert item(imdb_votes=None, tmdb_popularity="").popularity is None


def test_lists_may_be_lists() -> None:
    found = item(genres=["drama"], production_countries=["US"])
    assert (found.genres, found.countries) == (("drama",), ("US",))


def test_rows_of_two_platforms_have_two_ids() -> None:
    other = ROW | {"_platform": "netflix"}
    assert justwatch.native_id(ROW) == "ts42@hbo_max"
    assert justwatch.native_id(other) == "ts42@netflix"
    assert justwatch.native_id({}) is None


def test_without_a_platform_there_is_no_offer() -> None:
    assert item("ts42", _platform=None).offers == ()


def test_an_unknown_platform_is_refused() -> None:
    with pytest.raises(InvalidEvent) as refused:
        item("ts42@elsewhere", _platform="elsewhere")
    assert refused.value.reason == "bad_shape"
