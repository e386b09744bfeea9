"""What there is to go on with, from what was touched: without any store."""

from hypothesis import given
from hypothesis import strategies as st

from query_api.services.sync.continuing import Candidate, Place, entries, groups

SHOWS = st.sampled_from([None, "Tide Tables", "TIDE  tables", "Plain"])


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    titles = draw(st.lists(st.sampled_from("abcdefgh"), unique=True))
    found = []
    for title in titles:
        series = draw(SHOWS)
        found.append(
            Candidate(
                title_id=title,
                finished=series is not None and draw(st.booleans()),
                stamp=draw(st.integers(0, 4)),
                shown_id=draw(st.sampled_from([title, "a"])),
                kind=series and "episode",
                series_name=series,
                season_number=1,
                episode_number=draw(st.integers(1, 3)),
            )
        )
    return found


@given(candidates(), st.dictionaries(st.sampled_from("abcdefgh"), st.just("next")), st.integers(1, 3))
def test_pages_join_up_and_no_series_is_there_twice(
    found: list[Candidate], following: dict[str, str], limit: int
) -> None:
    whole = entries(groups(found), following, None)
    series = [entry.touched.series_name and entry.touched.series_name.lower().split() for entry in whole]
    assert len({str(name) for name in series if name}) == len([name for name in series if name])
    assert [entry.touched.place for entry in whole] == sorted(entry.touched.place for entry in whole)
    paged, after = [], None
    while page := entries(groups(found), following, after)[:limit]:
        paged += page
        after = page[-1].place
    assert paged == whole


@given(candidates())
def test_nothing_unfinished_is_forgotten(found: list[Candidate]) -> None:
    """Without next episodes, every title or series with something unfinished has its entry."""
    unfinished = {tuple(name_of(each)) for each in found if not each.finished}
    assert {tuple(name_of(entry.touched)) for entry in entries(groups(found), {}, None)} == unfinished


def name_of(candidate: Candidate) -> list[str]:
    return candidate.series_name.lower().split() if candidate.series_name else [candidate.shown_id]


def test_series_in_other_letters_are_one_and_films_are_not() -> None:
    def touched(title: str, stamp: int, series: str | None) -> Candidate:
        return Candidate(
            title_id=title, finished=False, stamp=stamp, shown_id=title, kind="episode", series_name=series
        )

    found = [touched("a", 1, "Été"), touched("b", 2, "ete"), touched("c", 3, None), touched("d", 3, "  ")]
    assert [entry.title_id for entry in entries(groups(found), {}, None)] == ["c", "d", "b"]


def test_an_entry_s_place_is_that_of_what_was_touched() -> None:
    seen = Candidate(
        title_id="z", finished=True, stamp=2**62, shown_id="z", kind="episode", series_name="S", episode_number=1
    )
    (entry,) = entries(groups([seen]), {"z": "next"}, None)
    assert (entry.title_id, entry.reason, entry.place) == ("next", "next_episode", Place(2**62, "z"))
    assert entries(groups([seen]), {"z": "next"}, entry.place) == []
