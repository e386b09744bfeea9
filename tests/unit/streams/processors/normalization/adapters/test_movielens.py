from typing import Any

import pytest

from schemas.types.catalog import ExternalId
from streams.engine.outcome import InvalidEvent
from streams.processors.normalization.adapters import movielens
from tests.support.deliveries import canonical


def item(**changes: Any) -> Any:
    line = {
        "item_id": "9001",
        "movie_title": "Quiet Harbour, The (Stille Hafen, Der)",
        "release_year": "1994",
        "class": "Animation Children's Film-Noir",
    }
    return canonical("movielens", line | changes, "9001")


def test_an_item_line() -> None:
    found = item()
    assert (found.kind, found.name, found.year) == ("movie", "The Quiet Harbour", 1994)
    assert found.alternate_names == ("Der Stille Hafen",)
    assert found.genres == ("animation", "children", "film_noir")
    assert found.unknown_genres == ()
    assert found.external_ids == (ExternalId(source="movielens", value="9001"),)


def test_year_behind_the_name_when_the_column_holds_something_else() -> None:
    found = item(movie_title="Harbour III: Again (1995)", release_year="V")
    assert (found.name, found.year) == ("Harbour III: Again", 1995)


def test_genres_of_the_larger_data_sets_are_separated_by_bars() -> None:
    assert item(**{"class": "Drama|Sci-Fi"}).genres == ("drama", "science_fiction")
    assert item(**{"class": ["Drama", "IMAX"]}).genres == ("drama",)


def test_the_placeholder_for_unidentified_films_is_refused() -> None:
    with pytest.raises(InvalidEvent) as refused:
        item(movie_title="unknown", release_year="", **{"class": "unknown"})
    assert refused.value.reason == "missing_name"


def test_a_film_called_unknown_is_a_film() -> None:
    assert item(movie_title="Unknown", release_year="2011").name == "Unknown"


def test_native_id() -> None:
    assert movielens.native_id({"item_id": 12.0}) == "12"
    assert movielens.native_id({"item_id": ""}) is None
