"""`mg pull` as a process, between a server that misbehaves and the real edge, log and database."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec
import psycopg
import pytest

from bootstrap.pulling.bookmarks import Bookmarks, LeadershipLost
from bootstrap.pulling.fetching import Fetcher, FetchFailed
from bootstrap.pulling.source import Bookmark
from command_api.services import ingestion
from migrations import runner
from proofs.system import free_ports
from runtime import settings as settings_module
from runtime.http import serving
from runtime.http.app import build_app
from runtime.http.serving import Listener
from runtime.settings import Secret, Settings
from schemas import codec
from schemas.types.catalog import ProviderItemReceived
from tests.support import pipeline
from tests.support.aggregator import Aggregator, Reply, listening
from tests.support.backends import Backends, PostgresDatabase
from tests.support.pipeline import until
from tests.support.webhooks import SECRET, provider

pytestmark = pytest.mark.backends
NAME = provider().name


@dataclass(frozen=True, slots=True)
class Edge:
    settings: Settings
    url: str

    def items(self) -> list[str]:
        """Native ids in the log, in the order of their delivery."""
        events = [codec.decode(record.value or b"") for record in pipeline.records(self.settings, "catalog-deliveries")]
        return [event.native_id for event in events if isinstance(event, ProviderItemReceived)]


@pytest.fixture
def edge(backends: Backends, postgres_database: PostgresDatabase, topic_prefix: str) -> Iterator[Edge]:
    """The ingestion service on a port of its own, in a thread of its own."""
    runner.apply(postgres_database.dsn)
    settings = pipeline.settings_for(backends, postgres_database, topic_prefix)
    pipeline.create_topics(settings, ["catalog-deliveries"])
    known = provider(rate_per_second=10_000.0, burst=10_000)
    settings = msgspec.structs.replace(settings, providers=(known,))
    with psycopg.connect(postgres_database.dsn, autocommit=True) as connection:
        connection.execute("TRUNCATE pull_bookmarks")
    started, ending = threading.Event(), threading.Event()
    ports: list[int] = []

    async def serve() -> None:
        running = await serving.start([Listener(build_app("ingestion", (ingestion.SPEC,), settings), 0)])
        ports.extend(running.ports)
        started.set()
        await asyncio.to_thread(ending.wait)
        await running.stop()

    thread = threading.Thread(target=lambda: serving.run(serve()))
    thread.start()
    assert started.wait(30)
    yield Edge(settings, f"http://127.0.0.1:{ports[0]}")
    ending.set()
    thread.join(30)


@dataclass(frozen=True, slots=True)
class Pull:
    """`mg pull` with a configuration of its own."""

    edge: Edge
    file: Path

    def start(self, *more: str) -> subprocess.Popen[str]:
        settings = self.edge.settings
        environment = settings_module.environment() | {
            "MG_KAFKA_BOOTSTRAP": settings.kafka,
            "MG_POSTGRES_DSN": settings.postgres_dsn,
            "MG_POSTGRES_READER_DSN": settings.postgres_reader_dsn,
            "MG_REDIS_URL": settings.redis_url,
            "MG_QDRANT_URL": settings.qdrant_url,
            "MG_HOME": str(self.file.parent),
            "MG_PROVIDERS": json.dumps({NAME: {"secrets": [SECRET]}}),
        }
        command = [sys.executable, "-m", "bootstrap.cli", "pull", str(self.file), "--url", self.edge.url, *more]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def once(self) -> tuple[int, str]:
        process = self.start("--once")
        said, _ = process.communicate(timeout=90)
        return process.returncode, said


def pull_from(url: str, edge: Edge, folder: Path, keys: str = "k1\nk2\n", per_minute: int = 6000) -> Pull:
    (folder / "keys.txt").write_text(keys)
    file = folder / "pull.yaml"
    file.write_text(
        f"provider: {NAME}\nurl: {url}\nheader: X-API-Key\nkeys: keys.txt\ncountries: [us]\nperMinute: {per_minute}\n"
    )
    return Pull(edge, file)


def test_everything_arrives_whatever_the_server_does(edge: Edge, tmp_path: Path) -> None:
    server = Aggregator(40, start=4_000_000_000)  # in the future, so that it is never more than a month ago
    server.limits = {"k1": 2}
    server.scripted.extend([Reply(503, {"retry-after": "1"}), Reply(500), Reply(502)])
    with listening(server) as url:
        code, said = pull_from(url, edge, tmp_path).once()
    assert code == 0, said
    assert "40 items accepted, 0 rejected" in said
    assert sorted(edge.items()) == sorted(f"s{number}" for number in range(40))
    used = server.keys()
    assert used["k1"] <= 3 + 2 + 1, "after the three failures it has two answers left and hears once that it is limited"
    assert used["k2"] > used["k1"]


def test_a_killed_puller_goes_on_in_mid_walk_and_nothing_is_missing(edge: Edge, tmp_path: Path) -> None:
    server = Aggregator(60, start=4_000_000_000)
    with listening(server) as url:
        pull = pull_from(url, edge, tmp_path, "k1\n", per_minute=240)
        (admin,) = free_ports(1)
        process = pull.start("--admin-port", str(admin))
        until(lambda: len(server.pages()) >= 6, what="the sixth page")
        assert 'mg_pull_requests_total{outcome="answered"' in httpx.get(f"http://127.0.0.1:{admin}/metrics").text
        process.kill()
        process.communicate(timeout=30)
        before = len(server.pages())
        code, said = pull.once()
    assert code == 0, said
    again = server.pages()[before:]
    assert again[0] not in {"", "3"}, "it does not begin anew"
    assert set(edge.items()) == {f"s{number}" for number in range(60)}
    assert len(edge.items()) <= 60 + 2 * 3, "at most the page in hand comes twice"


def test_a_server_that_stalls_is_given_up_and_said() -> None:
    server = Aggregator(3)
    server.scripted.extend([Reply(body=b"{}" * 100, stall_seconds=0.2)] * 20)

    async def ask(url: str) -> None:
        async with httpx.AsyncClient(base_url=url) as client:
            fetcher = Fetcher(
                client, NAME, "X-API-Key", [Secret("k")], per_minute=6000, answer_seconds=0.5, patience_seconds=2.0
            )
            await fetcher.get("/changes", {})

    with listening(server) as url, pytest.raises(FetchFailed, match="TimeoutError"):
        asyncio.run(ask(url))
    assert len(server.asked) >= 2


def test_one_leads_and_who_was_frozen_moves_nothing(edge: Edge) -> None:
    dsn = edge.settings.postgres_dsn
    first, second = Bookmarks(dsn, NAME), Bookmarks(dsn, NAME)
    assert first.become_leader()
    assert not second.become_leader()
    first.begin("us/new", Bookmark(1))
    first.begin("us/new", Bookmark(2))
    assert first.all() == {"us/new": Bookmark(1)}
    with psycopg.connect(dsn, autocommit=True) as connection:  # what a server does to a session it takes for dead
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid IN"
            " (SELECT pid FROM pg_stat_activity WHERE datname = current_database())"
        )
    until(second.become_leader, what="the second's turn")
    second.move("us/new", Bookmark(1), Bookmark(5, "c", 7))
    sleeper = Bookmarks(dsn, NAME)
    with pytest.raises(LeadershipLost):
        sleeper.move("us/new", Bookmark(1), Bookmark(3))
    assert second.all() == {"us/new": Bookmark(5, "c", 7)}
    for each in (first, second, sleeper):
        each.close()
