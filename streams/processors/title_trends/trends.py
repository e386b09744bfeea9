"""The counts of all partitions added up, and what of it is worth publishing. No I/O, no clock."""

import hashlib
import heapq
import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from runtime.clock import from_milliseconds
from schemas.envelope import derived_id
from schemas.read_models.trending import EVERYWHERE, WINDOWS
from schemas.types.discovery import TrendingTitle, TrendingUpdated
from streams.processors.title_trends.state import STEP_MS, STEPS, Counts, Plays, end_of

MOST_TITLES: Final = 100
_DIGITS: Final = 6
# A play counts half after a quarter of the window: by age in steps, 0 for the step that the window ends with.
_WEIGHTS: Final = tuple(0.5 ** (age / (STEPS / 4)) for age in range(STEPS))

_Published = tuple[int, tuple[TrendingTitle, ...]]
_NOTHING: Final[_Published] = (0, ())


class Trends:
    """Whole counts only, added in any order, so that the result does not depend on who owned which partition when.

    Scores are computed anew from them (`fsum`, which does not depend on the order either).
    """

    def __init__(self) -> None:
        self._parts: dict[str, dict[tuple[str, int], Counts]] = {}
        """By title: counts by region and partition."""
        self._sums: dict[str, dict[str, Counts]] = {}
        """By region, and by title in it."""
        self._changed: dict[str, set[str]] = {}
        """Titles by region."""
        self._published: dict[tuple[str, int], _Published] = {}

    def saw(self, _table: str, partition: int, key: bytes, state: Any) -> None:
        region, _, title_id = key.decode().partition("/")
        parts = self._parts.setdefault(title_id, {})
        if isinstance(state, Plays):
            parts[region, partition] = state.counts
        else:
            parts.pop((region, partition), None)
        self._changed.setdefault(region, set()).add(title_id)
        self._changed.setdefault(EVERYWHERE, set()).add(title_id)

    def publish(self, now: int) -> Sequence[TrendingUpdated]:
        """One event for every region and window whose titles, scores or end are others than last time."""
        changed, self._changed = self._changed, {}
        for region, titles in changed.items():
            self._add_up(region, titles)
        made = []
        for region, counts in self._sums.items():
            for window, name in enumerate(WINDOWS):
                end = end_of(window, now)
                known = self._published.get((region, window), _NOTHING)
                if region not in changed and end == known[0]:
                    continue
                found = (end, _top(counts, window, end))
                if found != known and (found[1] or known[1]):
                    made.append(_updated(region, name, end * STEP_MS[window], found[1], now))
                self._published[region, window] = found
        return made

    def _add_up(self, region: str, titles: Iterable[str]) -> None:
        sums = self._sums.setdefault(region, {})
        for title_id in titles:
            parts = self._parts.get(title_id, {})
            found = [counts for (where, _), counts in parts.items() if region in (where, EVERYWHERE)]
            if found:
                sums[title_id] = _added(found)
            else:
                sums.pop(title_id, None)
            if not parts:
                self._parts.pop(title_id, None)


def _added(parts: Iterable[Counts]) -> Counts:
    total: Counts = tuple({} for _ in STEP_MS)
    for counts in parts:
        for of_all, steps in zip(total, counts, strict=True):
            for step, plays in steps.items():
                of_all[step] = of_all.get(step, 0) + plays
    return total


def _top(titles: dict[str, Counts], window: int, end: int) -> tuple[TrendingTitle, ...]:
    """Best first; equal scores in the order of ids."""
    found = []
    for title_id, counts in titles.items():
        ages = [(end - 1 - step, plays) for step, plays in counts[window].items() if 0 < end - step <= STEPS]
        if ages:
            score = round(math.fsum(plays * _WEIGHTS[age] for age, plays in ages), _DIGITS)
            found.append((-score, title_id, sum(plays for _, plays in ages)))
    best = heapq.nsmallest(MOST_TITLES, found)
    return tuple(TrendingTitle(title_id=title, score=-score, plays=plays) for score, title, plays in best)


def _updated(region: str, window: str, end: int, titles: tuple[TrendingTitle, ...], now: int) -> TrendingUpdated:
    digest = hashlib.sha256(msgspec.msgpack.encode(titles)).hexdigest()
    return TrendingUpdated(
        event_id=derived_id(f"{region}/{window}/{end}", "title_trends", digest),
        occurred_at=from_milliseconds(now),
        region=region,
        window=window,
        window_end=from_milliseconds(end),
        titles=titles,
    )
