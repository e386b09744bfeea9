"""A provider's count as 0 to 1 on a log scale: ten times the votes is one step up, wherever one stands."""

import math
from typing import Final

IMDB_VOTES: Final = 3_000_000.0
"""Votes on IMDb that count as 1: the most voted film has 2.7 million."""
TMDB_POPULARITY: Final = 5_000.0
"""TMDB's popularity that counts as 1: blockbusters in their first week reach 3,000 to 5,000."""
CRITIC_REVIEWS: Final = 400.0
"""Reviews by critics that count as 1: the most reviewed film has 388."""


def log_scaled(count: float | None, ceiling: float) -> float | None:
    """log(1 + count) / log(1 + ceiling), at most 1, to four digits so that noise does not change content hashes."""
    if count is None or not math.isfinite(count) or count < 0:
        return None
    return round(min(1.0, math.log1p(count) / math.log1p(ceiling)), 4)
