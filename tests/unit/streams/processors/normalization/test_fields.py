from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.processors.normalization import fields
from streams.processors.normalization.countries import country_code


@pytest.mark.parametrize(
    ("value", "expected"),
    [("", None), ("N/A", None), ("nan", None), (None, None), (" x ", "x"), (9, "9"), (9.0, "9"), (9.5, "9.5")],
)
def test_text(value: fields.Scalar, expected: str | None) -> None:
    assert fields.text(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(1917, "1917"), (1917.0, "1917"), ("None", "None"), (None, None)])
def test_a_work_may_be_called_anything(value: fields.Scalar, expected: str | None) -> None:
    assert fields.title_text(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1995, 1995), (1995.0, 1995), ("1995", 1995), (" 1995.0 ", 1995), ("-3", -3),
        (1995.5, None), ("1995.5", None), ("V", None), ("", None), (None, None),
        (1e300, None), (10**20, None), ("9" * 400, None), ("١٩٩٥", None),
    ],
)  # fmt: skip
def test_integer(value: fields.Scalar, expected: int | None) -> None:
    assert fields.integer(value) == expected


@given(st.one_of(st.text(), st.integers(), st.floats(), st.none()))
def test_numbers_never_raise(value: fields.Scalar) -> None:
    found = fields.integer(value)
    assert found is None or abs(found) <= 10**15
    fields.number(value)
    fields.text(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2021-09-25", date(2021, 9, 25)),
        ("2021-09-25T10:00:00Z", date(2021, 9, 25)),
        (" August 4, 2017", date(2017, 8, 4)),
        ("Sep 4 2017", date(2017, 9, 4)),
        ("September 31, 2017", None),
        ("Foo 3, 2017", None),
        ("25/09/2021", None),
        ("", None),
        (None, None),
    ],
)
def test_day(value: fields.Scalar, expected: date | None) -> None:
    assert fields.day(value) == expected


def test_offers_start_in_the_age_of_streaming() -> None:
    assert fields.offer_start(date(2021, 9, 25)) == datetime(2021, 9, 25, tzinfo=UTC)
    assert fields.offer_start(date(1, 1, 1)) is None
    assert fields.offer_start(date(9999, 1, 1)) is None
    assert fields.offer_start(None) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a, b,,c ", ["a", "b", "c"]),
        ("['drama', \"children's\"]", ["drama", "children's"]),
        ("[]", []),
        (["a", " b ", ""], ["a", "b"]),
        ("", []),
        (None, []),
    ],
)
def test_words(value: str | list[str] | None, expected: list[str]) -> None:
    assert fields.words(value) == expected


def test_mapped_codes_keep_order_and_appear_once() -> None:
    assert fields.mapped("France, Narnia, Japan, FR,\u200bItaly", country_code) == ("FR", "JP", "IT")


@pytest.mark.parametrize("value", ["tt1234567", " TT1234567 ", "tt123456789"])
def test_imdb_ids_are_kept(value: str) -> None:
    assert [found.value for found in fields.imdb_id(value)] == [value.strip().lower()]


@pytest.mark.parametrize("value", ["", None, "tt123", "nm1234567", "tt0000000", "tt1234567890", 1234567])
def test_malformed_imdb_ids_are_dropped(value: fields.Scalar) -> None:
    assert fields.imdb_id(value) == ()


@pytest.mark.parametrize(
    ("value", "expected"),
    [("s1", "s1"), (1, "1"), (1.0, "1"), ("", None), (None, None), (True, None), ({}, None), ([1], None)],
)
def test_identifier(value: object, expected: str | None) -> None:
    assert fields.identifier(value) == expected
