"""Latency counts from when an event was due, in every event, and each event becomes a row of its own."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.benchmarks.peers import latency
from proofs.benchmarks.peers.contenders import Contender
from proofs.benchmarks.peers.latency import Found, Visit
from proofs.benchmarks.peers.open_loop import Paced, latencies, rate_of
from proofs.benchmarks.peers.traffic import Events, Phase, event
from schemas import codec

PHASE = Phase("", "", "topic", "table", first=1000, rate=500.0, count=100)
BEGAN = 1_800_000_000.0
OURS, PEER = Contender("ours", "ours", ""), Contender("peer", "peer", "")


@given(st.floats(0.0, 0.3))
def test_exactly_what_is_due_has_been_sent(seconds: float) -> None:
    now = BEGAN + seconds
    sent = PHASE.due_by(now, BEGAN)
    dues = [PHASE.due(PHASE.first + number, BEGAN) for number in range(PHASE.count)]
    assert abs(sent - sum(due <= now for due in dues)) <= (min(abs(due - now) for due in dues) < 1e-6)


def test_nothing_is_due_before_it_began_and_no_more_than_all_after_it() -> None:
    assert PHASE.due_by(BEGAN - 1, BEGAN) == 0
    assert PHASE.due_by(BEGAN, BEGAN) == 1
    assert PHASE.due_by(BEGAN + 60, BEGAN) == PHASE.count


def test_a_stall_counts_in_every_event_that_was_due_meanwhile() -> None:
    rows = [(number, BEGAN + 0.2) for number in range(1000, 1100)]  # all in one commit, when the last is due
    found = latencies(PHASE, BEGAN, 1000, rows, BEGAN + 9)
    assert found[0] == pytest.approx(0.2, abs=1e-5)
    assert found[50] == pytest.approx(0.1, abs=1e-5)
    assert found[99] == pytest.approx(0.002, abs=1e-5)


def test_warm_up_does_not_count_and_what_never_came_has_waited_until_now() -> None:
    found = latencies(PHASE, BEGAN, 1098, [(1000, BEGAN), (1098, BEGAN + 0.2)], BEGAN + 5)
    assert found == pytest.approx((0.004, 4.802), abs=1e-5)


def test_percentiles_are_events_that_were_measured() -> None:
    found = Paced(1.0, tuple(float(number) for number in range(1000, 0, -1)), 0.0, 0, 0.0).percentiles()
    assert found == {"p50": 500.0, "p95": 950.0, "p99": 990.0, "p99.9": 999.0, "max": 1000.0}


def test_a_rate_counts_what_came_after_the_first_commit() -> None:
    assert rate_of([(10.0, 999), (10.5, 100), (12.0, 300)]) == 200.0
    assert math.isnan(rate_of([(10.0, 999)]))


def test_an_event_made_from_the_pattern_is_what_the_codec_would_make() -> None:
    events = Events()
    for number in (0, 7, 123_456_789):
        key, value = events.record(number)
        assert value == codec.encode(event(number, key.decode()))
        assert codec.key_of(event(number, key.decode())) == key
    assert len({events.record(number)[1] for number in range(50_000)}) == 50_000


def visits(*seconds: float) -> list[Visit]:
    loads = [Paced(100.0, (each / 2, each), 5.0, 1_048_576, 0.001) for each in seconds]
    return [Visit(1.0, 125.0, dict.fromkeys(latency.LOADS, one)) for one in loads]


def test_what_is_compared_is_the_median_of_rounds_at_four_fifths() -> None:
    ours_at = {"peer": [visits(0.1)[0].loads["80 %"]]}
    found = Found({"ours": visits(0.1, 9.0, 0.2), "peer": visits(0.4, 0.4, 0.4)}, ours_at)
    figures = {one.name: one for one in latency.figures((OURS, PEER), found)}
    assert figures["ours: 80 %, p99"].value == 200.0
    assert figures["ours: 80 %, p99"].samples == 6
    assert figures["80 % of each, p99: ours to peer"].value == 0.5
    assert figures["80 % of each, p99: ours to peer"].holds
    assert figures["ours at 100 events/s, 80 % of peer, p99"].value == 100.0
    assert figures["the same rate, p99: ours to peer"].value == pytest.approx(0.25)


def test_slower_than_the_quickest_peer_misses_the_bar() -> None:
    other = Contender("other", "peer", "")
    ours_at = {name: [visits(0.1)[0].loads["80 %"]] for name in ("peer", "other")}
    found = Found({"ours": visits(0.3), "peer": visits(0.2), "other": visits(0.9)}, ours_at)
    figures = {one.name: one for one in latency.figures((OURS, PEER, other), found)}
    assert not figures["80 % of each, p99: ours to peer"].holds
