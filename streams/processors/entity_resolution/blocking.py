"""Item to blocking keys: which titles are worth scoring. Pure.

A block is a signed 64-bit hash of text, with the year beside it, because the year is matched as a window (±1) and not
for equality. Two items that may link must share a block: the blocks are also what workers lock (`stripes`), so a pair
without a common block could be made into two titles by two workers.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple

from streams.processors.entity_resolution.features import Features, IdKey
from streams.processors.entity_resolution.names import compact, skeleton

STRIPES = 1024
PREFIX = 9
"""Letters of a name that near misses share: subtitles, sequels and typing errors come late in a name.
Nine find as many of the true pairs as seven do, among a fraction of the candidates."""

BONES = 5
"""Letters of a skeleton that say something: shorter ones are shared by too many names."""


class Entry(NamedTuple):
    """A title stands in a block under a year; 0 means that the year is unknown or does not narrow the block."""

    block: int
    year: int


def blocks(features: Features) -> tuple[int, ...]:
    """Blocks of an item, without repetitions, in a stable order."""
    if features.blocks is None:
        features.blocks = tuple(dict.fromkeys(hashed(text) for text in _texts(features)))
    return features.blocks


def year_of(features: Features) -> int:
    """Films are dated by their release, give or take a year. Series are dated by their first or their newest season,
    depending on the provider, so that their year may not narrow a block."""
    if features.kind == "movie" and features.year is not None and 0 < features.year < 10_000:
        return features.year
    return 0


def entries(features: Features) -> frozenset[Entry]:
    year = year_of(features)
    return frozenset(Entry(block, year) for block in blocks(features))


def hashed(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


def stripes(block_ids: Iterable[int], id_keys: Iterable[IdKey], items: Iterable[tuple[str, str]]) -> list[int]:
    """Sorted lock stripes of everything that decides about these items.

    1,024 stripes and not one lock a key: PostgreSQL's shared lock table has room for max_locks_per_transaction (64)
    times max_connections locks, and a batch of 1,000 items has some 6,000 keys. Two works that share a stripe wait for
    each other, which costs time and never correctness.
    """
    found = {block % STRIPES for block in block_ids}
    found.update(hashed("\x1f".join(("id", *key))) % STRIPES for key in id_keys)
    found.update(hashed("\x1f".join(("item", *key))) % STRIPES for key in items)
    return sorted(found)


def _texts(features: Features) -> Iterable[str]:
    kind = features.kind
    if kind in {"season", "episode"}:
        yield from _numbered(features)
        return
    if kind in {"track", "album"} and features.cast:
        for artist in sorted(features.cast)[:4]:
            for name in features.names:
                yield f"{kind}|{compact(name.full)}|{artist}"
        return
    for name in features.names:
        whole = compact(name.full)
        yield f"{kind}|{whole}"
        yield f"{kind}|{compact(name.head)}"
        words = name.full.split()
        if len(words) > 1:
            yield f"{kind}|{''.join(sorted(words))}"
    for name in features.main:
        whole = compact(name.full)
        if len(whole) >= PREFIX:
            yield f"{kind}~{whole[:PREFIX]}"
        if len(bones := skeleton(name.full)) >= BONES:
            yield f"{kind}^{bones}"


def _numbered(features: Features) -> Iterable[str]:
    season, episode = features.number
    series = features.series
    if series is not None and season is not None and (features.kind == "season" or episode is not None):
        yield f"{features.kind}|{compact(series)}|{season}|{episode if features.kind == 'episode' else ''}"
    if features.kind == "episode":
        if series is None and season is not None and episode is not None:
            yield f"episode~{season}|{episode}|{features.year}"
        for name in features.main:
            yield f"episode|{compact(series or '')}|{compact(name.full)}"
