"""What `tests/contract/processors` and `tests/unit/bootstrap/mappings` say of invented rows, said of the real files."""

import pytest

from tests.support.catalogues import (
    EVALUATION_DATA,
    Outcome,
    check_events,
    check_genres,
    check_rows,
    normalised,
    platforms_by_shared_id,
    share_taken_by_its_draft,
)

PLATFORMS = ("netflix", "disney_plus", "hulu")
JUSTWATCH = ("justwatch netflix", "justwatch disney", "justwatch hbo", "justwatch apple")


def of(catalogue: str) -> Outcome:
    provider, _, platform = catalogue.partition(" ")
    folder = "catalog_justwatch" if platform else "catalog_kaggle"
    return normalised(provider, EVALUATION_DATA / folder / f"{platform or provider}_titles.csv")


@pytest.mark.parametrize("catalogue", [*PLATFORMS, *JUSTWATCH])
def test_a_catalogue(catalogue: str) -> None:
    found = of(catalogue)
    assert found.rows > 100
    check_rows(found)
    check_genres(found)
    check_events(found)
    assert found.share(lambda item: item.genres) >= 0.97
    assert found.share(lambda item: item.offers) == 1


@pytest.mark.parametrize("catalogue", PLATFORMS)
def test_every_platform_row_has_an_age_rating(catalogue: str) -> None:
    assert of(catalogue).share(lambda item: item.age_ratings) == 1


def test_known_titles_of_the_platforms() -> None:
    netflix = of("netflix")
    assert netflix.named("Blood & Water").kind == "series"
    assert netflix.named("SAINT SEIYA: Knights of the Zodiac")
    assert netflix.named("Legend of Exorcism")
    assert {item.languages for item in netflix.items if item.name == "Thackeray"} == {(), ("hi",), ("mr",)}
    assert {item.year for item in of("disney_plus").items if item.name == "Aladdin"} == {1992, 2019}
    assert all(len(person.name) < 100 for item in of("hulu").items for person in item.people)


def test_rows_of_one_justwatch_title_stay_apart_by_platform_and_share_an_id() -> None:
    seen = platforms_by_shared_id([of(catalogue) for catalogue in JUSTWATCH])
    assert sum(len(platforms) == 2 for platforms in seen.values()) == 18


@pytest.mark.parametrize(
    "name",
    [
        "catalog_justwatch/hbo_titles.csv",
        "catalog_kaggle/netflix_titles.csv",
        "catalog_kaggle/hulu_titles.csv",
        "catalog_reelgood/MoviesOnStreamingPlatforms.csv",
        "music/spotify-2023.csv",
    ],
)
def test_a_drafted_mapping_takes_nearly_every_row(name: str) -> None:
    assert share_taken_by_its_draft(EVALUATION_DATA / name) >= 0.95
