"""The order of results: names first, then fusion; total, and the same for the same input."""

import random

from hypothesis import given
from hypothesis import strategies as st

from query_api.services.discovery.ranking import Scored, count_facets, rank
from schemas.read_models.text import name_key
from schemas.read_models.title_search import TitleCard, browse_rank

names = st.sampled_from(["heat", "heat 2", "heatwave", "the heat", "cold", "dead heat", ""])


def card(
    title_id: str, name: str, *, popularity: float = 0.0, others: tuple[str, ...] = (), **more: object
) -> TitleCard:
    fields: dict[str, object] = {"kind": "movie", "genres": ("drama",), "providers": ()} | more
    return TitleCard(
        title_id=title_id,
        name=name,
        name_key=name_key(name),
        other_keys=others,
        popularity=popularity,
        browse_rank=browse_rank(popularity, title_id),
        **fields,  # type: ignore[arg-type] # a test's shorthand
    )


def order(key: str, titles: list[TitleCard], **legs: list[str]) -> list[str]:
    scored = {leg: [Scored(title_id, 1.0 - i / 100) for i, title_id in enumerate(ids)] for leg, ids in legs.items()}
    return [found.title.title_id for found in rank(key, titles, scored)]


def test_names_come_before_fusion() -> None:
    titles = [
        card("text", "a film about heat", popularity=1.0),
        card("inside", "heatwave"),
        card("long", "heat and dust"),
        card("short", "heat 2"),
        card("other", "feuer", others=("heat",)),
        card("plain", "heat", popularity=0.1),
        card("famous", "Heat", popularity=0.9),
    ]
    assert order("heat", titles, dense=["text", "inside"], bm25=["text"]) == [
        "famous",
        "plain",
        "other",
        "short",
        "long",
        "inside",
        "text",
    ]


def test_two_legs_beat_one_first_place() -> None:
    titles = [card("a", "x"), card("b", "y"), card("c", "z")]
    assert order("q", titles, dense=["a", "b"], bm25=["c", "b"])[0] == "b"


def test_popularity_is_no_ground_but_between_equal_names() -> None:
    titles = [card("known", "x", popularity=1.0), card("first", "y", popularity=0.0)]
    assert order("q", titles, dense=["first", "known"]) == ["first", "known"]


def test_explanation_adds_up() -> None:
    (found,) = rank("q", [card("a", "x")], {"dense": [Scored("a", 0.7)], "bm25": [Scored("z", 9.0), Scored("a", 3.0)]})
    assert [(leg.leg, leg.rank, leg.score) for leg in found.legs] == [("dense", 1, 0.7), ("bm25", 2, 3.0)]
    assert abs(found.fused - (1 / 61 + 1 / 62)) < 1e-12


@given(
    st.lists(st.tuples(st.integers(0, 30), names, st.sampled_from([0.0, 0.5])), max_size=40),
    st.integers(1, 7),
    st.randoms(use_true_random=False),
)
def test_pages_partition_a_stable_order(found: list[tuple[int, str, float]], size: int, chance: random.Random) -> None:
    titles = list({str(i): card(str(i), name, popularity=popularity) for i, name, popularity in found}.values())
    legs = {"dense": [Scored(title.title_id, 0.5) for title in titles[::2]],
            "bm25": [Scored(title.title_id, float(i % 3)) for i, title in enumerate(titles)]}  # fmt: skip
    expected = [each.title.title_id for each in rank("heat", titles, legs)]
    pages = [expected[start : start + size] for start in range(0, len(expected), size)]
    assert sorted(title_id for page in pages for title_id in page) == sorted(title.title_id for title in titles)
    chance.shuffle(titles)
    for leg in legs.values():
        chance.shuffle(leg)
    assert [each.title.title_id for each in rank("heat", titles + titles, legs)] == expected


def test_facets_count_each_value() -> None:
    titles = [
        card("1", "a", genres=("drama", "war"), providers=("hulu",), decade=1990),
        card("2", "b", genres=("drama",), decade=None),
    ]
    facets = count_facets(titles)
    assert [(each.value, each.count) for each in facets["genre"]] == [("drama", 2), ("war", 1)]
    assert [(each.value, each.count) for each in facets["decade"]] == [("1990", 1)]
    assert [(each.value, each.count) for each in facets["provider"]] == [("hulu", 1)]
    assert [(each.value, each.count) for each in facets["kind"]] == [("movie", 2)]
