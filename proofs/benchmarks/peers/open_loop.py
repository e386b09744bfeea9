"""One contender under a load that does not wait for it: from when each event was due until its row was committed.

Black box: PostgreSQL notes when it commits each transaction, and every row knows its transaction. That is just before
the commit is on disk, for everybody alike.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, LiteralString, Self

import msgspec
import psutil
import psycopg
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from msgspec import Struct
from psycopg import sql

from proofs.benchmarks.load import percentile
from proofs.benchmarks.peers.contenders import Contender
from proofs.benchmarks.peers.run import Sitting
from proofs.benchmarks.peers.traffic import Generator, Phase, Sent
from proofs.system import SystemFailed, wait_until

SHARES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
_FIRST_EVENTS: Final = 1000
_NEVER: Final = 10**12
_START_SECONDS: Final = 120.0
_DRAIN_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 0.25
_NUMBER: Final[LiteralString] = "right(title_id, 12)::bigint"
_AT: Final[LiteralString] = "extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8"


class Plan(Struct, frozen=True):
    """Seconds, of which `warm_up` at the begin of every load do not count."""

    saturated: float
    warm_up: float
    seconds: float


class Paced(Struct, frozen=True):
    """`latencies` in seconds, every one; `cpu`: seconds a million committed events; `rss`: bytes, most; `late`: seconds
    that the generator was late (99th percentile)."""

    rate: float
    latencies: tuple[float, ...]
    cpu: float
    rss: int
    late: float

    def percentiles(self) -> dict[str, float]:
        ordered = sorted(self.latencies)
        return {name: percentile(ordered, share) for name, share in SHARES.items()}


class Running:
    """A contender at work on a topic, a group and a table of its own, from its first row until it is killed.

    Raises SystemFailed when it ends by itself or does not begin.
    """

    def __init__(self, sitting: Sitting, contender: Contender, plan: Plan) -> None:
        self._sitting, self._contender, self._plan = sitting, contender, plan
        job = sitting.job(contender)
        self._job = msgspec.structs.replace(job, topic=f"{job.group}-playback-events", events=_NEVER)
        # Ours reads two topics of one prefix.
        self._topics = [self._job.topic, f"{job.group}-progress-changes"]
        self._admin = AdminClient({"bootstrap.servers": job.kafka})
        self._sent = 0
        self._process: psutil.Process | None = None
        self.start_seconds = 0.0

    def __enter__(self) -> Self:
        self._sitting.prepare(self._job, self._contender)
        made = self._admin.create_topics([NewTopic(name, self._job.partitions, 1) for name in self._topics])
        for future in made.values():
            future.result(30)
        self._connection = psycopg.connect(self._job.postgres_dsn, autocommit=True)
        generator = Generator(self._phase(count=_FIRST_EVENTS))
        generator.send(0, _FIRST_EVENTS)
        generator.finish()
        self._sent = _FIRST_EVENTS
        began = time.time()
        self._popen = self._sitting.start(self._job, self._contender)
        self._process = psutil.Process(self._popen.pid)
        try:
            wait_until(self._is_drained, _START_SECONDS, f"{self._contender.name} to start")
        except BaseException:
            self._end()
            raise
        self.start_seconds = float(self._asked("SELECT min({at}) FROM {table}")[0][0]) - began
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._end()

    def saturate(self) -> float:
        """Events a second that it commits while more than it can take are there."""
        began, generator = self._generate(self._phase(seconds=self._plan.warm_up + self._plan.saturated))
        self._finished(generator)
        commits = self._commits(began + self._plan.warm_up, time.time())
        self._drain()
        return rate_of(commits)

    def paced(self, rate: float) -> Paced:
        plan = self._plan
        phase = self._phase(rate=rate, count=int(rate * (plan.warm_up + plan.seconds)))
        began, generator = self._generate(phase)
        counted, ends = began + plan.warm_up, began + plan.warm_up + plan.seconds
        time.sleep(max(0.0, counted - time.time()))
        before, rss = self._cpu(), 0
        while (left := ends - time.time()) > 0:
            rss = max(rss, self._running().memory_info().rss)
            time.sleep(min(left, _LOOK_SECONDS))
        spent, until = self._cpu() - before, time.time()
        late = self._finished(generator).late
        self._drain()
        events = sum(count for _, count in self._commits(counted, until))
        first = phase.first + int(rate * plan.warm_up)
        return Paced(rate, self._latencies(phase, began, first), 1e6 * spent / max(events, 1), rss, late)

    def _latencies(self, phase: Phase, began: float, first: int) -> tuple[float, ...]:
        rows = self._asked("SELECT {number}, {at} FROM {table} WHERE {number} >= %s", first)
        return latencies(phase, began, first, rows, time.time())

    def _phase(self, *, rate: float = 0.0, count: int = 0, seconds: float = 0.0) -> Phase:
        job = self._job
        return Phase(job.kafka, job.postgres_dsn, job.topic, job.table, self._sent, rate, count, seconds)

    def _generate(self, phase: Phase) -> tuple[float, "subprocess.Popen[bytes]"]:
        path = Path(self._job.home) / f"{self._job.group}-phase.json"
        path.write_bytes(msgspec.json.encode(phase))
        generator = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.traffic", str(path)],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )
        assert generator.stdout is not None  # noqa: S101 - it was asked for
        began = generator.stdout.readline()
        if not began:
            self._finished(generator)
        return float(began), generator

    def _finished(self, generator: "subprocess.Popen[bytes]") -> Sent:
        said, _ = generator.communicate()
        if generator.returncode != 0:
            raise SystemFailed(f"the load of {self._contender.name} failed")
        sent = msgspec.json.decode(said, type=Sent)
        self._sent += sent.count
        return sent

    def _running(self) -> psutil.Process:
        if self._process is None or self._popen.poll() is not None:
            raise SystemFailed(f"{self._contender.name} ended: see logs/peers.log")
        return self._process

    def _cpu(self) -> float:
        return float(sum(self._running().cpu_times()[:2]))

    def _is_drained(self) -> bool:
        self._running()
        return bool(self._asked("SELECT count(*) FROM {table}")[0][0] >= self._sent)

    def _drain(self) -> None:
        """What is not there then counts as waiting for so long."""
        deadline = time.monotonic() + _DRAIN_SECONDS
        while not self._is_drained() and time.monotonic() < deadline:
            time.sleep(0.5)

    def _commits(self, since: float, until: float) -> Sequence[tuple[float, int]]:
        rows = self._asked(
            "SELECT {at}, count(*) FROM {table} WHERE {at} BETWEEN %s AND %s GROUP BY 1 ORDER BY 1", since, until
        )
        return [(float(at), int(count)) for at, count in rows]

    def _asked(self, question: LiteralString, *values: float) -> list[tuple[float, ...]]:
        statement = sql.SQL(question).format(
            table=sql.Identifier(self._job.table), at=sql.SQL(_AT), number=sql.SQL(_NUMBER)
        )
        return self._connection.execute(statement, values).fetchall()

    def _end(self) -> None:
        self._popen.kill()
        self._popen.wait()
        self._connection.close()
        self._sitting.clean(self._job)
        self._admin.delete_topics(self._topics)


def rate_of(commits: Sequence[tuple[float, int]]) -> float:
    """Events a second from the first commit (its events were worked on before it) to the last; NaN of one."""
    if len(commits) < 2:
        return float("nan")
    return sum(count for _, count in commits[1:]) / (commits[-1][0] - commits[0][0])


def latencies(phase: Phase, began: float, first: int, rows: Sequence[Sequence[float]], now: float) -> tuple[float, ...]:
    """Of the events from number `first` on; `rows` are numbers and when they were committed. An event without a row has
    waited until now."""
    found = {int(number): at for number, at in rows}
    return tuple(
        found.get(number, now) - phase.due(number, began) for number in range(first, phase.first + phase.count)
    )
