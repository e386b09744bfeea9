"""A record gets a field while people go on rating: old and new edges and consumers beside each other.

The new contract is a copy of `schemas/` with one field more, generated and locked by the commands that a developer
uses; processes that are to be new run in its folder, where Python looks first.
"""

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import httpx
import psycopg
import pytest
from confluent_kafka import KafkaException

from bootstrap.log_reader import LogReader
from devstack.tokens import signer_of
from proofs.stamps import stamp_of
from proofs.system import System, free_ports, fresh, wait_until
from runtime.settings import home_from
from schemas import loader
from sync_laws import clock

pytestmark = [pytest.mark.backends, pytest.mark.slow, pytest.mark.timeout(600)]

RECORD = "avro/playback/rating_given.v1.avsc"
FIELD = {"name": "comment", "type": ["null", "string"], "doc": "What the person wrote.", "default": None}
CONSUMER = "materializer:ratings"
EDGE = "service:playback"
USER = "ann"


@pytest.fixture(scope="module")
def system(run_folder: Path) -> Iterator[System]:
    with fresh(run_folder / "evolution", home_from(), only=(EDGE,)) as running:
        yield running


@pytest.fixture(scope="module")
def evolved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the next version of the contract."""
    folder = tmp_path_factory.mktemp("evolved")
    shutil.copytree(loader.ROOT, folder / "schemas", ignore=shutil.ignore_patterns("__pycache__"))
    record = folder / "schemas" / RECORD
    schema = json.loads(record.read_text())
    schema["fields"].append(FIELD)
    record.write_text(json.dumps(schema, indent=2))
    for words in (["schemas.generate"], ["bootstrap.cli", "schemas", "lock"]):
        subprocess.run([sys.executable, "-m", *words], check=True, cwd=folder)
    return folder


@contextmanager
def running(system: System, unit: str, path: Path | None = None, port: int | None = None) -> Iterator[None]:
    """One more process of a unit, until the end of the block."""
    environment = dict(system.environment)
    if port is not None:
        environment["MG_PORT_PLAYBACK"] = str(port)
    admin = free_ports(1)[0]
    with (system.home / "logs" / "evolution.log").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bootstrap.cli", "run", unit, "--admin-port", str(admin)],
            env=environment,
            cwd=path,  # `-m` looks there first
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
        )
    try:
        wait_until(lambda: is_ready(admin), 60, f"{unit} to be ready")
        yield
        process.terminate()
        assert process.wait(60) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def is_ready(admin: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{admin}/health/ready", timeout=5).is_success
    except httpx.TransportError:
        return False


class Raters:
    """People who rate without a pause, at whatever edges there are."""

    def __init__(self, system: System, *edges: int) -> None:
        settings = system.settings
        token = signer_of(settings.home, settings.identity).sign(USER, "tv", (), seconds=3600)
        self._headers = {"authorization": f"Bearer {token}"}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._rate, daemon=True)
        self.edges = list(edges)
        self.accepted: dict[str, float] = {}
        """Title to the newest rating that an edge has acknowledged."""
        self.by_edge: dict[int, int] = {}
        self.refused: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(60)

    def go_on(self, count: int = 60) -> None:
        """Until so many more are acknowledged at every edge."""
        wanted = {edge: self.by_edge.get(edge, 0) + count for edge in self.edges}
        wait_until(lambda: all(self.by_edge.get(edge, 0) >= more for edge, more in wanted.items()), 60, "ratings")

    def _rate(self) -> None:
        number, hlc = 0, clock.pack(int(time.time() * 1000))
        with httpx.Client(timeout=10) as client:
            while not self._stop.is_set():
                number += 1
                hlc = max(hlc + 1, clock.pack(int(time.time() * 1000)))
                edge, title, rating = self.edges[number % len(self.edges)], f"title-{number}", (number % 10 + 1) / 2
                entry = {"eventId": f"r-{hlc}", "titleId": title, "rating": rating, **stamp_of(hlc)}
                url = f"http://127.0.0.1:{edge}/v1/users/{USER}/ratings"
                answer = client.post(url, json={"ratings": [entry]}, headers=self._headers)
                if answer.status_code == httpx.codes.ACCEPTED:
                    self.accepted[title] = rating
                    self.by_edge[edge] = self.by_edge.get(edge, 0) + 1
                else:
                    self.refused.append(answer.text)
                time.sleep(0.01)


def test_consumers_first_then_edges_and_nothing_is_lost(system: System, evolved: Path) -> None:
    port = free_ports(1)[0]
    with Raters(system, system.settings.ports.playback) as raters:
        with running(system, CONSUMER):
            raters.go_on()
            with running(system, CONSUMER, evolved):  # both share the partitions
                raters.go_on()
        with running(system, CONSUMER, evolved), running(system, EDGE, evolved, port):
            raters.edges.append(port)
            raters.go_on()
            with running(system, CONSUMER, evolved):
                raters.go_on()
            raters.edges.remove(port)  # the edge goes back to what it was, and old events follow new ones
            raters.go_on()
            raters.stop()
            wait_until(lambda: stored(system) == raters.accepted, 60, "all that was acknowledged")
    assert raters.refused == []
    assert len(schema_ids(system)) == 2
    assert dead_letters(system) == 0


def test_an_old_consumer_puts_new_events_aside_until_it_is_replaced(system: System, evolved: Path) -> None:
    """The wrong order: nothing stands still, and nothing is lost that `mg dlq retry` does not bring back."""
    port = free_ports(1)[0]
    with running(system, EDGE, evolved, port), running(system, CONSUMER):
        with Raters(system, port) as raters:
            raters.go_on(20)
        wait_until(lambda: dead_letters(system) >= len(raters.accepted), 60, "dead letters")
    with running(system, CONSUMER, evolved):
        system.mg("dlq", "retry", "ratings", "--all")
        wait_until(lambda: raters.accepted.items() <= stored(system).items(), 60, "what was put aside")
    assert raters.refused == []


def stored(system: System) -> dict[str, float]:
    with psycopg.connect(system.settings.postgres_dsn) as connection:
        return dict(connection.execute("SELECT title_id, rating FROM ratings WHERE user_id = %s", (USER,)).fetchall())


def schema_ids(system: System) -> set[bytes]:
    reader = LogReader(system.settings)
    try:
        return {record.value[1:5] for record in reader.read(["ratings"], "earliest", follow=False) if record.value}
    finally:
        reader.close()


def dead_letters(system: System) -> int:
    reader = LogReader(system.settings)
    try:
        return sum(1 for _ in reader.read([loader.dead_letter_topic("ratings")], "earliest", follow=False))
    except (KafkaException, KeyError):
        return -1
    finally:
        reader.close()
