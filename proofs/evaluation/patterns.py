"""Patterns of agreement to learn weights from: pairs of items of two files, as the product normalizes, blocks and
compares them. Nothing here knows which pairs are of one work."""

import math
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

from proofs.evaluation.manifest import Data
from schemas.types.catalog import Kind
from streams.processors.entity_resolution.blocking import blocks, year_of
from streams.processors.entity_resolution.evidence import UNKNOWN
from streams.processors.entity_resolution.features import Features
from streams.processors.entity_resolution.learning import Observed, Pattern
from streams.processors.entity_resolution.scoring import compare, veto
from streams.processors.entity_resolution.workspace import MAX_CANDIDATES

SEED: Final = 1
RANDOM_PAIRS: Final = 20_000
"""Of each kind and manifest, at most."""
_DRAWS: Final = 40
"""Pairs drawn for each that is wanted: most are of years or numbers that are never compared."""

Items = Sequence[Features]
Fields = Mapping[Kind, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Set:
    """The items of two files. `chosen`: they stand side by side, as the pairs that somebody chose."""

    name: str
    left: Items
    right: Items
    chosen: bool = False


@dataclass(slots=True)
class Seen:
    """What was seen of one kind. `frequencies`: over pairs whose names agree, the sum of the logarithms of how many
    candidates have the name, and how many pairs these are."""

    observed: Observed
    frequencies: list[float] = field(default_factory=lambda: [0.0, 0.0])

    @property
    def namesakes(self) -> float:
        """Of a pair whose names agree: how many candidates have the name (geometric mean)."""
        logarithms, pairs = self.frequencies
        return float(2.0 ** (logarithms / pairs)) if pairs else 1.0


def observe(data: Data, fields: Fields, seen: dict[Kind, Seen]) -> None:
    """Add the pairs of each two files of a manifest. The same data gives the same patterns."""
    sets = list(_sets(data))
    for kind, names in fields.items():
        found = seen.setdefault(kind, Seen(Observed(names)))
        of_kind = [_of_kind(one, kind) for one in sets]
        for one in of_kind:
            _count(one, names, found)
        # Not for secrets: the same pairs each time.
        for pair in _drawn(of_kind, random.Random(f"{SEED} {data.name} {kind}")):
            pattern = _pattern(*pair, names)
            found.observed.random[pattern] = found.observed.random.get(pattern, 0.0) + 1.0


def _count(one: Set, names: Sequence[str], found: Seen) -> None:
    """Each item has one vote, shared by its candidates: else a placeholder that stands for a hundred names ("Serial")
    would say more about names than ten thousand films do."""
    counts: dict[Pattern, float] = {}
    for item, candidates in _candidates(one):
        vote = 1.0 / len(candidates)
        namesakes = sum(not item.main_keys.isdisjoint(other.main_keys) for other in candidates)
        if namesakes:
            found.frequencies[0] += vote * namesakes * math.log2(namesakes)
            found.frequencies[1] += vote * namesakes
        for other in candidates:
            pattern = _pattern(item, other, names)
            counts[pattern] = counts.get(pattern, 0.0) + vote
    if counts:
        found.observed.blocked[one.name] = counts


def _pattern(left: Features, right: Features, fields: Sequence[str]) -> Pattern:
    found = {name: level for name, level, _ in compare(left, right)}
    return tuple(found.get(name, UNKNOWN) for name in fields)


def _sets(data: Data) -> Iterator[Set]:
    if data.pairs:
        left, right = [Features(pair[0]) for pair in data.pairs], [Features(pair[1]) for pair in data.pairs]
        yield Set(data.name, left, right, chosen=True)
        return
    files: dict[int, list[Features]] = defaultdict(list)
    for one in data.items:
        files[one.file].append(Features(one.item))
    providers = {one.file: one.provider for one in data.items}
    for at, other in combinations(files, 2):
        yield Set(f"{data.name}: {providers[at]}, {providers[other]}", files[at], files[other])


def _of_kind(one: Set, kind: Kind) -> Set:
    if one.chosen:
        pairs = [pair for pair in zip(one.left, one.right, strict=True) if {side.kind for side in pair} == {kind}]
        return Set(one.name, [pair[0] for pair in pairs], [pair[1] for pair in pairs], chosen=True)
    left, right = ([item for item in side if item.kind == kind] for side in (one.left, one.right))
    return Set(one.name, left, right)


def _candidates(one: Set) -> Iterator[tuple[Features, Items]]:
    """Items of the first file with those of the second that share a block and may be the same."""
    for item, others in _side_by_side(one) if one.chosen else _in_blocks(one):
        if kept := [other for other in others if veto(item, other, ignore_ids=True) is None]:
            yield item, kept


def _side_by_side(one: Set) -> Iterator[tuple[Features, list[Features]]]:
    yield from ((item, [other]) for item, other in zip(one.left, one.right, strict=True))


def _in_blocks(one: Set) -> Iterator[tuple[Features, list[Features]]]:
    index: dict[int, list[int]] = defaultdict(list)
    for place, item in enumerate(one.right):
        for block in blocks(item):
            index[block].append(place)
    for item in one.left:
        places: set[int] = set()
        for block in blocks(item):
            near = [place for place in index.get(block, ()) if _in_window(item, one.right[place])]
            places.update(near[:MAX_CANDIDATES])
        yield item, [one.right[place] for place in sorted(places)]


def _in_window(one: Features, other: Features) -> bool:
    year, near = year_of(one), year_of(other)
    return not year or not near or abs(year - near) <= 1


def _drawn(sets: Sequence[Set], source: random.Random) -> Iterator[tuple[Features, Features]]:
    """Pairs drawn at random, evenly from all of the sets, of those that may be compared at all and share no block.
    None for pairs that somebody chose: they are alike in whatever he looked at."""
    sizes = [0 if one.chosen else len(one.left) * len(one.right) for one in sets]
    if not sum(sizes):
        return
    wanted = RANDOM_PAIRS
    for one in source.choices(sets, sizes, k=RANDOM_PAIRS * _DRAWS):
        left, right = source.choice(one.left), source.choice(one.right)
        if not _in_window(left, right) or veto(left, right, ignore_ids=True) is not None:
            continue
        if set(blocks(left)).isdisjoint(blocks(right)):
            yield left, right
            wanted -= 1
            if not wanted:
                return
