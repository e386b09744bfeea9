import string
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.processors.normalization.names import (
    ALL_ARTICLES,
    article_first,
    clean,
    cut_at_word,
    split_alternates,
    split_name,
)


@pytest.mark.parametrize(
    ("dirty", "expected"),
    [
        ("Plain", "Plain"),
        ("  two   spaces ", "two spaces"),
        ("\ufeffBOM", "BOM"),
        ("\u200b\u200bZero\u200b width", "Zero width"),
        ("no\u00a0break\u00a0space", "no break space"),
        ("line\nand\ttab", "line and tab"),
        ("NUL\x00 and bell\x07", "NUL and bell"),
        ("cafe\u0301", "café"),
        ("\u202eright to left\u202c", "right to left"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # the joiner is Persian spelling
        ("lone \ud800surrogate", "lone surrogate"),
        ("\x00\u200b", ""),
        ("", ""),
    ],
)
def test_clean_removes_what_nobody_sees(dirty: str, expected: str) -> None:
    assert clean(dirty) == expected


@given(st.text())
def test_clean_is_idempotent_and_storable(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert cleaned == " ".join(cleaned.split())
    assert "\x00" not in cleaned
    cleaned.encode()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Matrix, The", "The Matrix"),
        ("Enfer, L'", "L'Enfer"),
        ("Boot, Das", "Das Boot"),
        ("Good, The Bad and The Ugly, The", "The Good, The Bad and The Ugly"),
        ("Adventures of Priscilla, Queen of the Desert, The", "The Adventures of Priscilla, Queen of the Desert"),
        ("Paris, Texas", "Paris, Texas"),
        ("Corrina, Corrina", "Corrina, Corrina"),
        (", The", ", The"),
    ],
)
def test_article_goes_to_the_front(name: str, expected: str) -> None:
    assert article_first(name, ALL_ARTICLES) == expected


def test_foreign_words_are_no_articles_in_english_catalogues() -> None:
    assert split_name("Live, Die").main == "Live, Die"
    assert split_name("Matrix, The").main == "The Matrix"


@pytest.mark.parametrize(
    ("raw", "main", "alternates", "year", "language"),
    [
        ("Aladdin (2019)", "Aladdin", (), 2019, None),
        ("Matrix, The (1999)", "The Matrix", (), 1999, None),
        ("Faust (2011 film)", "Faust", (), 2011, None),
        ("Godspell (film)", "Godspell", (), None, None),
        ("Upside Down (2012 Canadian film)", "Upside Down", (), 2012, None),
        ("Thackeray (Hindi)", "Thackeray", ("Thackeray (Hindi)",), None, "hi"),
        ("Petta (Telugu Version)", "Petta", ("Petta (Telugu Version)",), None, "te"),
        ("Coco (in Spanish)", "Coco", ("Coco (in Spanish)",), None, "es"),
        ("Shrek 2 (en Español)", "Shrek 2 (en Español)", ("Shrek 2",), None, None),
        ("CSI (Español)", "CSI", ("CSI (Español)",), None, "es"),
        ("(Dub) Akira", "Akira", ("(Dub) Akira",), None, None),
        ("Iron Man (Series)", "Iron Man", ("Iron Man (Series)",), None, None),
        ("The Fence (aka La Barda)", "The Fence", ("La Barda",), None, None),
        ("McLintock! (Producer's Cut)", "McLintock!", ("McLintock! (Producer's Cut)",), None, None),
        ("The Office (U.S.)", "The Office (U.S.)", ("The Office",), None, None),
        ("Ant-Man (Shorts)", "Ant-Man (Shorts)", (), None, None),
        ("Birdman or (The Unexpected Virtue)", "Birdman or (The Unexpected Virtue)", (), None, None),
        ("(500) Days of Summer", "(500) Days of Summer", (), None, None),
        ("(Untitled)", "(Untitled)", (), None, None),
        ("(2019)", "(2019)", (), None, None),
        ("Fighting Words (1914-1918)", "Fighting Words (1914-1918)", ("Fighting Words",), None, None),
        ("2012", "2012", (), None, None),
        ("Blade Runner 2049", "Blade Runner 2049", (), None, None),
    ],
)
def test_only_what_is_not_the_name_comes_off(
    raw: str, main: str, alternates: tuple[str, ...], year: int | None, language: str | None
) -> None:
    assert split_name(raw) == (main, alternates, year, language)


@pytest.mark.parametrize(
    ("raw", "main", "alternates", "year"),
    [
        ("Seven (Se7en)", "Seven", ("Se7en",), None),
        ("Blue Angel, The (Blaue Engel, Der)", "The Blue Angel", ("Der Blaue Engel",), None),
        ("Big City, The (Grande ville, La) (1987)", "The Big City", ("La Grande ville",), 1987),
        ("Twelve Apes (a.k.a. 12 Apes) (Douze singes)", "Twelve Apes", ("12 Apes", "Douze singes"), None),
        ("Mrs. Grey (Her Majesty, Mrs. Grey)", "Mrs. Grey", ("Her Majesty, Mrs. Grey",), None),
        ("Time III: The Great Giving (1995)", "Time III: The Great Giving", (), 1995),
        ("Empty ()", "Empty", (), None),
        ("Same (Same)", "Same", (), None),
        ("(Only)", "(Only)", (), None),
    ],
)
def test_movielens_writes_other_names_in_parentheses(
    raw: str, main: str, alternates: tuple[str, ...], year: int | None
) -> None:
    assert split_alternates(raw) == (main, alternates, year, None)


@given(st.text(alphabet=string.ascii_letters + "(), 12'\u200b", max_size=80))
def test_a_name_never_vanishes(raw: str) -> None:
    for split in (split_name, split_alternates):
        found = split(raw)
        assert bool(found.main) == bool(clean(raw))
        assert found.main not in found.alternates
        assert all(found.alternates)


@pytest.mark.parametrize("raw", ["(" * 200_000, "(a" * 100_000, "()" * 100_000, "x (a)" * 90, ")(" * 249])
def test_hostile_parentheses_take_no_time(raw: str) -> None:
    started = time.perf_counter()
    split_name(raw)
    split_alternates(raw)
    assert time.perf_counter() - started < 1


@given(st.text(alphabet="ab ,.", max_size=60), st.integers(min_value=5, max_value=40))
def test_a_cut_text_keeps_the_limit(text: str, limit: int) -> None:
    cut = cut_at_word(text, limit)
    assert len(cut) <= limit
    assert cut == text or cut.endswith("…")


def test_text_is_cut_between_words() -> None:
    assert cut_at_word("one two three four", 12) == "one two…"
