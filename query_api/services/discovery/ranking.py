"""The order of search results; pure. ADR 0004 says why.

1. Titles whose main name is the query (compared as `name_key`), most popular first.
2. Titles known by that name otherwise (original or alternate), most popular first.
3. Titles whose main name begins with the query: at a word's end first, then the shorter name.
4. Everything else by reciprocal rank fusion over the legs: sum of 1 / (60 + rank) (Cormack, Clarke and Büttcher, 2009).
Ties are broken by id, so that the order is total and pages are stable.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct

from schemas.read_models.title_search import FACET_FIELDS, FACETS, TitleCard

RRF_K: Final = 60
"""Of the paper; the larger it is, the less the first ranks stand out."""

Match = Literal["exact", "other_name", "prefix", "text"]
_ORDER: Final[dict[Match, int]] = {"exact": 0, "other_name": 1, "prefix": 2, "text": 3}


class Scored(Struct, frozen=True):
    """A title in a leg, with the engine's score."""

    title_id: str
    score: float


class LegRank(Struct, frozen=True):
    """`rank` counts from 1."""

    leg: str
    rank: int
    score: float


class Ranked(Struct, frozen=True):
    title: TitleCard
    match: Match
    fused: float
    """The RRF sum; 0 for a title that only the name legs found."""
    legs: tuple[LegRank, ...]


def leg_ranks(legs: Mapping[str, Sequence[Scored]]) -> dict[str, tuple[LegRank, ...]]:
    """Ranks by title. Equal scores are ordered by id, since engines order them as they please."""
    found: dict[str, list[LegRank]] = {}
    for leg, scored in legs.items():
        ordered = sorted(scored, key=lambda hit: (-hit.score, hit.title_id))
        for rank, hit in enumerate(ordered, start=1):
            found.setdefault(hit.title_id, []).append(LegRank(leg, rank, hit.score))
    return {title_id: tuple(ranks) for title_id, ranks in found.items()}


def fused_score(ranks: Iterable[LegRank]) -> float:
    return sum(1.0 / (RRF_K + found.rank) for found in ranks)


def match_of(key: str, title: TitleCard) -> Match:
    name = title.name_key
    if name == key:
        return "exact"
    if key in title.other_keys:
        return "other_name"
    return "prefix" if key and name.startswith(key) else "text"


def rank(key: str, titles: Iterable[TitleCard], legs: Mapping[str, Sequence[Scored]]) -> list[Ranked]:
    """All candidates in their final order. `key` is the `name_key` of the query; `titles` may repeat."""
    ranks = leg_ranks(legs)
    unique = {title.title_id: title for title in titles}
    ranked = [
        Ranked(title, match_of(key, title), fused_score(found), found)
        for title in unique.values()
        for found in (ranks.get(title.title_id, ()),)
    ]
    return sorted(ranked, key=lambda candidate: _position(key, candidate))


def _position(key: str, candidate: Ranked) -> tuple[float | str, ...]:
    title, name = candidate.title, candidate.title.name_key
    order = _ORDER[candidate.match]
    if candidate.match in ("exact", "other_name"):
        return (order, -title.popularity, -candidate.fused, title.title_id)
    if candidate.match == "prefix":
        inside_word = not name.startswith(f"{key} ")
        return (order, inside_word, len(name), -title.popularity, title.title_id)
    return (order, -candidate.fused, title.title_id)


class FacetCount(Struct, frozen=True):
    value: str
    count: int


Facets = dict[str, tuple[FacetCount, ...]]


def count_facets(titles: Iterable[TitleCard]) -> Facets:
    """How many of `titles` have each value; most first, then by value."""
    counts: dict[str, dict[str, int]] = {facet: {} for facet in FACETS}
    for title in titles:
        for facet in FACETS:
            found = getattr(title, FACET_FIELDS[facet])
            for value in found if isinstance(found, tuple) else (found,):
                if value is not None:
                    counts[facet][str(value)] = counts[facet].get(str(value), 0) + 1
    return {facet: ordered_counts(found) for facet, found in counts.items()}


def ordered_counts(counts: Mapping[str, int]) -> tuple[FacetCount, ...]:
    return tuple(
        FacetCount(value, count) for value, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )
