"""Adapters against whole catalogues: nearly everything normalises, nothing is lost silently, known rows come out right.

The platforms' files in `catalogues/` are invented, in the platforms' own format and with their kinds of dirt; the film
database and MovieLens come with `make assets`. `tests/contract/evaluation_data` says the same of the real files.
"""

from pathlib import Path

import pytest

from tests.support.catalogues import (
    ROOT,
    Outcome,
    check_events,
    check_genres,
    check_rows,
    normalised,
    platforms_by_shared_id,
)

ASSETS = ROOT / ".mg" / "assets" / "packages"
OWN = Path(__file__).parent / "catalogues"

PLATFORMS = {name: (name, OWN / f"{name}.csv") for name in ("netflix", "disney_plus", "hulu")}
JUSTWATCH = {
    f"justwatch {name}": ("justwatch", OWN / "justwatch" / f"{name}_titles.csv")
    for name in ("netflix", "disney", "hbo", "apple")
}
FILES = {
    "wikidata": ("wikidata", ASSETS / "bokeh_sampledata" / "_data" / "movies.db"),
    "movielens": ("movielens", ASSETS / "recbole" / "dataset_example" / "ml-100k" / "ml-100k.item"),
    **PLATFORMS,
    **JUSTWATCH,
}


def of(catalogue: str) -> Outcome:
    return normalised(*FILES[catalogue])


@pytest.mark.parametrize("catalogue", FILES)
def test_nearly_every_row_normalises(catalogue: str) -> None:
    check_rows(of(catalogue))


@pytest.mark.parametrize("catalogue", FILES)
def test_no_genre_is_unknown_and_all_are_of_the_vocabulary(catalogue: str) -> None:
    check_genres(of(catalogue))


@pytest.mark.parametrize("catalogue", FILES)
def test_every_event_fits_its_schema_and_every_year_is_known(catalogue: str) -> None:
    check_events(of(catalogue))


@pytest.mark.parametrize("catalogue", ["wikidata", "movielens"])
def test_nearly_every_film_has_a_genre(catalogue: str) -> None:
    assert of(catalogue).share(lambda item: item.genres) >= 0.97


@pytest.mark.parametrize("catalogue", [*PLATFORMS, *JUSTWATCH])
def test_every_row_of_a_platform_is_an_offer(catalogue: str) -> None:
    found = of(catalogue)
    assert found.refused.total() == 0
    assert found.share(lambda item: item.offers) == 1


def test_wikidata_is_filled_as_far_as_it_can_be() -> None:
    found = of("wikidata")
    assert found.rows == 17_472
    assert found.share(lambda item: item.external_ids) == 1
    assert found.share(lambda item: item.countries) >= 0.999
    assert found.share(lambda item: item.languages) >= 0.985
    assert found.share(lambda item: item.people) >= 0.99
    assert not any("film)" in item.name for item in found.items)


def test_known_films_of_wikidata() -> None:
    found = of("wikidata")
    faust = found.named("Faust", 2011)
    assert "Alexander Sokurov" in [person.name for person in faust.people if person.role == "director"]
    summer = found.named("(500) Days of Summer")
    assert (summer.year, summer.kind) == (2009, "movie")


def test_known_films_of_movielens() -> None:
    found = of("movielens")
    assert found.rows == 1_682
    assert found.refused == {"missing_name": 1}
    assert found.named("The Usual Suspects").year == 1995
    assert found.named("Seven").alternate_names == ("Se7en",)
    assert found.named("The Horseman on the Roof").alternate_names == ("Le Hussard sur le toit",)
    assert found.named("L'Enfer").year is not None
    assert found.named("Land Before Time III: The Time of the Great Giving").year == 1995
    assert found.named("Toy Story").genres == ("animation", "children", "comedy")


def test_titles_of_netflix() -> None:
    found = of("netflix")
    assert found.named("Salt & Amber").kind == "series"
    assert found.named("The Paper Fox").alternate_names == ("(Dub) The Paper Fox",)
    assert found.named("Tide Tables").kind == "series"
    assert {item.languages for item in found.items if item.name == "Lantern Street"} == {(), ("hi",), ("ta",)}
    hour = found.named("Evenings with Hal")
    assert (hour.runtime_minutes, hour.age_ratings, hour.genres) == (74, (), ())
    assert [item.name for item in found.items if not item.age_ratings] == ["Evenings with Hal"]
    assert set(found.named("Cold Meridian", 2019).countries) == {"DE", "SU"}
    starts = [item.offers[0].starts_at for item in found.items]
    assert [start.isoformat()[:10] if start else None for start in starts[:3]] == [
        "2021-09-25", "2021-09-24", "2021-09-23",
    ]  # fmt: skip
    assert [item.name for item in found.items if not item.offers[0].starts_at] == ["Tide Tables"]


def test_titles_of_disney_plus_and_hulu() -> None:
    disney, hulu = of("disney_plus"), of("hulu")
    assert {item.year for item in disney.items if item.name == "The Lamp Maker"} == {1993, 2018}
    assert disney.named("Captain Comet").genres == ("action", "adventure", "science_fiction", "superhero")
    assert all(item.age_ratings for item in (*disney.items, *hulu.items))
    assert not any(item.people for item in hulu.items), "a sentence of a description is no director"
    assert hulu.named("Hal Ode: All of It").overview == "An hour without a chair."
    assert hulu.named("Other Stars").genres == ("adventure", "anime", "animation")


def test_rows_of_one_justwatch_title_stay_apart_by_platform_and_share_an_id() -> None:
    seen = platforms_by_shared_id([of(catalogue) for catalogue in JUSTWATCH])
    assert {shared: platforms for shared, platforms in seen.items() if len(platforms) > 1} == {
        "ts205": {"netflix", "apple_tv_plus"},
        "tm101": {"hbo_max", "disney_plus"},
    }


def test_titles_of_justwatch() -> None:
    cedar = of("justwatch netflix").named("Cedar Hill")
    assert (cedar.runtime_minutes, cedar.countries, cedar.age_ratings[0].label) == (None, ("CS", "GB"), "R")
    assert [known.source for known in cedar.external_ids] == ["justwatch"]
    assert cedar.popularity is not None
    letters = of("justwatch netflix").named("Ten Letters")
    assert (letters.kind, letters.genres) == ("series", ("crime", "drama"))
    moonlight = of("justwatch apple").named("Paper Moonlight")
    assert (moonlight.genres, moonlight.countries) == (("animation", "family"), ("US", "CA"))
