"""Weights learned without labels: expectation maximisation for the model of Fellegi and Sunter. Pure.

Pairs that share a block are a mixture of two sorts: those of one work (M) and those of two (U). Given the sort, fields
are taken to be independent, each with a distribution over its levels, m and u. Which pairs are which nobody says; the
distributions and the share of M that make the observed levels most likely are found by expectation maximisation
(Winkler, "Using the EM Algorithm for Weight Computation in the Fellegi-Sunter Model of Record Linkage", 1988 and 2000).

- It begins with what weights set by hand make of each pair: else M might become some other sort of pairs.
- Sets of pairs (two catalogues each) have their own share of M; m and u are those of all sets.
- A field that one side does not have says nothing: it is left out of the pair.
- Every level is seen `SMOOTHING` times more often than it was (a Dirichlet prior), so that nothing is impossible.
- u of fields that blocks do not look at can be counted on pairs drawn at random, as Splink does: among pairs of one
  block hardly any are U, and what is rare there is easily taken for U.
- The prior is that of one more pair of catalogues: the mean of the sets' shares, however large they are.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from streams.processors.entity_resolution.evidence import UNKNOWN
from streams.processors.entity_resolution.weighting import Fields

SMOOTHING: Final = 1.0
MOST_ITERATIONS: Final = 1000
TOLERANCE: Final = 1e-7
"""What one iteration must still gain of the logarithm of the likelihood, for each pair."""
LEAST_FIELDS: Final = 3
"""With fewer that vary, many mixtures of two sorts look the same, and which one is found is chance."""
LEAST_RANDOM: Final = 500
"""Random pairs with a field known, from which on its u can be counted on them."""

Pattern = tuple[str, ...]
"""The levels of a pair, in the order of `Observed.fields`."""
Shares = list[dict[str, float]]
"""Of each field, by level: how often it looks so."""


class NothingToLearn(ValueError):
    """Why nothing can be learned from these pairs, for people."""


@dataclass(slots=True)
class Observed:
    """Pairs of one kind, counted by pattern (a pair may count for less than one). `blocked`: those that share a block,
    by set; `random`: some of those that do not."""

    fields: tuple[str, ...]
    blocked: dict[str, dict[Pattern, float]] = field(default_factory=dict)
    random: dict[Pattern, float] = field(default_factory=dict)

    def known(self, name: str) -> dict[str, float]:
        """How many blocked pairs are on each level of a field."""
        return _known(self.fields.index(name), self.blocked.values())


@dataclass(frozen=True, slots=True)
class Learned:
    """By set, `pairs` and how many of them are `matches`, of one work, as expected. `prior`: bits before anything is
    compared. `likelihoods`: their logarithm after each iteration, with the prior's part."""

    pairs: Mapping[str, float]
    matches: Mapping[str, float]
    prior: float
    m: Mapping[str, Mapping[str, float]]
    u: Mapping[str, Mapping[str, float]]
    likelihoods: tuple[float, ...]

    def bits(self, name: str) -> dict[str, float]:
        return {level: math.log2(m / self.u[name][level]) for level, m in self.m[name].items()}


def learn(observed: Observed, start: Fields, prior: float, at_random: frozenset[str] = frozenset()) -> Learned:
    """`start` and `prior`: the weights to begin with. `at_random`: fields whose u is counted on random pairs, where
    there are enough. Raises NothingToLearn."""
    varying = [name for name in observed.fields if len(observed.known(name)) > 1]
    if len(varying) < LEAST_FIELDS:
        named = ", ".join(varying) or "nothing"
        raise NothingToLearn(f"of its fields vary: {named}; {LEAST_FIELDS} must, to tell two sorts of pairs apart")
    return _Model(observed, at_random).run(start, prior)


class _Model:
    def __init__(self, observed: Observed, at_random: frozenset[str]) -> None:
        self.fields = observed.fields
        self.sets = [(name, sorted(counts.items())) for name, counts in sorted(observed.blocked.items()) if counts]
        self.sizes = [sum(count for _, count in patterns) for _, patterns in self.sets]
        self.levels = [sorted(observed.known(name)) for name in self.fields]
        self.fixed: dict[int, dict[str, float]] = {}
        for at, name in enumerate(self.fields):
            seen = _known(at, (observed.random,))
            if name in at_random and sum(seen.values()) >= LEAST_RANDOM:
                self.levels[at] = sorted({*self.levels[at], *seen})
                self.fixed[at] = _normalized({level: seen.get(level, 0.0) + SMOOTHING for level in self.levels[at]})

    def run(self, start: Fields, prior: float) -> Learned:
        belonging = [[self._by_hand(pattern, start, prior) for pattern, _ in patterns] for _, patterns in self.sets]
        shares, m, u = self._maximised(belonging)
        likelihoods: list[float] = []
        while len(likelihoods) < MOST_ITERATIONS:
            belonging, likelihood = self._expected(shares, m, u)
            likelihoods.append(likelihood)
            if len(likelihoods) > 1 and likelihood - likelihoods[-2] < TOLERANCE * sum(self.sizes):
                break
            shares, m, u = self._maximised(belonging)
        names = [name for name, _ in self.sets]
        matches = [share * size for share, size in zip(shares, self.sizes, strict=True)]
        return Learned(
            pairs=dict(zip(names, self.sizes, strict=True)),
            matches=dict(zip(names, matches, strict=True)),
            prior=math.log2(sum(shares) / (len(shares) - sum(shares))),
            m=dict(zip(self.fields, m, strict=True)),
            u=dict(zip(self.fields, u, strict=True)),
            likelihoods=tuple(likelihoods),
        )

    def _by_hand(self, pattern: Pattern, start: Fields, prior: float) -> float:
        bits = (start.get(name, {}).get(level, 0.0) for name, level in zip(self.fields, pattern, strict=True))
        return _probability((prior + sum(bits)) * math.log(2))

    def _expected(self, shares: Sequence[float], m: Shares, u: Shares) -> tuple[list[list[float]], float]:
        """How likely each pattern of each set is of M, and the logarithm of the posterior density."""
        belonging, likelihood = [], 0.0
        for share, (_, patterns) in zip(shares, self.sets, strict=True):
            found = []
            for pattern, count in patterns:
                one = math.log(share) + _logarithm(pattern, m)
                two = math.log1p(-share) + _logarithm(pattern, u)
                found.append(_probability(one - two))
                highest = max(one, two)
                likelihood += count * (highest + math.log(math.exp(one - highest) + math.exp(two - highest)))
            belonging.append(found)
            likelihood += SMOOTHING * (math.log(share) + math.log1p(-share))
        for at in range(len(self.fields)):
            for shape in (m[at],) if at in self.fixed else (m[at], u[at]):
                likelihood += SMOOTHING * sum(math.log(value) for value in shape.values())
        return belonging, likelihood

    def _maximised(self, belonging: Sequence[Sequence[float]]) -> tuple[list[float], Shares, Shares]:
        one = [dict.fromkeys(levels, SMOOTHING) for levels in self.levels]
        two = [dict.fromkeys(levels, SMOOTHING) for levels in self.levels]
        shares = []
        for size, (_, patterns), likely in zip(self.sizes, self.sets, belonging, strict=True):
            matches = 0.0
            for (pattern, count), probability in zip(patterns, likely, strict=True):
                mine = count * probability
                matches += mine
                for at, level in enumerate(pattern):
                    if level != UNKNOWN:
                        one[at][level] += mine
                        two[at][level] += count - mine
            shares.append((matches + SMOOTHING) / (size + 2 * SMOOTHING))
        m = [_normalized(counts) for counts in one]
        return shares, m, [self.fixed.get(at) or _normalized(counts) for at, counts in enumerate(two)]


def _known(at: int, sets: Iterable[Mapping[Pattern, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for counts in sets:
        for pattern, count in counts.items():
            if pattern[at] != UNKNOWN:
                found[pattern[at]] = found.get(pattern[at], 0.0) + count
    return found


def _logarithm(pattern: Pattern, shapes: Shares) -> float:
    return sum(math.log(shapes[at][level]) for at, level in enumerate(pattern) if level != UNKNOWN)


def _normalized(counts: Mapping[str, float]) -> dict[str, float]:
    total = sum(counts.values())
    return {level: count / total for level, count in counts.items()}


def _probability(logarithm: float) -> float:
    """Of natural odds."""
    return 1.0 / (1.0 + math.exp(-max(-700.0, min(700.0, logarithm))))
