"""Weights learned without labels: expectation maximisation for the model of Fellegi and Sunter. Pure.

Pairs that share a block are a mixture of two sorts: those of one work (M) and those of two (U). Given the sort, fields
are taken to be independent, each with a distribution over its levels, m and u. Which pairs are which nobody says; the
distributions and the share of M that make the observed patterns of levels most likely are found by expectation
maximisation (Winkler, "Using the EM Algorithm for Weight Computation in the Fellegi-Sunter Model of Record Linkage",
1988 and 2000). Beginning with what weights set by hand say keeps M from becoming some other sort of pairs.

- Sets of pairs (two catalogues each) have their own share of M: it depends on what they carry, m and u do not.
- A field that one side does not have says nothing: it is left out of the pair, and counts for nothing.
- u of fields that blocks look at is learned with the rest; for others it may be counted on pairs drawn at random, of
  which practically none are of one work (as Splink does), and stays.
- Every level is seen `SMOOTHING` times more often than it was (a Dirichlet prior), so that nothing is impossible.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from streams.processors.entity_resolution.evidence import UNKNOWN
from streams.processors.entity_resolution.weighting import Fields

SMOOTHING: Final = 1.0
MOST_ITERATIONS: Final = 1000
TOLERANCE: Final = 1e-7
"""Natural logarithm of likelihood a pair gained in one iteration, from which on no more is to be learned."""
LEAST_RANDOM: Final = 500
"""Random pairs with the field known, from which on its u is counted on them."""

Pattern = tuple[str, ...]
"""The levels of a pair, in the order of `Observed.fields`."""
Shares = dict[str, dict[str, float]]
"""By field and level: how often it looks so."""


@dataclass(slots=True)
class Observed:
    """Pairs of one kind, counted by pattern. `blocked` by set; `random` are drawn from all pairs that may be compared."""

    fields: tuple[str, ...]
    blocked: dict[str, dict[Pattern, int]] = field(default_factory=dict)
    random: dict[Pattern, int] = field(default_factory=dict)

    def known(self, name: str) -> dict[str, int]:
        """How many blocked pairs are on each level of a field."""
        return _known(self.fields.index(name), self.blocked.values())


@dataclass(frozen=True, slots=True)
class Learned:
    """`shares`: of M among the pairs of each set. `likelihoods`: after each iteration, with the prior's part."""

    shares: Mapping[str, float]
    share: float
    m: Shares
    u: Shares
    likelihoods: tuple[float, ...]

    @property
    def prior(self) -> float:
        """Bits for a pair to be of one work before anything is compared."""
        return math.log2(self.share / (1.0 - self.share))

    def bits(self, name: str) -> dict[str, float]:
        return {level: math.log2(m / self.u[name][level]) for level, m in self.m[name].items()}


def learn(observed: Observed, start: Fields, prior: float, counted: frozenset[str] = frozenset()) -> Learned:
    """`start` and `prior`: weights to begin with. `counted`: fields whose u comes from random pairs, if there are
    enough. Raises ValueError when there are no pairs."""
    return _Model(observed, counted).run(start, prior)


class _Model:
    def __init__(self, observed: Observed, counted: frozenset[str]) -> None:
        self.fields = observed.fields
        self.sets = [(name, sorted(counts.items())) for name, counts in sorted(observed.blocked.items()) if counts]
        self.pairs = sum(count for _, patterns in self.sets for _, count in patterns)
        if not self.pairs:
            raise ValueError("there are no pairs to learn from")
        self.levels = [sorted(observed.known(name)) for name in self.fields]
        self.fixed: dict[int, dict[str, float]] = {}
        for at, name in enumerate(self.fields):
            seen = _known(at, (observed.random,))
            if name in counted and sum(seen.values()) >= LEAST_RANDOM:
                self.levels[at] = sorted({*self.levels[at], *seen})
                self.fixed[at] = _smoothed({level: float(seen.get(level, 0)) for level in self.levels[at]})

    def run(self, start: Fields, prior: float) -> Learned:
        belonging = [
            [_probability((prior + self._hand(start, pattern)) * math.log(2)) for pattern, _ in patterns]
            for _, patterns in self.sets
        ]
        shares, m, u = self._maximised(belonging)
        likelihoods: list[float] = []
        while len(likelihoods) < MOST_ITERATIONS:
            belonging, likelihood = self._expected(shares, m, u)
            likelihoods.append(likelihood)
            if len(likelihoods) > 1 and likelihood - likelihoods[-2] < TOLERANCE * self.pairs:
                break
            shares, m, u = self._maximised(belonging)
        names = [name for name, _ in self.sets]
        totals = [sum(count for _, count in patterns) for _, patterns in self.sets]
        return Learned(
            shares=dict(zip(names, shares, strict=True)),
            share=sum(share * total for share, total in zip(shares, totals, strict=True)) / self.pairs,
            m=dict(zip(self.fields, m, strict=True)),
            u=dict(zip(self.fields, u, strict=True)),
            likelihoods=tuple(likelihoods),
        )

    def _hand(self, start: Fields, pattern: Pattern) -> float:
        return sum(start.get(name, {}).get(level, 0.0) for name, level in zip(self.fields, pattern, strict=True))

    def _expected(
        self, shares: list[float], m: list[dict[str, float]], u: list[dict[str, float]]
    ) -> tuple[list[list[float]], float]:
        """How likely each pattern of each set is of M, and the logarithm of the posterior density."""
        belonging, likelihood = [], 0.0
        for share, (_, patterns) in zip(shares, self.sets, strict=True):
            found = []
            for pattern, count in patterns:
                one, two = math.log(share), math.log1p(-share)
                for at, level in enumerate(pattern):
                    if level != UNKNOWN:
                        one += math.log(m[at][level])
                        two += math.log(u[at][level])
                found.append(_probability(one - two))
                highest = max(one, two)
                likelihood += count * (highest + math.log(math.exp(one - highest) + math.exp(two - highest)))
            belonging.append(found)
            likelihood += SMOOTHING * (math.log(share) + math.log1p(-share))
        for at in range(len(self.fields)):
            for shape in (m[at],) if at in self.fixed else (m[at], u[at]):
                likelihood += SMOOTHING * sum(math.log(value) for value in shape.values())
        return belonging, likelihood

    def _maximised(
        self, belonging: list[list[float]]
    ) -> tuple[list[float], list[dict[str, float]], list[dict[str, float]]]:
        one = [dict.fromkeys(levels, 0.0) for levels in self.levels]
        two = [dict.fromkeys(levels, 0.0) for levels in self.levels]
        shares = []
        for (_, patterns), likely in zip(self.sets, belonging, strict=True):
            matches = total = 0.0
            for (pattern, count), probability in zip(patterns, likely, strict=True):
                mine = count * probability
                matches += mine
                total += count
                for at, level in enumerate(pattern):
                    if level != UNKNOWN:
                        one[at][level] += mine
                        two[at][level] += count - mine
            shares.append((matches + SMOOTHING) / (total + 2 * SMOOTHING))
        m = [_smoothed(counts) for counts in one]
        u = [self.fixed.get(at) or _smoothed(counts) for at, counts in enumerate(two)]
        return shares, m, u


def _known(at: int, sets: Iterable[Mapping[Pattern, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for counts in sets:
        for pattern, count in counts.items():
            if pattern[at] != UNKNOWN:
                found[pattern[at]] = found.get(pattern[at], 0) + count
    return found


def _smoothed(counts: Mapping[str, float]) -> dict[str, float]:
    total = sum(counts.values()) + SMOOTHING * len(counts)
    return {level: (count + SMOOTHING) / total for level, count in counts.items()}


def _probability(logarithm: float) -> float:
    """Of natural odds."""
    return 1.0 / (1.0 + math.exp(-max(-700.0, min(700.0, logarithm))))
