"""Our materializer engine on one, two and four partitions with as many processes: what more of them gain here.

The backlog is written in one Kafka transaction that is committed once every process has its partition. So it is there
for all of them at the same moment, and no rebalance is measured. Rounds are interleaved; medians.
"""

import itertools
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
import psutil
import psycopg
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from msgspec import Struct

from proofs.benchmarks import backlog
from proofs.benchmarks.peers.contenders import INTO_POSTGRES, Contender
from proofs.benchmarks.peers.job import Job, Took
from proofs.benchmarks.peers.run import Sitting
from proofs.figures import Figure
from proofs.system import System, SystemFailed, fresh, wait_until
from runtime import settings as settings_module
from schemas import codec
from streams.materializers import watch_state

EVENTS: Final = 400_000
ROUNDS: Final = 3
PROCESSES: Final = (1, 2, 4)
_OURS: Final = next(one for one in INTO_POSTGRES if one.kind == "ours")
_INPUTS: Final = watch_state.SPEC.inputs
"""Of the unit whose name ours goes by; the events are all in the first."""
_GROUP: Final = "watch-state"
_SECONDS: Final = 120.0


class Round(Struct, frozen=True):
    """`seconds` from the first event in any process's hand to the last commit of any. CPU seconds of each meanwhile."""

    events: int
    seconds: float
    ours: float
    postgres: float
    kafka: float


def scaling() -> list[Figure]:
    home = settings_module.home_from()
    # `service:sync` only because a system wants a unit; nobody asks it anything.
    with fresh(home / "bench", home, only=("service:sync",)) as system:
        return measure(system, EVENTS, ROUNDS)


def measure(system: System, events: int, rounds: int, processes: Sequence[int] = PROCESSES) -> list[Figure]:
    records = [(codec.key_of(event), codec.encode(event)) for event in backlog.events(events)]
    sitting = Sitting(system, events, Path())
    found: dict[int, list[Round]] = {number: [] for number in processes}
    for _, number in itertools.product(range(rounds), processes):
        found[number].append(_run(system, sitting, records, number))
    return figures_of(found)


def figures_of(found: Mapping[int, Sequence[Round]]) -> list[Figure]:
    figures = []
    rates = {number: statistics.median(one.events / one.seconds for one in rounds) for number, rounds in found.items()}
    least = min(rates)
    for number, rounds in found.items():
        name, count = "1 process" if number == 1 else f"{number} processes", len(rounds)
        figures.append(Figure.information(f"{name}, a partition each", rates[number], "events/s", count))
        if number != least:
            figures.append(Figure.information(f"{name} to {least}", rates[number] / rates[least], "×", count))
        for what, field in (("of ours", "ours"), ("of PostgreSQL", "postgres"), ("of Kafka", "kafka")):
            busy = statistics.median(getattr(one, field) / one.seconds for one in rounds)
            figures.append(Figure.information(f"{name}: CPU {what}", busy, "cores", count))
    return figures


def combined(took: Sequence[Took], postgres: float, kafka: float) -> Round:
    """Of what the processes say, on the clock that they share; those that got nothing have nothing to say."""
    busy = [one for one in took if one.events]
    began, ended = min(one.began for one in busy), max(one.began + one.seconds for one in busy)
    return Round(
        events=sum(one.events for one in busy),
        seconds=ended - began,
        ours=sum(one.cpu_seconds for one in busy),
        postgres=postgres,
        kafka=kafka,
    )


def _run(system: System, sitting: Sitting, records: Sequence[tuple[bytes, bytes]], number: int) -> Round:
    job = sitting.job(_OURS)
    job = msgspec.structs.replace(job, topic=f"{job.group}-{_INPUTS[0]}", partitions=number, shared=True)
    topics = [f"{job.group}-{name}" for name in _INPUTS]
    admin = AdminClient({"bootstrap.servers": job.kafka})
    sitting.prepare(job, _OURS)
    for made in admin.create_topics([NewTopic(topic, number, 1) for topic in topics]).values():
        made.result(30)
    processes: list[subprocess.Popen[str]] = []
    try:
        processes += [_start(system, sitting, job, _OURS) for _ in range(number)]
        producer = _written(job, records)
        wait_until(lambda: _assigned(admin, job), _SECONDS, f"{number} processes to have a partition each")
        time.sleep(1.0)  # the positions of what was assigned are read
        before = [_spent(system, name) for name in ("postgres", "kafka")]
        producer.commit_transaction(_SECONDS)
        _await(job, len(records), processes)
        spent = [_spent(system, name) - was for name, was in zip(("postgres", "kafka"), before, strict=True)]
        done = combined([_told(process) for process in processes], *spent)
        if done.events != len(records):
            raise SystemFailed(f"{number} processes committed {done.events} events, not {len(records)}")
        return done
    finally:
        for process in processes:
            process.kill()
            process.wait()
        sitting.clean(job)
        admin.delete_topics(topics)


def _start(system: System, sitting: Sitting, job: Job, contender: Contender) -> "subprocess.Popen[str]":
    with (system.home / "logs" / "scaling.log").open("ab") as log:
        return subprocess.Popen(
            sitting.command(job, contender),
            env=system.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )


def _written(job: Job, records: Sequence[tuple[bytes, bytes]]) -> Producer:
    """Everything is in the log, and nobody sees it until the transaction is committed."""
    producer = Producer(
        {
            "bootstrap.servers": job.kafka,
            "transactional.id": job.group,
            "transaction.timeout.ms": int(2 * _SECONDS * 1000),
            "linger.ms": 20,
            "compression.type": "lz4",
            "queue.buffering.max.messages": len(records) + 1,
        }
    )
    producer.init_transactions(_SECONDS)
    producer.begin_transaction()
    for key, value in records:
        producer.produce(job.topic, key=key, value=value)
    if left := producer.flush(_SECONDS):
        raise SystemFailed(f"{left} events could not be written")
    return producer


def _assigned(admin: AdminClient, job: Job) -> bool:
    group = f"{job.group}-{_GROUP}"
    with suppress(KafkaException):
        members = admin.describe_consumer_groups([group])[group].result(10).members
        owned = [len(one.assignment.topic_partitions) for one in members if one.assignment]
        return owned == [len(_INPUTS)] * job.partitions
    return False


def _await(job: Job, events: int, processes: "Sequence[subprocess.Popen[str]]") -> None:
    question = "SELECT coalesce(sum(next), 0)::bigint FROM consumer_positions WHERE consumer LIKE '%\\_v999'"
    with psycopg.connect(job.postgres_dsn, autocommit=True) as connection:
        deadline = time.monotonic() + _SECONDS
        while (row := connection.execute(question).fetchone()) is not None and row[0] < events:
            if time.monotonic() > deadline or any(one.poll() not in (None, 0) for one in processes):
                raise SystemFailed(f"{len(processes)} processes committed {row[0]} of {events} events: see scaling.log")
            time.sleep(0.1)


def _told(process: "subprocess.Popen[str]") -> Took:
    """Ends it. What the engine logs is on the same stream, also afterwards."""
    said, _ = process.communicate(timeout=60)
    told = [line for line in said.splitlines() if line.startswith("{")]
    if process.returncode != 0 or not told:
        raise SystemFailed(f"a process ended with {process.returncode}: {said.strip()[-1500:]}")
    return msgspec.json.decode(told[-1], type=Took)


def _spent(system: System, name: str) -> float:
    """Seconds of CPU of a backend with all its processes until now."""
    pid = next(one.pid for one in system.stack.status() if one.name == name)
    spent = 0.0
    parent = psutil.Process(pid)
    for process in (parent, *parent.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            spent += sum(process.cpu_times()[:2])
    return spent
