"""Read your writes: commands answer `MG-Position`, queries wait for `MG-After`."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from runtime.http import shedding
from runtime.http.problems import INVALID_POSITION, READ_MODEL_BEHIND, Problem, parameter_error

POSITION_HEADER = "MG-Position"
AFTER_HEADER = "MG-After"
_MOST_POSITIONS = 16
_FIRST_WAIT = 0.005
_LONGEST_WAIT = 0.025
_GROWTH = 1.25
"""Slow: on average an answer comes half a pause after its position, and most positions are there within 60 ms."""


class LogPosition(NamedTuple):
    """A message's place. Its text form is `topic:partition:offset`."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}:{self.partition}:{self.offset}"


NextOffsets = Mapping[tuple[str, int], int]
"""How far a read model is: next offset to read by (topic, partition)."""


def newest(positions: Iterable[LogPosition]) -> tuple[LogPosition, ...]:
    """The highest offset of each partition: waiting for those is waiting for all."""
    highest: dict[tuple[str, int], int] = {}
    for topic, partition, offset in positions:
        highest[topic, partition] = max(offset, highest.get((topic, partition), -1))
    return tuple(LogPosition(topic, partition, offset) for (topic, partition), offset in sorted(highest.items()))


def format_positions(positions: Iterable[LogPosition]) -> str:
    return ", ".join(str(position) for position in positions)


def parse_positions(text: str | None) -> tuple[LogPosition, ...]:
    """Of an MG-After header; nothing for None or an empty one. Raises Problem (400, invalid-position)."""
    if not text or not text.strip():
        return ()
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > _MOST_POSITIONS:
        raise parameter_error(AFTER_HEADER, f"more than {_MOST_POSITIONS} positions", INVALID_POSITION)
    return newest(_parse(part) for part in parts)


async def wait_until(
    read: Callable[[], Awaitable[NextOffsets]],
    positions: Collection[LogPosition],
    seconds: float,
    *,
    topics: Collection[str] | None = None,
) -> None:
    """Returns once the read model is past every position.

    `topics` are those the read model is made of; a position of another topic is refused (400) since no waiting would
    help. Raises Problem (503, read-model-behind) when `seconds` are over.
    """
    if not positions:
        return
    if topics is not None:
        for position in positions:
            if position.topic not in topics:
                raise parameter_error(AFTER_HEADER, f"{position.topic[:64]} does not feed this", INVALID_POSITION)
    ends, pause = time.monotonic() + seconds, _FIRST_WAIT
    while True:
        at = await read()
        missing = [found for found in positions if at.get((found.topic, found.partition), 0) <= found.offset]
        if not missing:
            return
        if time.monotonic() + pause > ends:
            raise Problem(
                READ_MODEL_BEHIND, f"not after {seconds:g} s: {format_positions(missing)}", retry_after_seconds=1
            )
        with shedding.aside():
            await asyncio.sleep(pause)
        pause = min(pause * _GROWTH, _LONGEST_WAIT)


def _parse(text: str) -> LogPosition:
    topic, _, rest = text.rpartition(":")
    topic, _, partition = topic.rpartition(":")
    # isdecimal() alone lets other scripts' digits in; no Kafka offset has more than 19 digits.
    if topic and all(part.isascii() and part.isdecimal() and len(part) < 20 for part in (partition, rest)):
        return LogPosition(topic, int(partition), int(rest))
    raise parameter_error(AFTER_HEADER, "must be topic:partition:offset, several separated by commas", INVALID_POSITION)
