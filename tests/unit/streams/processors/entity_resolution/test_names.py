import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.processors.entity_resolution.names import compact, name_key, person_key, spellings


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Matrix", "Matrix, The"),
        ("La Strada", "Strada, La"),
        ("Les Misérables", "Miserables, Les"),
        ("Harold & Maude", "Harold and Maude"),
        ("Rocky II", "Rocky 2"),
        ("The Godfather: Part III", "Godfather, Part Three, The"),
        ("Kill Bill: Vol. 2", "Kill Bill: Volume II"),
        ("Amélie", "Amelie"),
        ("8½", "8 1/2"),
        ("E.T. the Extra-Terrestrial", "ET: The Extra Terrestrial"),
        ("S.W.A.T.", "SWAT"),
        ("Crash (2004)", "Crash"),
        ("Crash (I)", "Crash"),
        ("Ocean’s Eleven", "Oceans Eleven"),
        ("Pokémon 2000", "POKEMON 2000"),
        ("ＡＫＩＲＡ", "Akira"),
        ("Œuvre", "OEuvre"),
        ("Иван", "Ivan"),
    ],
)
def test_ways_of_writing_one_name_have_one_key(one: str, other: str) -> None:
    assert name_key(one).full == name_key(other).full


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Rocky II", "Rocky III"),
        ("Alien", "Aliens"),
        ("Die Hard", "Hard"),
        ("Seven", "Se7en"),
        ("X", "Ten"),
        ("千と千尋の神隠し", "もののけ姫"),
        ("🎬", "🎥"),
    ],
)
def test_different_names_have_different_keys(one: str, other: str) -> None:
    assert name_key(one).full != name_key(other).full


def test_a_subtitle_is_cut_from_the_head_only() -> None:
    key = name_key("Birdman: or (The Unexpected Virtue of Ignorance)")
    assert key.head == "birdman"
    assert key.full == "birdman or unexpected virtue of ignorance"
    assert name_key("Birdman").head == name_key("Birdman").full == "birdman"


def test_spaces_do_not_matter_to_the_compact_key() -> None:
    assert compact(name_key("Spider-Man").full) == compact(name_key("Spiderman").full)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Seven (a.k.a. Se7en)", ("Seven", "Se7en")),
        ("Amber Road aka Birch Lane", ("Amber Road", "Birch Lane")),
        ("Plain", ("Plain",)),
        ("Osaka Story", ("Osaka Story",)),
    ],
)
def test_spellings_of_one_field(name: str, parts: tuple[str, ...]) -> None:
    assert spellings(name) == parts


def test_a_name_of_articles_only_keeps_them() -> None:
    assert name_key("The The").full == "the the"
    assert name_key("A").full == "a"


def test_a_persons_name_in_either_order() -> None:
    assert person_key("Lee, Ang") == person_key("Ang Lee")
    assert person_key("José Ferrer") == person_key("jose ferrer")


@given(st.text(min_size=1, max_size=400))
def test_every_visible_name_has_a_key_and_keeps_it(name: str) -> None:
    key = name_key(name)
    assert bool(key.full) == bool(key.head)
    assert key.full == name_key(name.swapcase().casefold()).full or not name.isascii()
    if any(character.isalnum() and character.isascii() for character in name[:200]):
        assert key.full
    assert spellings(name)
