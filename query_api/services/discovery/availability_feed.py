"""Reads what became of offers since a cursor.

A cursor is the next offset of each partition of the log: rows are written in the order of the log, together with the
position, so "at or above the offset" misses nothing and repeats nothing, also across rebuilds of the read model.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from query_api.reading import snapshot
from runtime.connections.postgres import AsyncPool
from runtime.http.problems import CURSOR_TOO_OLD, Problem
from runtime.sql import beside
from schemas.read_models.availability_changes import KEPT_DAYS, READ_MODEL, AvailabilityChange, Change

MOST_DAYS: Final = KEPT_DAYS - 1
_DAY_SECONDS: Final = 86_400
_SQL = beside(__file__)
_DECODER: Final = msgspec.json.Decoder(AvailabilityChange)


class FeedCursor(Struct, frozen=True, array_like=True):
    """`issued` in whole seconds since 1970; `offsets` the next one by partition. A partition that is not named is read
    from its oldest row."""

    issued: int = 0
    offsets: dict[int, int] = {}

    def check(self, now: datetime, positions: Mapping[int, int]) -> None:
        """Raises Problem (410, cursor-too-old)."""
        if self.offsets and now.timestamp() - self.issued > MOST_DAYS * _DAY_SECONDS:
            raise Problem(CURSOR_TOO_OLD, f"It was issued more than {MOST_DAYS} days ago.")
        if any(offset > positions.get(partition, 0) for partition, offset in self.offsets.items()):
            raise Problem(CURSOR_TOO_OLD, "It comes from another database, or from before this one was restored.")


class FeedFilters(Struct, frozen=True):
    """None means any."""

    region: str | None = None
    provider: str | None = None
    title_id: str | None = None
    change: Change | None = None


class FeedPage(Struct, frozen=True):
    changes: tuple[AvailabilityChange, ...]
    cursor: FeedCursor
    """Past these."""
    more: bool
    """True when there are more already."""


class _Found(NamedTuple):
    partition: int
    offset: int
    change: AvailabilityChange


class AvailabilityFeed:
    def __init__(self, pool: AsyncPool) -> None:
        self._pool = pool

    async def page(self, since: FeedCursor | None, filters: FeedFilters, limit: int, now: datetime) -> FeedPage:
        """At most `limit` changes since the cursor; None is the end of the feed: nothing, and where to go on.

        Raises Problem: 410 (cursor-too-old), 503 when the database is away.
        """
        issued = int(now.timestamp())
        async with snapshot(self._pool) as read:
            standing = await read(_SQL["feed_positions"], {"read_model": READ_MODEL})
            positions = {row["partition"]: row["next"] for row in standing}
            if since is None:
                return FeedPage((), FeedCursor(issued, positions), False)
            since.check(now, positions)
            starts = {partition: since.offsets.get(partition, 0) for partition in positions}
            wanted = {
                **msgspec.structs.asdict(filters),
                "partitions": list(starts),
                "offsets": list(starts.values()),
                "limit": limit + 1,
            }
            found = await read(_SQL["feed_changes"], wanted)
        by_partition: dict[int, list[_Found]] = {partition: [] for partition in positions}
        for row in found:
            change = _DECODER.decode(row["document"])
            by_partition[row["partition"]].append(_Found(row["partition"], row["log_offset"], change))
        shown = _oldest(by_partition.values(), limit)
        offsets = dict(positions)  # what is behind the last match of a filter need not be looked at again
        left = len(found) - len(shown)
        if left:
            taken: dict[int, int] = {}
            for each in shown:
                taken[each.partition] = taken.get(each.partition, 0) + 1
            for partition, candidates in by_partition.items():
                if len(candidates) > taken.get(partition, 0):
                    offsets[partition] = candidates[taken.get(partition, 0)].offset
        return FeedPage(tuple(each.change for each in shown), FeedCursor(issued, offsets), left > 0)


def _oldest(partitions: Iterable[Sequence[_Found]], limit: int) -> list[_Found]:
    """The first ones of all partitions, by time as far as the order within each allows."""
    merged = heapq.merge(*map(_timed, partitions), key=lambda pair: pair[0])
    return [each for _, each in zip(range(limit), (found for _, found in merged), strict=False)]


def _timed(partition: Sequence[_Found]) -> Iterator[tuple[tuple[datetime, int], _Found]]:
    newest: datetime | None = None
    for each in partition:
        at = each.change.occurred_at
        newest = at if newest is None or at > newest else newest
        yield (newest, each.partition), each
