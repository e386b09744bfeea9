"""Stretches must join up, and reach what is stored."""

import pytest

from query_api.services.live.chains import Chains, Standing
from schemas.read_models.notices import Moved

STORED = Standing({"watch_state": 1}, {("watch_state", "t", 0): 10})


@pytest.fixture
def chains() -> Chains:
    found = Chains()
    found.learn(STORED)
    return found


@pytest.mark.parametrize(
    ("stretches", "joined"),
    [
        ([(10, 12), (12, 13)], [True, True]),
        ([(11, 12), (12, 13)], [False, True]),
        ([(10, 12), (13, 14), (14, 15)], [True, False, True]),
        ([(8, 10), (10, 11)], [True, True]),  # told before it was read
        ([(8, 14), (12, 13), (14, 15)], [True, True, True]),
        ([(10, 10), (10, 11)], [True, True]),  # an owner took over, and nothing was lost
        ([(11, 11), (11, 12)], [False, True]),  # it was
    ],
)
def test_stretches(chains: Chains, stretches: list[tuple[int, int]], joined: list[bool]) -> None:
    assert [chains.follow("watch_state", [Moved("t", 0, *each)]) for each in stretches] == joined


def test_every_partition_and_read_model_is_its_own_chain(chains: Chains) -> None:
    assert chains.follow("watch_state", [Moved("t", 1, 0, 4), Moved("u", 0, 0, 9)])
    assert not chains.follow("watch_state", [Moved("t", 0, 10, 11), Moved("t", 1, 5, 6)])
    assert not chains.follow("ratings", [Moved("t", 0, 0, 1)]), "nothing was learned of ratings"


def test_before_anything_is_learned_every_first_stretch_may_follow_a_lost_one() -> None:
    chains = Chains()
    assert not chains.follow("watch_state", [Moved("t", 0, 0, 5)])
    assert chains.follow("watch_state", [Moved("t", 0, 5, 6)])


def test_a_stored_position_that_nobody_told_of_is_missing(chains: Chains) -> None:
    assert chains.missing(STORED) == ()
    further = Standing({"watch_state": 1}, {("watch_state", "t", 0): 11, ("watch_state", "t", 1): 1})
    assert chains.missing(further) == ("watch_state",)
    chains.learn(further)
    assert chains.missing(further) == ()


def test_notices_may_be_ahead_of_what_is_stored(chains: Chains) -> None:
    chains.follow("watch_state", [Moved("t", 0, 10, 20)])
    assert chains.missing(STORED) == ()
    chains.learn(STORED)
    assert chains.follow("watch_state", [Moved("t", 0, 20, 21)])


def test_another_version_is_missing_and_starts_anew(chains: Chains) -> None:
    rebuilt = Standing({"watch_state": 2}, {("watch_state", "t", 0): 4})
    assert chains.missing(rebuilt) == ("watch_state",)
    chains.learn(rebuilt)
    assert chains.missing(rebuilt) == ()
    assert not chains.follow("watch_state", [Moved("t", 0, 5, 6)])


def test_after_an_interruption_nothing_is_known(chains: Chains) -> None:
    chains.forget()
    assert not chains.known
    assert not chains.follow("watch_state", [Moved("t", 0, 10, 11)])
    assert chains.missing(STORED) == ("watch_state",)
