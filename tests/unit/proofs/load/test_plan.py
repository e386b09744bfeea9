"""What is sent when: at the rates asked for, the same for the same seed."""

from itertools import islice, pairwise
from random import Random

import pytest

from proofs.load.plan import DEVICES, EVENING, ONE, SMALL, Flow, Send, draw, mean, mixture, sends

SECONDS = 400.0


@pytest.mark.parametrize("flow", [*EVENING, *SMALL], ids=lambda flow: f"{flow.kind} {flow.rate:g}/s")
def test_a_flow_carries_what_it_should_in_sizes_it_may_have(flow: Flow) -> None:
    found = sends([flow], SECONDS, seed=1)
    assert {send.kind for send in found} == {flow.kind}
    assert sum(send.size for send in found) / SECONDS == pytest.approx(flow.rate, rel=0.1)
    assert len(found) / SECONDS == pytest.approx(flow.requests, rel=0.05)
    allowed = {size for _, least, most in flow.sizes for size in range(least, most + 1)}
    assert {send.size for send in found} <= allowed


def test_everything_is_in_the_order_in_which_it_is_due_and_within_the_time() -> None:
    found = sends(EVENING, 20, seed=1)
    assert found == sorted(found, key=lambda send: send.due)
    assert all(0 < send.due < 20 for send in found)
    assert {send.kind for send in found} == {flow.kind for flow in EVENING}


def test_gaps_are_those_of_people_who_do_not_take_turns() -> None:
    dues = [send.due for send in sends([Flow("queries", 100)], SECONDS, seed=1)]
    gaps = [after - before for before, after in pairwise(dues)]
    shorter = sum(gap < 0.01 for gap in gaps) / len(gaps)
    assert shorter == pytest.approx(1 - 1 / 2.718, abs=0.02), "of an exponential, so many are shorter than the mean"


def test_the_same_seed_gives_the_same_plan_and_another_does_not() -> None:
    assert sends(EVENING, 5, seed=1) == sends(EVENING, 5, seed=1) != sends(EVENING, 5, seed=2)


def test_one_flow_more_changes_none_of_the_others() -> None:
    alone = sends(EVENING[:1], 5, seed=1)
    assert [send for send in sends(EVENING, 5, seed=1) if send.kind == "webhooks"] == alone


def test_a_flow_times_a_factor() -> None:
    assert Flow("queries", 50).times(3) == Flow("queries", 150)
    assert Flow("playback", 240, DEVICES).times(0.5).sizes is DEVICES


def test_sizes() -> None:
    assert mean(ONE) == 1
    assert mean(((0.5, 1, 3), (0.5, 10, 10))) == 6


def test_a_mixture_has_each_kind_as_often_as_its_flow_has_requests() -> None:
    found = list(islice(mixture(EVENING, seed=3), 20_000))
    total = sum(flow.requests for flow in EVENING)
    for flow in EVENING:
        share = sum(send.kind == flow.kind for send in found) / len(found)
        assert share == pytest.approx(flow.requests / total, abs=0.01)
    assert found[0] == next(mixture(EVENING, seed=3))
    assert isinstance(found[0], Send)
    assert draw(ONE, Random(1)) == 1
