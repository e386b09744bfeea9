"""One system, one catalog, and an import of it that is disturbed while it runs."""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

import psutil
import psycopg
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from bootstrap import outcomes
from bootstrap.catalog_files import RawItem
from bootstrap.importing import Importer
from proofs.system import System, wait_until
from runtime.connections import kafka, redis
from runtime.settings import Settings
from schemas import loader
from schemas.read_models import trending
from streams.topology import PIPELINE, PROCESSORS
from tests.faults import state
from tests.faults.catalog import Catalog
from tests.faults.state import State

RATE = 400.0
"""Items a second, so that an import lasts long enough to be disturbed in its middle."""
BUSY_EVENTS = 100
"""A unit that has done so many events of this import, and not all, is in the middle of it."""
DEADLINE_SECONDS = 180.0
DELIVERIES = "catalog-deliveries"
_IN_KAFKA = frozenset(spec.name for spec in PROCESSORS if spec.lookup is None)
"""Processors that keep their positions there."""


class Import:
    """Sends every provider's items, one provider after the other, from a thread of its own."""

    def __init__(self, system: System, items: Mapping[str, Iterable[RawItem]], rate: float) -> None:
        self._system = system
        self._items = items
        self._rate = rate
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="import", daemon=True)
        self.sent = 0

    def start(self) -> None:
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def check(self) -> None:
        """Waits for the end; every delivery was answered with 202, after however many tries with its one id."""
        self._thread.join(DEADLINE_SECONDS)
        assert not self._thread.is_alive(), "the import did not end"
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            for provider in self._system.settings.providers:
                if provider.name in self._items:
                    importer = Importer(self._system.url("ingestion"), provider, lambda _: None)
                    result = asyncio.run(importer.run(self._items[provider.name], self._rate))
                    assert (result.accepted, result.rejected) == (result.sent, [])
                    self.sent += result.sent
        except BaseException as error:  # noqa: BLE001 - handed to the waiting test
            self._failure = error


@dataclass(slots=True)
class Scenario:
    """One import from empty stores to the end. `check` compares with the undisturbed run."""

    system: System
    catalog: Catalog
    expected: State | None = None
    settings: Settings = field(init=False)
    _import: Import | None = None
    _titles: dict[int, int] = field(init=False)
    _dead_letters: int = field(init=False)
    _done: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.settings = self.system.settings
        state.clear(self.settings)
        self._titles = state.ends(self.settings, state.TITLES)
        self._dead_letters = outcomes.dead_letters(self.settings)
        self._done = {unit: self.position(unit) for unit in (DELIVERIES, *(spec.name for spec in PIPELINE))}

    def start(self, rate: float = RATE) -> None:
        self._import = Import(self.system, self.catalog, rate)
        self._import.start()

    @property
    def importing(self) -> bool:
        return self._import is not None and self._import.running

    @property
    def size(self) -> int:
        return sum(map(len, self.catalog.values()))

    def position(self, consumer: str) -> int:
        return position_of(self.settings, consumer)

    def until_busy(self, consumer: str) -> int:
        """Returns its position once it is in the middle of this import."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while (at := self.position(consumer)) - self._done[consumer] < BUSY_EVENTS:
            assert time.monotonic() < deadline, f"{consumer} does not get going"
            time.sleep(0.02)
        return at

    def until_done(self, *consumers: str) -> None:
        outcomes.wait_until_done(self.settings, "waiting", consumers or None)

    def check(self) -> State:
        """Nothing lost, nothing doubled. Returns the final state."""
        assert self._import is not None, "start it first"
        self._import.check()
        assert self._import.sent == self.size
        self.until_done()
        found = state.capture(self.settings)
        assert found.counts["outbox"] == 0
        assert outcomes.dead_letters(self.settings) == self._dead_letters
        state.check_log(self.settings, self._titles)
        if self.expected is not None:
            difference = state.difference(self.expected, found)
            assert not difference, difference
        return found

    def settle(self) -> None:
        """Lets a scenario that failed half-way come to its end, so that the next one starts from empty stores."""
        for backend in self.system.stack.names:
            self.system.stack.start(backend)
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self.importing and time.monotonic() < deadline:
            time.sleep(0.2)
        self.until_done()


def position_of(settings: Settings, consumer: str) -> int:
    """Events a consumer has durably done, over all its partitions; of `DELIVERIES`, records in that topic."""
    if consumer == DELIVERIES:
        return sum(state.ends(settings, DELIVERIES).values())
    if consumer in _IN_KAFKA:
        return _committed(settings, consumer)
    if consumer == trending.READ_MODEL:
        client = redis.blocking_client(settings.redis_url, "mg-fault-tests")
        try:
            return sum(map(int, cast("list[bytes]", client.hvals(trending.positions_key(1)))))
        finally:
            client.close()
    names = [consumer, f"{consumer}_v1"]  # processors by name, read models by physical version
    with psycopg.connect(settings.postgres_dsn) as connection:
        query = "SELECT coalesce(sum(next), 0)::bigint FROM consumer_positions WHERE consumer = ANY(%s)"
        row = connection.execute(query, [names]).fetchone()
    return int(row[0]) if row else 0


def unit_name(consumer: str) -> str:
    """`processor:embedding` of `embedding`."""
    kind = "processor" if any(consumer == spec.name for spec in PIPELINE if hasattr(spec, "lookup")) else "materializer"
    return f"{kind}:{consumer}"


def until_replaced(system: System, unit: str, before: psutil.Process) -> None:
    """`mg up` has started another process for the unit."""

    def replaced() -> bool:
        found = system.processes().get(unit)
        return found is not None and found.pid != before.pid

    wait_until(replaced, DEADLINE_SECONDS, f"a new process for {unit}")


@contextmanager
def second_instance(system: System, *units: str) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that runs the same units; ended in good order, and checked to end so."""
    log = system.home / "logs" / "second.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bootstrap.cli", "run", *units],
            env=system.environment,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
        )
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_SECONDS) == 0, f"the second instance did not end in good order; see {log}"
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def until_members(settings: Settings, consumer: str, count: int) -> None:
    """The consumer group has so many members, and every one of them its share of the partitions."""
    admin = AdminClient({"bootstrap.servers": settings.kafka, "log_level": 0})
    group = _group(settings, consumer)

    def settled() -> bool:
        found = admin.describe_consumer_groups([group])[group].result(10)
        return len(found.members) == count and all(member.assignment.topic_partitions for member in found.members)

    wait_until(settled, DEADLINE_SECONDS, f"{count} members in {group}")


def _group(settings: Settings, consumer: str) -> str:
    return f"{settings.group_prefix}{consumer.replace('_', '-')}"


def _committed(settings: Settings, consumer: str) -> int:
    topics = [topic for topic in loader.topics() if f"processor:{consumer}" in topic.consumers]
    wanted = [
        TopicPartition(settings.topic_prefix + t.topic, partition) for t in topics for partition in range(t.partitions)
    ]
    group = _group(settings, consumer)
    return sum(max(place.offset, 0) for place in kafka.committed(settings.kafka, group, wanted, 10))
