"""Cursors belong to one query."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.http import problems
from runtime.http.paging import checked_limit, decode_cursor, encode_cursor
from runtime.http.problems import Problem

QUERY = {"q": "metropolis", "kind": ["movie"], "year": None}


class Start(msgspec.Struct, frozen=True, array_like=True):
    at: datetime
    id: str


START = Start(datetime(2026, 1, 1, tzinfo=UTC), "id-1")
CURSOR = encode_cursor(QUERY, START)


def test_a_cursor_gives_back_where_the_page_starts() -> None:
    assert decode_cursor(QUERY, CURSOR, Start) == START


def test_absent_parameters_and_order_do_not_matter() -> None:
    assert decode_cursor({"kind": ["movie"], "q": "metropolis"}, CURSOR, Start) == START


@pytest.mark.parametrize("query", [{}, {"q": "metropolis"}, {**QUERY, "q": "metropoli"}, {**QUERY, "year": 1927}])
def test_a_cursor_of_another_query_is_refused(query: dict[str, object]) -> None:
    with pytest.raises(Problem) as caught:
        decode_cursor(query, CURSOR, Start)
    assert caught.value.type is problems.INVALID_CURSOR


@pytest.mark.parametrize("cursor", ["", "x", CURSOR[:-1], CURSOR + "A", CURSOR[4:], "\N{SNOWMAN}", "=" * 8, "A" * 3000])
def test_a_damaged_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Problem):
        decode_cursor(QUERY, cursor, Start)


def test_a_cursor_of_another_shape_is_refused() -> None:
    with pytest.raises(Problem):
        decode_cursor(QUERY, CURSOR, int)


@given(st.text(max_size=100))
def test_no_text_is_an_error_of_ours(cursor: str) -> None:
    with pytest.raises(Problem):
        decode_cursor(QUERY, cursor, Start)


def test_limits_are_refused_not_cut() -> None:
    assert checked_limit(100, 100) == 100
    for limit in (0, -1, 101):
        with pytest.raises(Problem):
            checked_limit(limit, 100)
