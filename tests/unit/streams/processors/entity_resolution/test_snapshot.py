from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from schemas.types.catalog import AgeRating, CanonicalItem, Offer, Person, TitleChanged
from streams.processors.entity_resolution.features import Features
from streams.processors.entity_resolution.snapshot import snapshot
from streams.processors.entity_resolution.workspace import Member
from tests.support.canonical_items import MOMENT, an_item, ids
from tests.support.resolving import items


def a_member(key: str, item: CanonicalItem) -> Member:
    provider, _, native_id = key.partition(":")
    return Member(provider, native_id, "title", Features(item), True, MOMENT, 0)


def of(*members: Member) -> TitleChanged:
    return snapshot("title", 3, "movie", MOMENT, members, event_id="event", occurred_at=MOMENT + timedelta(seconds=1))


def keyed(found: Sequence[CanonicalItem]) -> list[Member]:
    providers = ("movielens", "wikidata", "hulu", "other", "another")
    return [a_member(f"{providers[at % 5]}:{at}", item) for at, item in enumerate(found)]


@given(
    st.lists(items(), min_size=1, max_size=6).map(keyed).flatmap(lambda m: st.tuples(st.just(m), st.permutations(m)))
)
def test_the_order_of_the_items_does_not_matter(orders: tuple[list[Member], list[Member]]) -> None:
    assert of(*orders[0]) == of(*orders[1])


def test_the_majority_names_it_and_the_rest_are_alternates() -> None:
    found = of(
        a_member("wikidata:1", an_item("La Route", 1998)),
        a_member("hulu:2", an_item("The Amber Road", 1999)),
        a_member("netflix:3", an_item("Amber Road, The", 1999, alternate_names=("Road",))),
    )
    assert found.name == "Amber Road, The"
    assert found.year == 1999
    assert found.alternate_names == ("La Route", "The Amber Road", "Road")


def test_single_facts_come_from_the_most_trusted_that_states_them() -> None:
    found = of(
        a_member("movielens:1", an_item(overview="By hand", runtime_minutes=99)),
        a_member("netflix:2", an_item(overview="By the platform")),
        a_member("wikidata:3", an_item(original_name="Vägen")),
    )
    assert (found.overview, found.runtime_minutes, found.original_name) == ("By the platform", 99, "Vägen")
    assert [source.provider for source in found.sources] == ["wikidata", "netflix", "movielens"]


def test_lists_are_unions() -> None:
    offers = [Offer(provider=name, region="US", type="subscription") for name in ("netflix", "hulu")]
    rating = AgeRating(country="US", label="PG")
    found = of(
        a_member(
            "netflix:1",
            an_item(
                offers=(offers[0],),
                genres=("drama", "war"),
                age_ratings=(rating,),
                external_ids=ids("tmdb:1", "imdb:tt1"),
                people=(Person(name="Al Moss", role="actor"),),
                popularity=0.2,
            ),
        ),
        a_member(
            "hulu:2",
            an_item(
                offers=(offers[1], offers[0]),
                genres=("war", "comedy"),
                age_ratings=(rating,),
                external_ids=ids("imdb:tt1"),
                people=(
                    Person(name="AL MOSS", role="actor", character="Pip"),
                    Person(name="Al Moss", role="director"),
                ),
                popularity=0.7,
            ),
        ),
    )
    assert found.offers == (offers[0], offers[1])
    assert found.genres == ("drama", "war", "comedy")
    assert found.age_ratings == (rating,)
    assert found.external_ids == ids("imdb:tt1", "tmdb:1")
    assert [(person.role, person.character) for person in found.people] == [("actor", "Pip"), ("director", None)]
    assert found.popularity == 0.7
