"""One sitting: every contender in turn, again and again, so that a noisy minute meets all of them; medians."""

import itertools
import json
import statistics
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec
import psycopg
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from psycopg import sql

from proofs.benchmarks import backlog
from proofs.benchmarks.peers.contenders import INTO_KAFKA, INTO_POSTGRES, Contender
from proofs.benchmarks.peers.environment import quix_python
from proofs.benchmarks.peers.job import COLUMNS, Job, Took
from proofs.figures import Figure
from proofs.system import System, SystemFailed, fresh
from runtime import settings as settings_module
from schemas import loader

EVENTS: Final = 400_000
ROUNDS: Final = 3
_SECONDS: Final = 300
_TOPIC: Final = "playback-events"
_TABLE: Final = """
    CREATE TABLE {} (user_id text COLLATE "C", title_id text COLLATE "C", position_ms bigint, hlc bigint,
                     device_id text COLLATE "C"{})
"""
_KEY: Final = ", PRIMARY KEY (user_id, title_id)"


def peers() -> list[Figure]:
    home = settings_module.home_from()
    # `service:sync` only because a system wants a unit; nobody asks it anything.
    with fresh(home / "bench", home, only=("service:sync",)) as system:
        backlog.fill(system, EVENTS)
        return measure(system, EVENTS, ROUNDS, quix_python(home))


def measure(system: System, events: int, rounds: int, quix: Path) -> list[Figure]:
    """`events` are in the topic already."""
    sitting = Sitting(system, events, quix)
    contenders = (*INTO_POSTGRES, *INTO_KAFKA)
    found: dict[str, list[Took]] = {contender.name: [] for contender in contenders}
    for _, contender in itertools.product(range(rounds), contenders):
        found[contender.name].append(sitting.run(contender))
    return [
        *_compared(INTO_POSTGRES, found, 2.0),
        *_against_limit(found),
        *_compared(INTO_KAFKA, found, 2.5, of="Faust, one send an event"),
    ]


def _rate(took: Sequence[Took]) -> float:
    return statistics.median(one.events / one.seconds for one in took)


def _compared(contenders: Iterable[Contender], found: dict[str, list[Took]], bar: float, of: str = "") -> list[Figure]:
    figures = []
    for one in contenders:
        took = found[one.name]
        rates = [each.events / each.seconds for each in took]
        figures += [
            Figure.information(one.name, _rate(took), "events/s", len(took)),
            Figure.information(f"{one.name}: spread", (max(rates) - min(rates)) / _rate(took), "of it", len(took)),
            Figure.information(f"{one.name}: CPU", _median(took, "cpu"), "s a million", len(took)),
            Figure.information(f"{one.name}: memory, most", _median(took, "rss"), "MB", len(took)),
        ]
    ours = next(one for one in contenders if one.kind == "ours")
    rivals = [one for one in contenders if one.kind == "peer" and of in {"", one.name}]
    best = max(rivals, key=lambda one: _rate(found[one.name]))
    ratio = _rate(found[ours.name]) / _rate(found[best.name])
    figures.append(Figure.against(f"{ours.name} to {best.name}", ratio, "×", "≥", bar, len(found[ours.name])))
    return figures


def _median(took: Sequence[Took], what: str) -> float:
    if what == "cpu":
        return statistics.median(1e6 * one.cpu_seconds / one.events for one in took)
    return statistics.median(one.rss / 1_048_576 for one in took)


def _against_limit(found: dict[str, list[Took]]) -> list[Figure]:
    ratio = _rate(found["our materializer engine"]) / _rate(found["consume, decode and COPY"])
    return [Figure.against("our materializer engine to its limit", ratio, "×", "≥", 0.75, ROUNDS)]


class Sitting:
    def __init__(self, system: System, events: int, quix: Path) -> None:
        self._system = system
        self._events = events
        self._quix = quix
        self._number = itertools.count(1)
        self._settings = system.settings
        self._admin = AdminClient({"bootstrap.servers": self._settings.kafka})
        self._partitions = len(self._admin.list_topics(_TOPIC, 10).topics[_TOPIC].partitions)
        self._folder = system.home / "peers"
        self._folder.mkdir(exist_ok=True)
        self._schema = self._folder / "playback_event_recorded.json"
        self._schema.write_text(json.dumps(loader.record_schemas()["media_gateway.playback.v1.PlaybackEventRecorded"]))

    def job(self, contender: Contender, *, append: bool = False) -> Job:
        """On a table, a topic and a consumer group of its own."""
        name = f"peer_{next(self._number)}"
        return Job(
            kafka=self._settings.kafka,
            postgres_dsn=self._settings.postgres_dsn,
            group=name,
            topic=_TOPIC,
            table=name,
            target=name,
            events=max(1000, int(self._events * contender.share)),
            partitions=self._partitions,
            home=str(self._folder),
            append=append,
        )

    def run(self, contender: Contender) -> Took:
        """Raises SystemFailed when it fails or does not end, or when its table does not hold what it must."""
        job = self.job(contender)
        self.prepare(job, contender)
        try:
            took = self._started(job, contender)
            if contender in INTO_POSTGRES and contender.kind != "limit" and job.events == self._events:
                self._check(job, contender)
            return took
        finally:
            self.clean(job)

    def command(self, job: Job, contender: Contender) -> list[str]:
        path = self._folder / f"{job.group}.json"
        path.write_bytes(msgspec.json.encode(job))
        if contender.module == "quix":
            script = Path(__file__).with_name("quix.py")
            return [str(self._quix), str(script), str(path), str(self._schema), *contender.arguments]
        module = f"{__package__}.{contender.module}"
        return [sys.executable, "-m", module, str(path), *contender.arguments]

    def start(self, job: Job, contender: Contender) -> "subprocess.Popen[bytes]":
        with (self._system.home / "logs" / "peers.log").open("ab") as log:
            return subprocess.Popen(
                self.command(job, contender),
                env=self._system.environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    def _started(self, job: Job, contender: Contender) -> Took:
        command = self.command(job, contender)
        try:
            done = subprocess.run(
                command, env=self._system.environment, capture_output=True, text=True, timeout=_SECONDS, check=True
            )
            return msgspec.json.decode(done.stdout.strip().splitlines()[-1], type=Took)
        except subprocess.TimeoutExpired:
            raise SystemFailed(f"{contender.name}: not done in {_SECONDS} s") from None
        except (subprocess.CalledProcessError, IndexError, msgspec.DecodeError) as error:
            said = getattr(error, "stderr", "") or str(error)
            raise SystemFailed(f"{contender.name}: {said.strip()[-1500:]}") from None

    def prepare(self, job: Job, contender: Contender) -> None:
        with psycopg.connect(job.postgres_dsn, autocommit=True) as connection:
            key = sql.SQL("" if contender.kind == "limit" or job.append else _KEY)
            connection.execute(sql.SQL(_TABLE).format(sql.Identifier(job.table), key))
        if contender in INTO_KAFKA:
            self._admin.create_topics([NewTopic(job.target, job.partitions, 1)])[job.target].result(30)

    def _check(self, job: Job, contender: Contender) -> None:
        """Whoever says so many events a second must have written them: one row a person and title."""
        wanted = self._expected()
        with psycopg.connect(job.postgres_dsn, autocommit=True) as connection:
            columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS[:2]))
            row = connection.execute(
                sql.SQL("SELECT count(*), count(DISTINCT ({})), coalesce(sum(hlc / 65536), 0)::bigint FROM {}").format(
                    columns, sql.Identifier(job.table)
                )
            ).fetchone()
        if row is None or (row[0], row[1], row[2]) != wanted:
            raise SystemFailed(f"{contender.name}: the table holds {row}, not {wanted}")

    def _expected(self) -> tuple[int, int, int]:
        newest: dict[tuple[str, str], int] = {}
        for event in backlog.events(self._events):
            key = (event.user_id, event.title_id)
            newest[key] = max(newest.get(key, 0), event.hlc)
        return len(newest), len(newest), sum(hlc // 65536 for hlc in newest.values())

    def clean(self, job: Job) -> None:
        with psycopg.connect(job.postgres_dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(job.table)))
            connection.execute("DELETE FROM consumer_positions WHERE consumer LIKE '%\\_v999'")
        self._admin.delete_topics([job.target])
