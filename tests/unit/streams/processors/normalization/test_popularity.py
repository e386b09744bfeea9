import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.processors.normalization.popularity import IMDB_VOTES, log_scaled


def test_the_ends_of_the_scale() -> None:
    assert log_scaled(0, IMDB_VOTES) == 0
    assert log_scaled(IMDB_VOTES, IMDB_VOTES) == 1
    assert log_scaled(1e12, IMDB_VOTES) == 1


@pytest.mark.parametrize("count", [None, -1.0, float("nan"), float("inf")])
def test_no_count_no_popularity(count: float | None) -> None:
    assert log_scaled(count, IMDB_VOTES) is None


@given(st.floats(min_value=0, max_value=1e9), st.floats(min_value=0, max_value=1e9))
def test_more_votes_are_never_less_popular(one: float, other: float) -> None:
    low, high = log_scaled(min(one, other), IMDB_VOTES), log_scaled(max(one, other), IMDB_VOTES)
    assert low is not None
    assert high is not None
    assert 0 <= low <= high <= 1
