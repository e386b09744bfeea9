"""score = completeness * freshness, both in [0, 1]; `queries.sql` computes it with what stands here.

Completeness is the share of what a title of its kind could say, by weight. Freshness is max(exp(-0.01 * days), 0.5), in
whole days since the title last changed. So a full title that changed today has 1, after 30 days 0.741, after 70 days
and for ever 0.5.
"""

from collections.abc import Mapping
from typing import Final

WEIGHTS: Final[Mapping[str, float]] = {
    "overview": 0.15,
    "poster": 0.15,
    "backdrop": 0.10,
    "year": 0.05,
    "runtime": 0.05,
    "genres": 0.10,
    "popularity": 0.15,
    "externalIds": 0.10,
}
"""Of the predecessor's scorer. Popularity stands where it had a rating, which no provider's title has here; the weight
that it gave to freshness is the decay."""
NOT_OF_MUSIC: Final = frozenset({"overview", "backdrop"})
"""What tracks and albums need not have."""
DECAY_A_DAY: Final = 0.01
LEAST_FRESHNESS: Final = 0.5
BUCKETS: Final = (0.2, 0.4, 0.6, 0.8, 1.0)
"""Upper bounds, inclusive."""


def parameters() -> dict[str, object]:
    return {
        "fields": list(WEIGHTS),
        "weights": list(WEIGHTS.values()),
        "whole": sum(WEIGHTS.values()),
        "whole_of_music": sum(weight for name, weight in WEIGHTS.items() if name not in NOT_OF_MUSIC),
        "decay": DECAY_A_DAY,
        "least": LEAST_FRESHNESS,
        "buckets": len(BUCKETS),
    }
