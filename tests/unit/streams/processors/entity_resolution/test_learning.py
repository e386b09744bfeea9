"""Expectation maximisation finds what made the pairs, whose sorts it is never told."""

import random
from collections import Counter
from itertools import pairwise

import pytest

from streams.processors.entity_resolution.evidence import UNKNOWN
from streams.processors.entity_resolution.learning import LEAST_RANDOM, NothingToLearn, Observed, Pattern, learn

FIELDS = ("name", "year", "people", "runtime")
M = {
    "name": {"same": 0.8, "alike": 0.15, "different": 0.05},
    "year": {"same": 0.9, "apart": 0.1},
    "people": {"shared": 0.7, "none shared": 0.3},
    "runtime": {"same": 0.85, "apart": 0.15},
}
U = {
    "name": {"same": 0.1, "alike": 0.2, "different": 0.7},
    "year": {"same": 0.3, "apart": 0.7},
    "people": {"shared": 0.05, "none shared": 0.95},
    "runtime": {"same": 0.2, "apart": 0.8},
}
HAND = {
    "name": {"same": 3.0, "different": -3.0},
    "year": {"same": 1.0, "apart": -1.0},
    "people": {"shared": 2.0, "none shared": -1.0},
    "runtime": {"same": 1.0, "apart": -1.0},
}
"""A rough idea is enough to begin with."""


def drawn(pairs: int, share: float, seed: int, known: float = 1.0) -> dict[Pattern, float]:
    source = random.Random(seed)

    def level(of: dict[str, float]) -> str:
        return source.choices(list(of), list(of.values()))[0] if source.random() < known else UNKNOWN

    counts: Counter[Pattern] = Counter()
    for _ in range(pairs):
        shape = M if source.random() < share else U
        counts[tuple(level(shape[name]) for name in FIELDS)] += 1
    return {pattern: float(count) for pattern, count in counts.items()}


@pytest.mark.parametrize("known", [1.0, 0.7], ids=["all fields known", "three in ten unknown"])
def test_finds_m_and_u(known: float) -> None:
    observed = Observed(FIELDS, {"near": drawn(20_000, 0.4, 1, known), "far": drawn(20_000, 0.1, 2, known)})
    found = learn(observed, HAND, -1.0)
    for name in FIELDS:
        assert found.m[name] == pytest.approx(M[name], abs=0.03)
        assert found.u[name] == pytest.approx(U[name], abs=0.03)
    assert found.matches == pytest.approx({"near": 8_000, "far": 2_000}, rel=0.1), "each set has its own share"
    assert found.prior == pytest.approx(-1.58, abs=0.2), "of one more set: 0.25"
    assert found.bits("year")["same"] == pytest.approx(1.58, abs=0.15)


def test_the_likelihood_never_falls() -> None:
    found = learn(Observed(FIELDS, {"one": drawn(5_000, 0.3, 3, 0.8)}), HAND, -1.0)
    assert len(found.likelihoods) > 5
    assert all(after >= before - 1e-6 for before, after in pairwise(found.likelihoods))


def test_nor_when_some_of_u_is_counted() -> None:
    observed = Observed(FIELDS, {"one": drawn(5_000, 0.3, 3)}, drawn(2_000, 0.0, 4))
    found = learn(observed, HAND, -1.0, frozenset({"year", "people"}))
    assert all(after >= before - 1e-6 for before, after in pairwise(found.likelihoods))


def test_what_is_unknown_says_nothing() -> None:
    pairs = drawn(5_000, 0.3, 5)
    nothing = {(UNKNOWN,) * len(FIELDS): 3_000.0}
    with_nothing = learn(Observed(FIELDS, {"one": pairs, "two": nothing}), HAND, -1.0)
    without = learn(Observed(FIELDS, {"one": pairs}), HAND, -1.0)
    for name in FIELDS:
        assert UNKNOWN not in with_nothing.m[name]
        assert with_nothing.m[name] == pytest.approx(without.m[name], abs=0.005)
        assert with_nothing.u[name] == pytest.approx(without.u[name], abs=0.005)


def test_the_order_of_pairs_and_sets_does_not_matter() -> None:
    one, two = drawn(3_000, 0.3, 6), drawn(3_000, 0.5, 7)
    backwards = {"b": dict(reversed(two.items())), "a": dict(reversed(one.items()))}
    assert learn(Observed(FIELDS, {"a": one, "b": two}), HAND, -1.0) == learn(Observed(FIELDS, backwards), HAND, -1.0)


def test_u_can_be_counted_on_random_pairs() -> None:
    observed = Observed(FIELDS, {"one": drawn(5_000, 0.9, 8)}, drawn(20_000, 0.0, 9))
    found = learn(observed, HAND, -1.0, frozenset({"year", "people", "runtime"}))
    assert found.u["year"] == pytest.approx(U["year"], abs=0.01)
    assert found.u["people"] == pytest.approx(U["people"], abs=0.01)
    few = Observed(FIELDS, {"one": drawn(5_000, 0.4, 8)}, {("same", "same", "shared", "same"): LEAST_RANDOM - 1.0})
    learned = learn(few, HAND, -1.0, frozenset({"year"}))
    assert learned.u["year"] == pytest.approx(U["year"], abs=0.05), "too few of them: as if there were none"


def test_nothing_is_impossible() -> None:
    certain: dict[Pattern, float] = {("same",) * 4: 50.0, ("different", "apart", "none shared", "apart"): 50.0}
    found = learn(Observed(FIELDS, {"one": certain}), HAND, -1.0)
    assert all(0.0 < share < 1.0 for name in FIELDS for shape in (found.m, found.u) for share in shape[name].values())


def test_too_little_to_tell_two_sorts_apart() -> None:
    only_names: dict[Pattern, float] = {
        ("same", "same", UNKNOWN, UNKNOWN): 9.0,
        ("different", "apart", UNKNOWN, UNKNOWN): 9.0,
    }
    with pytest.raises(NothingToLearn, match=r"vary: name, year; 3 must"):
        learn(Observed(FIELDS, {"one": only_names}), HAND, -1.0)
    with pytest.raises(NothingToLearn, match="nothing"):
        learn(Observed(FIELDS), HAND, -1.0)
