"""Tables in memory: whatever the batches, and wherever a process dies, state and events are the same."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.types.playback import PlaybackSessionEnded
from streams.engine.spec import Counted, ProcessorSpec, StateSpec
from streams.engine.table import Partition, Table
from streams.processors import playback_sessions, title_trends
from tests.support.stateful import MINUTE, Log, at, event, kinds, received


def state_of(spec: ProcessorSpec) -> StateSpec:
    assert spec.state is not None
    return spec.state


SESSIONS, TRENDS = state_of(playback_sessions.SPEC), state_of(title_trends.SPEC)

# (user, session, kind, time that passes, lateness of the clock)
TOLD = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 2),
        st.sampled_from(("started", "started", "started", *kinds())),
        st.integers(0, 5 * MINUTE),
        st.integers(0, 90 * MINUTE),
    ),
    min_size=1,
    max_size=15,
)
CUTS = st.lists(st.integers(1, 6), min_size=1, max_size=25)
DEATHS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 3)), max_size=6)


def log_of(told: list[tuple[int, int, Any, int, int]]) -> list[Any]:
    found: list[Any] = []
    now = 0
    for number, (user, session, kind, passed, late) in enumerate(told):
        now += passed
        what = event(
            number, now - late, kind=kind, user_id=f"u{user}", session_id=f"u{user}-{session}",
            title_id=f"t{session}", region="DE" if user else "FR", position_ms=now,
        )  # fmt: skip
        found.append(received(what, number, recorded_ms=now))
    return found


def batches(inputs: list[Any], cuts: list[int]) -> list[list[Any]]:
    found: list[list[Any]] = []
    start = 0
    while start < len(inputs):
        size = cuts[len(found) % len(cuts)]
        found.append(inputs[start : start + size])
        start += size
    return found


def done(spec: StateSpec, inputs: list[Any], cuts: list[int]) -> Log:
    log = Log(spec)
    for batch in batches(inputs, cuts):
        log.batch(batch)
    return log


def events_of(outputs: list[Any]) -> list[Any]:
    """Without what is only counted; errors by their text. Sorted: timers of different users have no order."""
    return sorted((repr(one) for one in outputs if not isinstance(one, Counted)), key=str)


@given(st.sampled_from([SESSIONS, TRENDS]), TOLD, CUTS)
def test_any_batching_gives_the_same(spec: StateSpec, told: Any, cuts: list[int]) -> None:
    inputs = log_of(told)
    one_by_one, some = done(spec, inputs, [1]), done(spec, inputs, cuts)
    end = at(10 * 24 * 60 * MINUTE)
    for log in (one_by_one, some):
        log.tick(min(end, log.partition.now + 4 * MINUTE))
    assert events_of(some.outputs) == events_of(one_by_one.outputs)
    assert some.state() == one_by_one.state()


@given(st.sampled_from([SESSIONS, TRENDS]), TOLD, CUTS, DEATHS)
def test_deaths_anywhere_change_nothing(
    spec: StateSpec, told: Any, cuts: list[int], deaths: list[tuple[int, int]]
) -> None:
    """A batch dies after any number of records; the next owner restores and reads from any earlier offset on."""
    inputs = log_of(told)
    undisturbed = done(spec, inputs, cuts)
    log = Log(spec)
    todo = list(deaths)
    start = 0
    while start < len(inputs):
        for batch in batches(inputs[start:], cuts):
            most = todo[0][0] if todo else None
            if not log.batch(batch, most):
                log.died()
                start = max(batch[0].position.offset - todo.pop(0)[1], 0)
                break
            todo = todo[1:]
        else:
            break
    log.died()
    unique = list(dict.fromkeys(repr(one) for one in log.outputs if not isinstance(one, Counted)))
    assert sorted(unique) == sorted(set(events_of(undisturbed.outputs)))
    assert log.state() == undisturbed.state()
    ids = [one.event_id for one in log.outputs if isinstance(one, PlaybackSessionEnded)]
    assert len(set(ids)) == len({repr(one) for one in log.outputs if isinstance(one, PlaybackSessionEnded)})


def test_timers_survive_a_death() -> None:
    log = Log(SESSIONS)
    log.batch([received(event(kind="started"))])
    log.died()
    assert not log.partition.due(at(3 * MINUTE - 1))
    assert log.partition.due(at(3 * MINUTE))
    log.tick(at(3 * MINUTE))
    assert isinstance(log.outputs[-1], PlaybackSessionEnded)
    log.died()
    assert not log.partition.due(at(60 * MINUTE))


def test_a_heartbeat_costs_no_timer() -> None:
    log = Log(SESSIONS)
    log.batch([received(event(number, number * 1000), number) for number in range(1000)])
    assert len(log.partition.tables["viewers"]._timers) == 1
    log.tick(at(999_000 + 3 * MINUTE))
    assert len(log.outputs) == 2


def test_what_was_forgotten_is_a_change_with_a_newer_version() -> None:
    log = Log(SESSIONS)
    log.batch([received(event(kind="stopped"))])
    log.tick(at(25 * 60 * MINUTE))
    (_, _, next_, turn, state), forgotten = log.records[0], log.records[2]
    assert state is not None
    assert forgotten[4] is None
    assert forgotten[2:4] == (next_, turn + 1)
    log.died()
    assert len(log.partition) == 0


def test_the_newest_version_wins_wherever_it_stands_and_is_written_again() -> None:
    """An owner that was frozen wrote its old state behind its successor's."""
    spec = SESSIONS.tables[0]
    log = Log(SESSIONS)
    log.batch([received(event(0, 0), 0)])
    old = log.partition.tables["viewers"].entries[b"ann"].state
    log.batch([received(event(1, 1000), 1)])
    new = log.partition.tables["viewers"].entries[b"ann"].state
    for late in (old, None):
        table = Table(spec)
        table.load(b"ann", 1, 1, old)
        table.load(b"ann", 2, 2, new)
        table.load(b"ann", 1, 2, late)
        table.loaded()
        assert table.entries[b"ann"].state == new
        [change] = table.changes()
        assert (change.key, change.next, change.turn, change.state) == (b"ann", 2, 2, new)
    table = Table(spec)
    table.load(b"ann", 2, 3, None)
    table.load(b"ann", 2, 2, new)
    table.loaded()
    assert not table.entries
    assert [change.state for change in table.changes()] == [None]


def test_inputs_behind_the_position_are_not_applied_even_when_their_key_is_forgotten() -> None:
    partition = Partition(SESSIONS)
    assert len(partition.apply(received(event(), 5))) == 1
    partition.tables["viewers"].entries.clear()
    assert partition.apply(received(event(), 5)) == []
    assert partition.apply(received(event(), 4)) == []
