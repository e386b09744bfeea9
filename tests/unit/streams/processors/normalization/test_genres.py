import pytest

from schemas.read_models.genres import GENRE_LABELS, GENRES
from streams.processors.normalization import genres

TABLES = {
    name: getattr(genres, name) for name in ("WIKIDATA", "MOVIELENS", "NETFLIX", "DISNEY_PLUS", "HULU", "JUSTWATCH")
}


@pytest.mark.parametrize("provider", TABLES)
def test_tables_speak_the_controlled_vocabulary(provider: str) -> None:
    for word, terms in TABLES[provider].items():
        assert word == word.lower().strip()
        assert set(terms) <= set(GENRES), word


def test_every_term_is_reachable_and_has_a_label() -> None:
    assert {term for table in TABLES.values() for terms in table.values() for term in terms} == set(GENRES)
    assert all(GENRE_LABELS.values())


def test_a_word_may_mean_several_terms_and_each_counts_once() -> None:
    terms, unknown = genres.map_genres(["Action & Adventure", "TV Action & Adventure", "Dramas"], genres.NETFLIX)
    assert terms == ("action", "adventure", "drama")
    assert unknown == ()


def test_what_is_no_genre_is_neither_term_nor_unknown() -> None:
    assert genres.map_genres(["International Movies", "British TV Shows"], genres.NETFLIX) == ((), ())


def test_unknown_words_are_kept_as_they_came() -> None:
    terms, unknown = genres.map_genres(["Mukbang", " Mukbang\u200b", "Drama", "", "x" * 61], genres.HULU)
    assert terms == ("drama",)
    assert unknown == ("Mukbang",)


def test_typographic_apostrophes_do_not_matter() -> None:
    assert genres.map_genres(["Kids’ TV"], genres.NETFLIX) == (("children",), ())
