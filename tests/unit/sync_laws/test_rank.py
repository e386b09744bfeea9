from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_laws.rank import DIGITS, FIRST, MOST_CHARACTERS, RankError, between, is_rank, spread


def _integer(head: str, digits: str) -> str:
    length = ord(head) - ord("a") + 1 if head >= "a" else ord("Z") - ord(head) + 1
    return head + (digits * length)[:length]


_integers = st.builds(
    _integer,
    st.sampled_from("ABCYZabcyz"),
    st.text(DIGITS, min_size=1, max_size=4) | st.sampled_from(["0", "z", "00z", "zz0"]),
)
_fractions = st.just("") | st.text(DIGITS, max_size=6).map(lambda text: (text + "V") if text.endswith("0") else text)
ranks = st.builds(str.__add__, _integers, _fractions).filter(is_rank)
"""Of every length on both sides of zero, many near the ends of an integer part."""


@given(one=ranks, other=ranks)
def test_between_any_two_is_room(one: str, other: str) -> None:
    lower, upper = sorted((one, other))
    if lower == upper:
        with pytest.raises(RankError, match="not below"):
            between(lower, upper)
        return
    found = between(lower, upper)
    assert lower < found < upper
    assert is_rank(found)


@given(bound=ranks)
def test_above_and_below_any_is_room(bound: str) -> None:
    above, below = between(bound, None), between(None, bound)
    assert below < bound < above
    assert is_rank(above)
    assert is_rank(below)


@given(one=ranks, other=ranks)
def test_ranks_sort_alike_as_text_and_as_bytes(one: str, other: str) -> None:
    """PostgreSQL (collation C), SQLite (BINARY) and Python must agree."""
    assert (one < other) is (one.encode() < other.encode())


@pytest.mark.parametrize("prepending", [False, True])
def test_a_list_filled_from_one_end_keeps_short_ranks(prepending: bool) -> None:
    rank, seen = FIRST, [FIRST]
    for _ in range(10_000):
        rank = between(None, rank) if prepending else between(rank, None)
        seen.append(rank)
    assert seen == sorted(set(seen), reverse=prepending)
    assert max(map(len, seen)) < 8


@pytest.mark.parametrize("seed", range(5))
def test_insertions_anywhere_keep_the_order(seed: int) -> None:
    random, held = Random(seed), [FIRST]
    for _ in range(3_000):
        place = random.randint(0, len(held))
        lower = held[place - 1] if place else None
        upper = held[place] if place < len(held) else None
        held.insert(place, between(lower, upper))
    assert held == sorted(set(held))
    assert all(map(is_rank, held))
    assert max(map(len, held)) < 40


@pytest.mark.parametrize("downwards", [False, True])
def test_insertions_at_one_place_end_with_an_error_and_not_with_a_wrong_rank(downwards: bool) -> None:
    lower, upper, made = "a0", "a1", 0

    def insert_until_full() -> None:
        nonlocal lower, upper, made
        for _ in range(100 * MOST_CHARACTERS):
            found = between(lower, upper)
            assert lower < found < upper
            lower, upper = (lower, found) if downwards else (found, upper)
            made += 1

    with pytest.raises(RankError, match="no room"):
        insert_until_full()
    assert made > MOST_CHARACTERS


@given(lower=st.none() | ranks, upper=st.none() | ranks, count=st.integers(0, 60))
def test_many_at_once_are_in_order_between_the_bounds(lower: str | None, upper: str | None, count: int) -> None:
    if lower is not None and upper is not None and lower >= upper:
        return
    found = spread(lower, upper, count)
    whole = [*([lower] if lower else []), *found, *([upper] if upper else [])]
    assert len(found) == count
    assert whole == sorted(set(whole))
    assert all(map(is_rank, found))


def test_many_between_neighbours_stay_short() -> None:
    assert max(map(len, spread("a0", "a1", 10_000))) <= 6


NO_RANKS = [
    "", "a", "0", "a0 ", "a-", "é0", "a00", "a0V0", "b0", "A" + "0" * 26, "z" * 27 + "V" * MOST_CHARACTERS,
    "a0\n", "Zé",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_RANKS)
def test_what_is_no_rank_is_refused_as_a_bound(text: str) -> None:
    assert not is_rank(text)
    for bounds in ((text, None), (None, text), ("a0", text)):
        with pytest.raises(RankError, match=r"not a rank|is not below"):
            between(*bounds)


@given(text=st.text(max_size=8) | st.text(DIGITS, max_size=40))
def test_anything_is_either_refused_or_has_room_around_it(text: str) -> None:
    if is_rank(text):
        assert between(None, text) < text < between(text, None)


@pytest.mark.parametrize(("lower", "upper"), [("a1", "a0"), ("a0", "a0"), ("b00", "Zz")])
def test_bounds_in_the_wrong_order_are_refused(lower: str, upper: str) -> None:
    with pytest.raises(RankError, match="is not below"):
        between(lower, upper)
