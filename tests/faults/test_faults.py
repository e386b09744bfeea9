"""Whatever dies in the middle of an import, the final tables equal those of an undisturbed run.

Each test imports the same real items into empty stores, does one thing to the system while the victim is provably in
the middle of its work, waits until every consumer has read everything, and compares all stores with the undisturbed
run: nothing lost, nothing doubled, no dead letter, no version out of order, every delivery answered with 202.
"""

import signal
import time

import httpx
import pytest

from proofs.system import System, wait_until
from tests.faults.running import (
    BUSY_EVENTS,
    DELIVERIES,
    Scenario,
    second_instance,
    unit_name,
    until_members,
    until_replaced,
)
from tests.faults.state import State
from tests.faults.units import CATALOG, consumers

pytestmark = [pytest.mark.backends, pytest.mark.slow, pytest.mark.timeout(600)]

IDLE = {"availability_changes"}
"""Importing again what was imported before tells nothing of offers; see test_offers.py."""
CONSUMERS = [name for name in consumers(CATALOG) if name not in IDLE]
BACKENDS = {"kafka": DELIVERIES, "postgres": "entity_resolution", "redis": DELIVERIES, "qdrant": "title_search"}
"""Backend → who must be in the middle of its work when it is killed."""
FROZEN_SECONDS = 12.0  # longer than the session time-out of 10 s


def test_an_undisturbed_run_resolves_items_of_several_providers(undisturbed: State, scenario: Scenario) -> None:
    """Else the comparisons below would compare nothing. Repeats itself, as a check of the normal form."""
    assert undisturbed.counts["provider_items"] == scenario.size
    assert any(len(row["title"].split()) >= 3 for row in undisturbed.titles)
    assert undisturbed.counts["availability_v1"] > 0
    assert all(point["vectors"] == ["bm25", "dense"] for point in undisturbed.points)
    scenario.start()
    scenario.check()


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_sigkill_of_a_unit(system: System, scenario: Scenario, consumer: str) -> None:
    unit = unit_name(consumer)
    victim = system.processes()[unit]
    scenario.start()
    at = scenario.until_busy(consumer)
    victim.kill()
    until_replaced(system, unit, victim)
    scenario.check()
    assert scenario.position(consumer) - at >= BUSY_EVENTS, "it was killed after its work, not in the middle of it"


def test_sigkill_of_the_ingestion_service(system: System, scenario: Scenario) -> None:
    """The provider repeats a delivery without an answer under its one id: it is in the log once or twice, in the tables
    once."""
    victim = system.processes()["service:ingestion"]
    scenario.start()
    at = scenario.until_busy(DELIVERIES)
    victim.kill()
    until_replaced(system, "service:ingestion", victim)
    scenario.check()
    assert scenario.position(DELIVERIES) - at >= BUSY_EVENTS


def test_sigkill_of_the_discovery_service(system: System, scenario: Scenario) -> None:
    """Reading is not part of an import: it comes back by itself and finds what was imported meanwhile."""
    victim = system.processes()["service:discovery"]
    scenario.start()
    scenario.until_busy("title_catalog")
    victim.kill()
    until_replaced(system, "service:discovery", victim)
    found = scenario.check()

    def answers() -> bool:
        try:
            answer = httpx.get(f"{system.url('discovery')}/v1/search", params={"limit": 1}, timeout=10)
        except httpx.TransportError:
            return False
        return answer.status_code == 200 and answer.json()["total"] == len(found.titles)

    wait_until(answers, 60, "discovery finds every title")


@pytest.mark.parametrize("backend", BACKENDS)
def test_sigkill_of_a_backend(system: System, scenario: Scenario, backend: str) -> None:
    scenario.start()
    at = scenario.until_busy(BACKENDS[backend])
    system.stack.kill(backend)
    system.stack.start(backend)
    scenario.check()
    assert scenario.position(BACKENDS[backend]) - at >= BUSY_EVENTS


def test_postgres_away_for_half_a_minute(system: System, scenario: Scenario) -> None:
    """Longer than every time-out on the way: nobody gives up, nothing is skipped."""
    scenario.start()
    scenario.until_busy("title_catalog")
    system.stack.kill("postgres")
    time.sleep(30)
    system.stack.start("postgres")
    scenario.check()


@pytest.mark.parametrize("consumer", ["entity_resolution", "title_catalog"])
def test_sigterm(system: System, scenario: Scenario, consumer: str) -> None:
    """As in a roll-out: the batch in hand is finished or abandoned, the successor goes on where it ended."""
    unit = unit_name(consumer)
    victim = system.processes()[unit]
    scenario.start()
    at = scenario.until_busy(consumer)
    victim.terminate()
    until_replaced(system, unit, victim)
    scenario.check()
    assert scenario.position(consumer) - at >= BUSY_EVENTS


def test_frozen_owners_wake_up_after_others_took_over(system: System, scenario: Scenario) -> None:
    """SIGSTOP for longer than the session time-out while a second instance runs, then SIGCONT: two zombies, each with a
    batch in hand and in the belief that its partitions are its own."""
    consumers = ("entity_resolution", "title_catalog")
    units = [unit_name(consumer) for consumer in consumers]
    victims = [system.processes()[unit] for unit in units]
    with second_instance(system, *units):
        for consumer in consumers:
            until_members(scenario.settings, consumer, 2)
        scenario.start()
        for consumer in consumers:
            scenario.until_busy(consumer)
        try:
            for victim in victims:
                victim.send_signal(signal.SIGSTOP)
            time.sleep(FROZEN_SECONDS)
            for consumer in consumers:
                until_members(scenario.settings, consumer, 1)
            scenario.until_done(*consumers)
            before = {consumer: scenario.position(consumer) for consumer in consumers}
        finally:
            for victim in victims:
                victim.send_signal(signal.SIGCONT)
        for consumer in consumers:
            until_members(scenario.settings, consumer, 2)
            assert scenario.position(consumer) >= before[consumer], "a zombie moved the position back"
        scenario.check()
    running = system.processes()
    assert [running[unit].pid for unit in units] == [victim.pid for victim in victims], "a fenced owner may go on"


def test_instances_join_and_leave(system: System, scenario: Scenario) -> None:
    """Partitions are revoked from and given to owners that are in the middle of a batch, again and again."""
    consumers = ("entity_resolution", "title_catalog", "title_search")
    scenario.start(rate=40)
    rounds = 0
    while scenario.importing:
        with second_instance(system, *map(unit_name, consumers)):
            for consumer in consumers:
                until_members(scenario.settings, consumer, 2)
        rounds += 1
    assert rounds > 0
    scenario.check()
