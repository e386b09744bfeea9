from typing import Any

import pytest

from schemas.types.catalog import AgeRating, ExternalId
from streams.processors.normalization.adapters import wikidata
from tests.support.deliveries import canonical

ROW: dict[str, Any] = {
    "ID": 4711,
    "imdbID": "tt1234567",
    "Title": "The Quiet Harbour (1999 film)",
    "Year": 1999,
    "Rating": "PG-13",
    "Runtime": 101.0,
    "Genre": "Drama, Sci-Fi",
    "Released": "1999-05-21",
    "Director": "Ana Lima",
    "Writer": "Ana Lima, Bo Chen",
    "Cast": "Bo Chen, Carl Grey, Jr.",
    "Language": "Standard Chinese, English",
    "Country": "Hong Kong, West Germany",
    "Reviews": 400,
    "Oscars": 0,
}


def item(**changes: Any) -> Any:
    return canonical("wikidata", ROW | changes, "4711")


def test_a_full_row() -> None:
    found = item()
    assert (found.kind, found.name, found.year, found.release_date) == (
        "movie",
        "The Quiet Harbour",
        1999,
        "1999-05-21",
    )
    assert found.runtime_minutes == 101
    assert found.genres == ("drama", "science_fiction")
    assert [(person.role, person.name) for person in found.people] == [
        ("director", "Ana Lima"),
        ("writer", "Ana Lima"),
        ("writer", "Bo Chen"),
        ("actor", "Bo Chen"),
        ("actor", "Carl Grey Jr."),
    ]
    assert found.languages == ("cmn", "en")
    assert found.countries == ("HK", "DE")
    assert found.age_ratings == (AgeRating(country="US", label="PG-13", minimum_age=13),)
    assert found.external_ids == (ExternalId(source="imdb", value="tt1234567"),)
    assert found.offers == ()
    assert found.popularity == 1.0
    assert found.overview is None


def test_first_of_january_is_only_a_year() -> None:
    assert item(Released="1999-01-01").release_date is None


def test_a_row_of_nulls_but_a_title() -> None:
    found = item(**dict.fromkeys(ROW, None) | {"Title": "Alone"})
    assert (found.name, found.year, found.people, found.genres, found.popularity) == ("Alone", None, (), (), None)


@pytest.mark.parametrize("runtime", [None, 0, 0.0, -3, 1e12, "", "many"])
def test_impossible_runtimes_are_dropped(runtime: object) -> None:
    assert item(Runtime=runtime).runtime_minutes is None


def test_the_year_in_the_title_is_used_when_there_is_no_other() -> None:
    assert item(Year=None, Released=None).year == 1999
    assert item(Year="", Released="2003-04-05").year == 2003


def test_native_id_is_the_row_number_as_text() -> None:
    assert wikidata.native_id(ROW) == "4711"
    assert wikidata.native_id({}) is None
