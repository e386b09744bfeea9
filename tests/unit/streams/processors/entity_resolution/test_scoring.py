import pytest
from hypothesis import given

from schemas.types.catalog import CanonicalItem
from streams.processors.entity_resolution.blocking import STRIPES, blocks, entries, stripes
from streams.processors.entity_resolution.evidence import Score
from streams.processors.entity_resolution.features import MAX_IDS_PER_SOURCE, Features, contradict
from streams.processors.entity_resolution.scoring import LINK, PRIOR, REVIEW, score
from tests.support.canonical_items import an_item, ids, people
from tests.support.resolving import items


def scored(one: CanonicalItem, other: CanonicalItem, *, same_provider: bool = False) -> Score:
    return score(Features(one), Features(other), same_provider=same_provider)


def test_name_year_and_kind_are_enough() -> None:
    """Items that have nothing else (MovieLens) link to the film of that name and year."""
    found = scored(an_item("Amber Road, The", 1999), an_item("The Amber Road", 1999, genres=("drama",)))
    assert found.total >= LINK


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(an_item("Cedar", 1999), an_item("Cedar", 2000), id="short name, neighbouring year"),
        pytest.param(an_item("Cedar", None), an_item("Cedar", 2000), id="year unknown"),
        pytest.param(
            an_item("Cedar", 1999, runtime_minutes=90),
            an_item("Cedar", 1999, runtime_minutes=150),
            id="runtimes far apart",
        ),
    ],
)
def test_a_person_is_asked(one: CanonicalItem, other: CanonicalItem) -> None:
    assert REVIEW <= scored(one, other).total < LINK


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(an_item("Cedar", 1999), an_item("Cedar", 1999, "series"), id="film and series"),
        pytest.param(an_item("Cedar", 1999), an_item("Cedar", 1975), id="remake"),
        pytest.param(an_item("Amber Road II", 1999), an_item("Amber Road III", 1999), id="sequel"),
        pytest.param(an_item("Amber Road: Money", 1999), an_item("Amber Road: Time", 1999), id="other subtitle"),
        pytest.param(
            an_item(external_ids=ids("imdb:tt1")), an_item(external_ids=ids("imdb:tt2")), id="contradicting ids"
        ),
        pytest.param(
            an_item(people=people("Al Moss", "Bea Noor", director="Ada Quill")),
            an_item(people=people("Cy Oram", "Di Penn", director="Bo Rask")),
            id="other people",
        ),
        pytest.param(
            an_item("Pilot", None, "episode", series_name="Cedar", season_number=1, episode_number=1),
            an_item("Pilot", None, "episode", series_name="Birch", season_number=1, episode_number=1),
            id="same episode name of another series",
        ),
    ],
)
def test_different_works(one: CanonicalItem, other: CanonicalItem) -> None:
    assert scored(one, other).total < REVIEW


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            an_item("Amber Road: Homecoming", 1999, runtime_minutes=90, people=people(director="Ada Quill")),
            an_item("Amber Road", 1999, runtime_minutes=90, people=people(director="Quill, Ada")),
            id="subtitle missing, director and runtime agree",
        ),
        pytest.param(
            an_item("Ambre", 1999, original_name="Amber Road"), an_item("Amber Road", 1999), id="alternate name"
        ),
        pytest.param(
            an_item("Spider Grove", 2000, runtime_minutes=101),
            an_item("Spidergrove", 2001, runtime_minutes=101, genres=("drama",)),
            id="written together, a year apart, runtime agrees",
        ),
        pytest.param(
            an_item("One", None, "episode", series_name="Cedar", season_number=1, episode_number=1),
            an_item("Uno", None, "episode", series_name="The Cedar", season_number=1, episode_number=1),
            id="episode by number",
        ),
    ],
)
def test_one_work(one: CanonicalItem, other: CanonicalItem) -> None:
    assert scored(one, other).total >= LINK


def test_two_items_of_one_provider_are_two_works() -> None:
    assert scored(an_item(), an_item(), same_provider=True).total < REVIEW


def test_the_score_is_the_sum_of_its_evidence() -> None:
    found = scored(
        an_item(runtime_minutes=90, genres=("drama",), people=people("Al Moss", director="Ada Quill")),
        an_item(runtime_minutes=92, genres=("comedy",), people=people("Al Moss", director="Ada Quill")),
    )
    assert [item.field for item in found.evidence] == ["name", "year", "directors", "cast", "runtime", "genres"]
    assert found.bits == pytest.approx(PRIOR + sum(item.weight for item in found.evidence))
    assert found.total == pytest.approx(1 / (1 + 2**-found.bits))


@given(items(), items())
def test_scores_are_symmetric_and_linked_pairs_share_a_block(one: CanonicalItem, other: CanonicalItem) -> None:
    left, right = Features(one), Features(other)
    found = score(left, right)
    assert found.bits == pytest.approx(score(right, left).bits)
    if found.total >= LINK:
        assert set(blocks(left)) & set(blocks(right))


def test_ids_contradict_only_when_nothing_is_shared() -> None:
    two, one, other = (
        Features(an_item(external_ids=ids(*texts))).ids
        for texts in (("imdb:tt1", "imdb:tt2"), ("imdb:tt2", "tmdb:5"), ("imdb:tt3",))
    )
    assert contradict(two, one) is None
    assert contradict(one, other) == "imdb"
    assert contradict({"isrc": frozenset({"a"})}, {"isrc": frozenset({"b"})}) is None


def test_an_item_with_very_many_ids_of_one_issuer_has_none_of_them() -> None:
    many = Features(an_item(external_ids=ids(*(f"imdb:tt{n}" for n in range(MAX_IDS_PER_SOURCE + 1)), "tmdb:1")))
    assert many.id_keys == (("tmdb", "1", "movie"),)


def test_films_stand_in_a_block_under_their_year_and_series_do_not() -> None:
    assert {entry.year for entry in entries(Features(an_item("Cedar", 1999)))} == {1999}
    assert {entry.year for entry in entries(Features(an_item("Cedar", 1999, "series")))} == {0}
    assert not set(blocks(Features(an_item("Cedar")))) & set(blocks(Features(an_item("Cedar", kind="series"))))


def test_stripes_are_few_and_sorted() -> None:
    found = stripes(range(-5000, 5000), [("imdb", "tt1", "movie")], [("alpha", "1")])
    assert found == sorted(set(found))
    assert len(found) <= STRIPES
    assert found[0] >= 0
