"""What is done to the system, one thing at a time, chosen by a seed; and how long it takes to be well again."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from random import Random
from typing import Final

import httpx
import psutil
import psycopg
from confluent_kafka import KafkaException

from bootstrap import lag
from proofs.ledger.evidence import UNITS, Fault
from proofs.ledger.network import LINKED, Network, Weather
from proofs.small_disk import SmallDisk
from proofs.system import System, SystemFailed, wait_until
from runtime.connections import redis
from runtime.connections.kafka import EventProducer, Message
from schemas.envelope import Position

FROZEN_SECONDS: Final = 13.0
"""Longer than the session time-out of 10 s."""
AWAY_SECONDS: Final = 30.0
GONE_SECONDS: Final = 8.0
"""Of Qdrant, at most."""
FULL_SECONDS: Final = (10.0, 15.0)
BAD_SECONDS: Final = 14.0
"""Of the network: longer than a session of 10 s, too."""
RECOVERY_SECONDS: Final = 120.0
OVERSIZE: Final = 700_000
CONSUMERS: Final = frozenset(unit.partition(":")[2] for unit in UNITS if not unit.startswith("service:"))
_SEARCH: Final = frozenset({"embedding", "title_search"})
"""They are as far as the vectors are, which get the processor time that nobody else wants."""
_OF_SEARCH: Final = frozenset({"qdrant", "disk-full"})
"""Faults that are over once search has everything, too; as is one of these units'."""
_PIPELINE: Final = tuple(unit for unit in UNITS if not unit.startswith("service:"))
_DOUBLED: Final = tuple(unit for unit in UNITS if unit.startswith("materializer:"))
_AWAY: Final = (ConnectionError, psycopg.Error, KafkaException, httpx.TransportError, psutil.Error, KeyError)
"""What looking at a system in trouble may raise."""


class Nemesis:
    """`poisoned`: positions of records that it put into topics → what they are. `disk`: the system's, which
    `disk-full` needs."""

    def __init__(
        self,
        system: System,
        network: Network,
        seed: int,
        faults: Sequence[str],
        victims: Sequence[str],
        log: Callable[[str], None],
        disk: SmallDisk | None = None,
    ) -> None:
        self._disk = disk
        self._network = network
        self._victims = victims
        self._log = log
        self._system = system
        self._random = Random(f"{seed}/nemesis")
        self._faults = faults
        self.poisoned: dict[str, str] = {}
        self.done: list[Fault] = []

    def run(self, seconds: float, check: Callable[[], None]) -> None:
        """Every fault once in a random order, again and again, until the time is over; `check` may raise between."""
        deadline = time.monotonic() + seconds
        queue: list[str] = []
        while time.monotonic() < deadline:
            time.sleep(self._random.uniform(1, 3))
            check()
            if not self._faults:
                continue
            if not queue:
                queue = self._random.sample(list(self._faults), len(self._faults))
            name = queue.pop()
            victim = FAULTS[name](self)
            search = name in _OF_SEARCH or any(unit in victim for unit in _SEARCH)
            took = self._recovery(CONSUMERS if search else CONSUMERS - _SEARCH)
            self._log(f"{name} of {victim}: " + ("does not recover" if took is None else f"well after {took:.1f} s"))
            self.done.append(Fault(name, victim, took))

    def _recovery(self, consumers: frozenset[str]) -> float | None:
        """Until each of them has what the log held when the fault was over, and every unit is ready."""
        began = time.monotonic()
        wanted: dict[tuple[str, str], int] = {}

        def well() -> bool:
            with suppress(*_AWAY):
                # Asking for everybody's lag costs a core's second; readiness is cheap and comes last.
                if wanted and not self._system.is_ready():
                    return False
                found = [each for each in lag.consumers(self._system.settings) if each.consumer in consumers]
                positions = {(each.consumer, each.topic): each.end - each.events for each in found}
                if not wanted:
                    wanted.update({(each.consumer, each.topic): each.end for each in found})
                return all(positions[key] >= end for key, end in wanted.items()) and self._system.is_ready()
            return False

        try:
            wait_until(well, RECOVERY_SECONDS, "recovery")
        except SystemFailed:
            return None
        return time.monotonic() - began

    # Units.

    def _signal(self, number: signal.Signals) -> str:
        unit = self._random.choice(self._victims)
        self._system.kill_unit(unit, number)
        return unit

    def kill(self) -> str:
        return self._signal(signal.SIGKILL)

    def term(self) -> str:
        return self._signal(signal.SIGTERM)

    def freeze(self) -> str:
        """An owner that sleeps for longer than its session while another instance takes over, and then goes on."""
        unit = self._random.choice(_DOUBLED)
        with self._second(unit):
            victim = self._system.processes()[unit]
            victim.send_signal(signal.SIGSTOP)
            try:
                time.sleep(FROZEN_SECONDS)
            finally:
                victim.send_signal(signal.SIGCONT)
            time.sleep(2)
        return unit

    def rebalance(self) -> str:
        """A second instance joins and leaves, three times."""
        units = tuple(self._random.sample(_DOUBLED, 2))
        for _ in range(3):
            with self._second(*units):
                time.sleep(self._random.uniform(0.5, 2))
        return ", ".join(units)

    @contextmanager
    def _second(self, *units: str) -> Iterator[None]:
        with (self._system.home / "logs" / "second.log").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "bootstrap.cli", "run", *units],
                env=self._system.environment,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
            )
        try:
            time.sleep(6)  # until it has joined
            yield
            process.terminate()
            process.wait(60)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    def clock(self) -> str:
        """The wall clock of a unit jumps hours ahead, then behind, and is right again."""
        unit = self._random.choice(_PIPELINE)
        path = self._system.home / "clocks" / unit.replace(":", "-")
        path.parent.mkdir(exist_ok=True)
        try:
            for hours in (2, -1):
                path.write_text(str(hours * 3600))
                time.sleep(self._random.uniform(3, 8))
        finally:
            path.unlink()
        return unit

    # Backends.

    def _restart(self, backend: str, seconds: float = 0.0) -> str:
        self._system.stack.kill(backend)
        time.sleep(seconds)
        self._system.stack.start(backend)
        return backend

    def kafka(self) -> str:
        return self._restart("kafka")

    def postgres(self) -> str:
        return self._restart("postgres")

    def postgres_away(self) -> str:
        return self._restart("postgres", AWAY_SECONDS)

    def redis(self) -> str:
        return self._restart("redis", 2.0)

    def redis_emptied(self) -> str:
        """It comes back without anything: rate limits, and the memory of which requests were accepted, are gone."""
        self._restart("redis", 2.0)
        client = redis.blocking_client(self._system.settings.redis_url, "mg-ledger-nemesis")
        try:
            client.flushall()
        finally:
            client.close()
        return "redis"

    def qdrant(self) -> str:
        return self._restart("qdrant", self._random.uniform(0, GONE_SECONDS))

    def disk_full(self) -> str:
        """The disk of all backends has no room; then it has, and those that ended are started again."""
        if self._disk is None:
            raise SystemFailed("disk-full needs a system on a disk of its own")
        with self._disk.full():
            time.sleep(self._random.uniform(*FULL_SECONDS))
        ended = [one.name for one in self._system.stack.status() if one.state != "running"]
        for name in ended:
            self._system.stack.start(name)
        return f"the disk ({', '.join(ended) or 'nobody'} ended)"

    # The network.

    def _bad(self, weather: Weather, seconds: float) -> str:
        backend = self._random.choice(LINKED)
        with self._network.links[backend].weather(weather):
            time.sleep(seconds)
        return f"network to {backend}"

    def cut(self) -> str:
        return self._bad(Weather(cut=True), self._random.uniform(3, BAD_SECONDS))

    def silence(self) -> str:
        """Nothing arrives and no connection ends: only time-outs tell."""
        return self._bad(Weather(silent=True), self._random.uniform(8, BAD_SECONDS))

    def delay(self) -> str:
        return self._bad(Weather(delay_seconds=0.2), BAD_SECONDS)

    def lost_answers(self) -> str:
        """What was asked for is done, a COMMIT or an append for example, and the connection ends before the answer."""
        return self._bad(Weather(lost_answers=0.1), BAD_SECONDS)

    # Messages.

    def poison(self) -> str:
        """Bytes that are no event; one with a schema id that nobody knows; one of hundreds of kilobytes."""
        values = {
            "no event": b"\xffnothing",
            "unknown schema id": b"\x00\x7f\xff\xff\xfe" + b"x" * 20,
            "oversize": b"\xff" * OVERSIZE,
        }
        producer = EventProducer(self._system.settings.kafka, "mg-ledger-nemesis")
        try:
            for topic in ("playback-events", "ratings"):
                sent = producer.send_and_wait([Message(topic, b"poison", value) for value in values.values()])
                for place, what in zip(sent, values, strict=True):
                    self.poisoned[str(Position(topic, place.partition, place.offset))] = what
        finally:
            producer.close()
        return "playback-events, ratings"

    def poison_kill(self) -> str:
        """A consumer dies while it deals with what it must refuse."""
        unit = self._random.choice(("materializer:watch_state", "materializer:ratings"))
        self.poison()
        time.sleep(self._random.uniform(0.2, 0.6))
        self._system.kill_unit(unit)
        return unit


FAULTS: Final[dict[str, Callable[[Nemesis], str]]] = {
    "kill": Nemesis.kill,
    "term": Nemesis.term,
    "freeze": Nemesis.freeze,
    "rebalance": Nemesis.rebalance,
    "clock": Nemesis.clock,
    "kafka": Nemesis.kafka,
    "postgres": Nemesis.postgres,
    "postgres-away": Nemesis.postgres_away,
    "redis": Nemesis.redis,
    "redis-emptied": Nemesis.redis_emptied,
    "qdrant": Nemesis.qdrant,
    "disk-full": Nemesis.disk_full,
    "cut": Nemesis.cut,
    "silence": Nemesis.silence,
    "delay": Nemesis.delay,
    "lost-answers": Nemesis.lost_answers,
    "poison": Nemesis.poison,
    "poison-kill": Nemesis.poison_kill,
}
