"""Ids and ranks of points."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from schemas.read_models import title_search


@given(st.text())
def test_every_title_id_has_a_uuid_of_its_own(title_id: str) -> None:
    assert uuid.UUID(title_search.point_id(title_id))


def test_a_uuid_stays_itself() -> None:
    title_id = "0199aa00-0000-7000-8000-000000000001"
    assert title_search.point_id(title_id) == title_id


@given(st.floats(0, 1), st.floats(0, 1), st.uuids())
def test_rank_follows_popularity_and_survives_json(one: float, other: float, title_id: uuid.UUID) -> None:
    ranks = [title_search.browse_rank(popularity, str(title_id)) for popularity in (one, other)]
    if abs(one - other) > 0.0002:
        assert (ranks[0] < ranks[1]) == (one < other)
    assert all(int(float(rank)) == rank for rank in ranks)


def test_decades() -> None:
    assert [title_search.decade(year) for year in (1994, 2000, 9, None)] == [1990, 2000, 0, None]
