"""Whatever dies while thousands of events of people's devices are on their way, what is shown in the end is the same.

Each test posts the same people's playback, ratings and edits through the real edges (under names of their own), kills
something that is provably in the middle of it, and compares the final rows with those of an undisturbed run.
"""

from collections.abc import Iterator

import pytest

from proofs.system import System, wait_until
from tests.faults.running import DEADLINE_SECONDS, until_replaced
from tests.faults.units import VIEWING, consumers
from tests.faults.viewing import State, Viewing

pytestmark = [pytest.mark.backends, pytest.mark.slow, pytest.mark.timeout(900)]

BUSY_EVENTS = 10
"""A unit that has done so many events of a run before it is killed, and as many after, was in the middle of it."""
KINDS = {name: kind for kind, _, name in (unit.partition(":") for unit in VIEWING)}
IDLE = {"devices"}
"""Consumers that these people give nothing to do."""
CONSUMERS = [name for name in consumers(VIEWING) if name not in IDLE]
RARE = {"trending": 1, "title_trends": 1}
"""Trends are published every few seconds."""
BACKENDS = ("redis", "postgres", "kafka")


@pytest.fixture(scope="module")
def undisturbed(viewing_system: System) -> State:
    run = Viewing(viewing_system)
    run.start()
    return run.check()


@pytest.fixture
def viewing(viewing_system: System, undisturbed: State) -> Iterator[Viewing]:
    run = Viewing(viewing_system, undisturbed)
    yield run
    run.settle()


def kill(system: System, unit: str) -> None:
    victim = system.processes()[unit]
    victim.kill()
    until_replaced(system, unit, victim)


def test_an_undisturbed_run_says_something(undisturbed: State, viewing: Viewing) -> None:
    """Else the comparisons below would compare nothing. Repeats itself, as a check of the normal form."""
    events = sum(len(act.body.get("events", ())) for act in viewing.acts)
    assert events >= 3000
    assert {row["reason"] for row in undisturbed["playback_history"]} == {"completed", "stopped"}
    assert {row["present"] for row in undisturbed["watchlist"]} == {True, False}
    assert {row["finished"] for row in undisturbed["watch_state"]} == {True, False}
    assert all(undisturbed.values())
    viewing.start()
    viewing.check()


def test_sigkill_of_every_unit_in_one_run(viewing_system: System, viewing: Viewing) -> None:
    viewing.start()
    viewing.until_posted(0.05)
    for service in ("playback", "sync"):  # first: nobody knows how long the consumers below take to be busy
        kill(viewing_system, f"service:{service}")
    assert viewing.posting, "everything was posted before the services died"
    done: dict[str, int] = {}
    for number, consumer in enumerate(CONSUMERS):
        viewing.until_posted((number + 1) / (len(CONSUMERS) + 6))
        done[consumer] = viewing.until_busy(consumer, RARE.get(consumer, BUSY_EVENTS))
        viewing_system.processes()[f"{KINDS[consumer]}:{consumer}"].kill()
    viewing.check()
    idle = [each for each, at in done.items() if viewing.done(each) - at < RARE.get(each, BUSY_EVENTS)]
    assert not idle, f"killed after their work, not in the middle of it: {idle}"


def test_sigkill_of_every_backend_in_one_run(viewing_system: System, viewing: Viewing) -> None:
    viewing.start()
    for number, backend in enumerate(BACKENDS):
        viewing.until_posted((number + 1) / (len(BACKENDS) + 2))
        viewing_system.stack.kill(backend)
        viewing_system.stack.start(backend)
    assert viewing.posting, "everything was posted before the last one died"
    viewing.check()


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_one_unit_dies_twice(viewing_system: System, viewing: Viewing, consumer: str) -> None:
    """The second time while it is catching up."""
    unit = f"{KINDS[consumer]}:{consumer}"
    viewing.start()
    at = viewing.until_busy(consumer, RARE.get(consumer, BUSY_EVENTS))
    kill(viewing_system, unit)
    wait_until(lambda: viewing.done(consumer) > at, DEADLINE_SECONDS, f"{consumer} goes on")
    kill(viewing_system, unit)
    viewing.check()


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_backend_dies_twice(viewing_system: System, viewing: Viewing, backend: str) -> None:
    viewing.start()
    for share in (0.2, 0.5):
        viewing.until_posted(share)
        viewing_system.stack.kill(backend)
        viewing_system.stack.start(backend)
    viewing.check()
