"""One spelling of names, and what a document weighs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.read_models import text
from schemas.types.catalog import Person
from tests.support.titles import changed


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Amélie & Co.", "amelie and co"),
        ("Ocean’s Eleven", "oceans eleven"),
        ("S.W.A.T.", "swat"),
        ("WALL·E", "wall e"),
        ("Straße", "strasse"),
        ("Løve æ Þor", "love ae thor"),
        ("ﬁn", "fin"),
        ("  spaced\t out ", "spaced out"),
        ("e\u0301te\u0301", "ete"),
        ("Тройка й", "тройка й"),
        ("千と千尋", "千と千尋"),
        ("हिन्दी", "हिन्दी"),
        ("שלום, עולם!", "שלום עולם"),
        ("???", "???"),
        ("💩", "💩"),
        ("\ud800lone", "lone"),
        (" \n", ""),
    ],
)
def test_name_key(name: str, key: str) -> None:
    assert text.name_key(name) == key


@given(st.text())
def test_name_key_is_idempotent_and_bounded(name: str) -> None:
    key = text.name_key(name)
    assert text.name_key(key) == key
    assert len(key) <= text.MAX_NAME_KEY


@given(st.text(), st.text())
def test_case_and_spaces_do_not_matter(one: str, other: str) -> None:
    assert text.name_key(f"{one} {other}") == text.name_key(f"  {one}   {other} ")


def test_tokens_are_stemmed_and_scripts_without_spaces_are_cut_in_pairs() -> None:
    assert text.tokens("Running Movies") == ["run", "movi"]
    assert text.tokens("千と千尋 x") == ["千と", "と千", "千尋", "x"]
    assert text.tokens("東") == ["東"]
    assert text.tokens("!!!") == []


@given(st.text(max_size=60))
def test_a_title_is_found_by_its_own_words(name: str) -> None:
    document = text.document_terms(changed("1", name=name))
    assert set(text.query_terms(name).indices) <= set(document.indices)
    assert list(document.indices) == sorted(set(document.indices))
    assert all(value > 0 for value in document.values)
    assert all(0 <= index < 2**32 for index in document.indices)


def weight(word: str, **fields: Any) -> float:
    terms = text.document_terms(changed("1", **fields))
    return dict(zip(terms.indices, terms.values, strict=True))[text.term_index(word)]


def test_names_weigh_more_than_the_rest() -> None:
    in_name = weight("heat", name="heat", overview="cold")
    in_overview = weight("heat", name="cold", overview="heat")
    assert in_name > in_overview


def test_a_word_of_a_long_text_weighs_less() -> None:
    assert weight("heat", name="heat") > weight("heat", name="heat", overview="many other words " * 30)


def test_weights_grow_less_and_less() -> None:
    once, twice, often = (weight("heat", name="x", overview="heat " * count) for count in (1, 2, 40))
    assert once < twice < often < 2.2


def test_queries_are_bounded() -> None:
    assert len(text.query_terms(" ".join(f"w{i}" for i in range(5000))).indices) <= 64
    assert text.query_terms("").indices == ()


def test_embedded_text_changes_the_hash_and_so_does_the_model() -> None:
    one = text.embedding_text(
        changed("1", name="Heat", year=1995, genres=("crime",), people=(Person(name="A B", role="director"),))
    )
    assert one == "Heat (1995). crime movie. by A B"
    assert text.text_hash("m", one) == text.text_hash("m", one)
    assert text.text_hash("m", one) != text.text_hash("n", one)
    assert text.text_hash("m", one) != text.text_hash("m", one + ".")


def test_offers_do_not_change_the_embedded_text() -> None:
    assert text.embedding_text(changed("1", name="Heat", offers=())) == text.embedding_text(changed("1", name="Heat"))


@given(st.text(max_size=50))
def test_embedded_text_can_always_be_encoded(name: str) -> None:
    text.embedding_text(changed("1", name=name, overview=name)).encode()
    text.well_formed("\ud800" + name).encode()
