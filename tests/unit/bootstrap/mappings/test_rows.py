"""Rows and a mapping make items in our own shape, which normalization takes."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootstrap.mappings import notation
from bootstrap.mappings.notation import FieldMapping, MappingError
from bootstrap.mappings.rows import check_columns, item_of, native_id
from streams.engine.outcome import InvalidEvent
from streams.processors.normalization.adapters import CANONICAL


def a_mapping(**changes: Any) -> FieldMapping:
    raw: dict[str, Any] = {"id": "sku", "kind": "movie", "fields": {"name": "title"}}
    return notation.parse(raw | changes, "test")


def fields(row: dict[str, Any], **given: Any) -> dict[str, Any]:
    return item_of({"sku": "1", "title": "Cedar", **row}, a_mapping(fields={"name": "title", **given}), "shop")


def test_several_columns_of_one_field() -> None:
    given = {"alternate_names": ["aka", {"column": "more", "split": "|"}]}
    found = fields({"aka": "Birch", "more": "Oak| Elm |Birch|"}, **given)
    assert found["alternateNames"] == ["Birch", "Oak", "Elm"]
    assert fields({"a": "", "b": "1999"}, year=["a", "b"])["year"] == "1999"


@pytest.mark.parametrize(
    ("written", "source", "minutes"),
    [
        ("100 min", "t", 100),
        ("1h 40m", "t", 100),
        ("PT1H40M", "t", 100),
        ("60, 48", "t", 60),
        ("1:40:30", "t", 100),
        ("3:26", "t", 3),
        ("1:40", {"column": "t", "unit": "h:m"}, 100),
        ("6000", {"column": "t", "unit": "seconds"}, 100),
        (6_000_000, {"column": "t", "unit": "milliseconds"}, 100),
        ("2 Seasons", "t", None),
        ("soon", "t", None),
        ("nan", {"column": "t", "unit": "seconds"}, None),
    ],
)
def test_durations(written: object, source: Any, minutes: int | None) -> None:
    assert fields({"t": written}, runtime=source).get("runtimeMinutes") == minutes


def test_patterns_tables_dates_and_constants() -> None:
    row = {"url": "https://x.example/title/tt0111161/", "lang": "GER", "on": "13-Feb-15", "bad": "31-Feb-15"}
    found = fields(
        row,
        external_ids={"imdb": {"column": "url", "pattern": r"tt\d+"}},
        languages={"column": "lang", "values": {"GER": "de"}},
        countries={"constant": "DE"},
        release_date=[{"column": "bad", "date": "%d-%b-%y"}, {"column": "on", "date": "%d-%b-%y"}],
        year="on",
    )
    assert found["externalIds"] == {"imdb": ["tt0111161"]}
    assert (found["languages"], found["countries"], found["releaseDate"]) == (["de"], ["DE"], "2015-02-13")
    assert "year" not in found, "15 is no year"


def test_kinds_by_the_first_source_that_has_one() -> None:
    kind = [
        {"column": "episode", "values": {"*": "episode"}},
        {"column": "type", "values": {"F": "movie"}},
        {"constant": "series"},
    ]
    mapping = a_mapping(kind=kind)
    row = {"sku": "1", "title": "x", "episode": "", "type": "S"}
    assert item_of(row, mapping, "shop")["kind"] == "series"
    assert item_of(row | {"type": "F"}, mapping, "shop")["kind"] == "movie"
    assert item_of(row | {"type": "F", "episode": 0}, mapping, "shop")["kind"] == "episode"


def test_offers_only_where_the_flag_is_set() -> None:
    offers = [
        {"region": "US", "provider": "hulu", "when": {"Hulu": "1"}},
        {"region": "US", "type": "rent", "price": "cost", "currency": "USD", "when": {"Rent": ["1", "yes"]}},
    ]
    row = {"sku": "1", "title": "x", "Hulu": "0", "Rent": "yes", "cost": "$ 3,99"}
    found = item_of(row, a_mapping(offers=offers), "shop")["offers"]
    assert found == [
        {"provider": "shop", "region": "US", "type": "rent", "quality": "unknown", "price": "3.99", "currency": "USD"}
    ]


def test_nested_json_and_ids_of_several_columns() -> None:
    mapping = a_mapping(id=["shop", "info.id"], fields={"name": "info.title", "people": {"actor": "cast.name"}})
    row = {"shop": "a", "info": {"id": 7, "title": "Cedar"}, "cast": [{"name": "Al Moss"}, {"name": "Bea Noor"}]}
    assert native_id(row, mapping) == "a:7"
    assert [one["name"] for one in item_of(row, mapping, "shop")["people"]] == ["Al Moss", "Bea Noor"]
    assert native_id({"shop": "a", "info": {}}, mapping) is None


def test_columns_of_the_data() -> None:
    mapping = a_mapping(ignore=["junk"])
    assert check_columns(["sku", "title", "junk", "new"], mapping) == ["new"]
    with pytest.raises(MappingError, match="no column title in the data; there are: sku, Title"):
        check_columns(["sku", "Title"], mapping)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from("abcdefgh"), _JSON, max_size=8))
def test_whatever_a_row_holds_is_an_item_or_refused(row: dict[str, Any]) -> None:
    mapping = a_mapping(
        id="a",
        fields={
            "name": ["b", "h"], "alternate_names": {"column": "c", "split": ","}, "year": "d", "runtime": "e",
            "genres": "f", "people": {"actor": "g"}, "external_ids": {"imdb": "h"},
            "popularity": {"column": "e", "ceiling": 10},
            "release_date": {"column": "d", "date": "%Y"}, "images": {"poster": "c"}, "age_ratings": {"US": "f"},
        },
    )  # fmt: skip
    body = item_of(row, mapping, "shop")
    with contextlib.suppress(InvalidEvent):  # the one exception that is a refusal
        CANONICAL.adapt(body)
