"""What each contender loses or writes twice when it is killed in the middle of its work, and how soon it goes on.

Every event becomes a row of a table without a key: what was written twice is there twice, what was skipped is missing.
All are killed (SIGKILL) after the same delays, each time once rows have come since the start; then they may finish.
"""

import random
import statistics
import subprocess
import time
from typing import Final, LiteralString

import psycopg
from msgspec import Struct
from psycopg import sql

from proofs.benchmarks import backlog
from proofs.benchmarks.peers.contenders import INTO_POSTGRES, Contender
from proofs.benchmarks.peers.environment import quix_python
from proofs.benchmarks.peers.job import Job
from proofs.benchmarks.peers.run import Sitting
from proofs.figures import Figure
from proofs.system import SystemFailed, fresh
from runtime import settings as settings_module

EVENTS: Final = 300_000
KILLS: Final = 5
_SEED: Final = 7
_SETTLED_SECONDS: Final = 60.0
"""Without another row for so long it is done: longer than the longest session that a dead consumer leaves behind."""
_MOST_SECONDS: Final = 600.0
_FEW: Final = frozenset({"Faust, one upsert an event"})
"""Too slow to have rows left after the kills."""


class Left(Struct, frozen=True):
    """`recovered`: seconds from each start after a kill to the first row."""

    rows: int
    different: int
    recovered: tuple[float, ...]


def peers_kills() -> list[Figure]:
    home = settings_module.home_from()
    # `service:sync` only because a system wants a unit; nobody asks it anything.
    with fresh(home / "bench", home, only=("service:sync",)) as system:
        backlog.fill(system, EVENTS)
        sitting = Sitting(system, EVENTS, quix_python(home))
        found: list[Figure] = []
        for contender in INTO_POSTGRES:
            if contender.kind != "limit" and contender.name not in _FEW:
                found += _figures(contender, _run(sitting, contender))
        return found


def _figures(contender: Contender, left: Left) -> list[Figure]:
    counts = {"lost": EVENTS - left.different, "written twice": left.rows - left.different}
    found = []
    for what, count in counts.items():
        name = f"{contender.name}: {what} in {KILLS} kills"
        if contender.kind == "ours":
            found.append(Figure.against(name, count, "events", "≤", 0, EVENTS))
        else:
            found.append(Figure.information(name, count, "events", EVENTS))
    waited = statistics.median(left.recovered)
    found.append(Figure.information(f"{contender.name}: from start to the first row", waited, "s", len(left.recovered)))
    return found


def _run(sitting: Sitting, contender: Contender) -> Left:
    delays = random.Random(_SEED)
    job = sitting.job(Contender(contender.name, contender.kind, contender.module, contender.arguments), append=True)
    sitting.prepare(job, contender)
    recovered = []
    try:
        for number in range(KILLS + 1):
            before, started = _rows(job), time.monotonic()
            process = sitting.start(job, contender)
            try:
                _until(job, before, process, f"{contender.name} to go on")
                if number:
                    recovered.append(time.monotonic() - started)
                if number < KILLS:
                    time.sleep(delays.uniform(0.2, 1.2))
                else:
                    _settle(job)
            finally:
                process.kill()
                process.wait()
        return Left(_rows(job), _different(job), tuple(recovered))
    finally:
        sitting.clean(job)


def _until(job: Job, before: int, process: "subprocess.Popen[bytes]", what: str) -> None:
    """Until there are more rows than before."""
    deadline = time.monotonic() + _MOST_SECONDS
    while _rows(job) <= before:
        if process.poll() not in (None, 0) or time.monotonic() > deadline:
            raise SystemFailed(f"waited for {what}")
        time.sleep(0.1)


def _settle(job: Job) -> None:
    """Until every event is there, or nothing comes any more."""
    rows, moved = 0, time.monotonic()
    while time.monotonic() < moved + _SETTLED_SECONDS:
        found = _rows(job)
        if found != rows:
            rows, moved = found, time.monotonic()
        elif rows >= EVENTS and _different(job) == EVENTS:
            return
        time.sleep(2.0)  # long enough that what is still written comes while it is looked


def _rows(job: Job) -> int:
    return _asked(job, "SELECT count(*) FROM {}")


def _different(job: Job) -> int:
    """A clock of `backlog.events` belongs to one event."""
    return _asked(job, "SELECT count(DISTINCT hlc) FROM {}")


def _asked(job: Job, question: LiteralString) -> int:
    with psycopg.connect(job.postgres_dsn, autocommit=True) as connection:
        row = connection.execute(sql.SQL(question).format(sql.Identifier(job.table))).fetchone()
    return int(row[0]) if row else 0
