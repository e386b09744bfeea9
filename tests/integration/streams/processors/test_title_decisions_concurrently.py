"""Workers with items and one with decisions at the same time: no deadlock, and every decision holds at the end."""

import random
import threading
from pathlib import Path

import psycopg
import pytest

import migrations
from runtime.connections.postgres import connect_plain, connect_writer, is_transient
from streams.engine.outcome import TransientError
from streams.engine.spec import Received
from streams.processors.entity_resolution.lookup import EntityResolution
from streams.processors.entity_resolution.workspace import DecisionEvent
from tests.support.backends import PostgresDatabase
from tests.support.canonical_items import an_item, received, upserted
from tests.support.title_decisions import merge, placed, reject, split, undo

WORKS = 40


def item_of(work: int, provider: int) -> Received:
    """Three providers list each work under one name; those of odd works are others, since one provider lists a work
    once, and which of two items comes first would count."""
    item = an_item(f"Work number {work:03d} by the sea", 1950 + work)
    return received(upserted(f"{'pq'[work % 2]}{provider}:{work}", item), work, provider)


@pytest.mark.parametrize("seed", range(3))
def test_decisions_among_workers(postgres_database: PostgresDatabase, seed: int) -> None:
    dsn = postgres_database.dsn
    folder = Path(migrations.__file__).with_name("postgres")
    with connect_plain(dsn, "test") as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
        for path in sorted(folder.glob("*_pre_title_[di]*.sql")):
            connection.execute(path.read_text())
    decisions: list[DecisionEvent] = []
    for work in range(0, WORKS, 4):
        decisions += [
            merge(f"m{work}", f"p0:{work}", f"q1:{work + 1}"),
            reject(f"r{work}", f"p2:{work}", f"p0:{work}"),
            split(f"s{work}", f"p0:{work + 2} p1:{work + 2}", f"p2:{work + 2}"),
            reject(f"x{work}", f"q0:{work + 3}", f"q1:{work + 3}"),
            undo(f"u{work}", f"x{work}"),
        ]
    logs = [[item_of(work, provider) for work in range(WORKS)] for provider in range(3)]
    logs.append([placed(event, offset) for offset, event in enumerate(decisions)])
    errors: list[BaseException] = []
    barrier = threading.Barrier(len(logs))

    def run(log: list[Received], dice: random.Random) -> None:
        lookup = EntityResolution()
        try:
            with connect_writer(dsn, "worker") as mine:
                barrier.wait()
                while log:
                    size = dice.randint(1, 6)
                    try:
                        with mine.transaction(), mine.cursor() as cursor:
                            lookup.decide(cursor, log[:size])
                    except (TransientError, psycopg.Error) as error:
                        deadlock = isinstance(error, psycopg.errors.DeadlockDetected)
                        if deadlock or (isinstance(error, psycopg.Error) and not is_transient(error)):
                            raise
                        continue
                    log = log[size:]
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below, in the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=run, args=(log, random.Random(seed * 10 + at))) for at, log in enumerate(logs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert errors == []
    with connect_plain(dsn, "test") as connection:
        titles: dict[str, str] = dict(
            connection.execute("SELECT provider || ':' || native_id, title_id::text FROM provider_items").fetchall()
        )
        outcomes = connection.execute("SELECT DISTINCT outcome FROM resolution_decisions").fetchall()
    assert len(titles) == 3 * WORKS
    assert outcomes == [("applied",)]
    for each in range(0, WORKS, 4):
        first, second, third = titles[f"p0:{each}"], titles[f"q0:{each + 1}"], titles[f"p0:{each + 2}"]
        assert first == second == titles[f"q1:{each + 1}"]
        assert titles[f"p2:{each}"] != first
        assert titles[f"p1:{each + 2}"] == third
        assert titles[f"p2:{each + 2}"] != third
