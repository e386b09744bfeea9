"""Entity resolution as the product runs it, over a database that is made for one evaluation and dropped after it."""

import secrets
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from devstack import record
from devstack.stack import Stack
from migrations import runner
from proofs.evaluation.manifest import ItemKey, Labelled
from proofs.evaluation.moment import MOMENT
from runtime import settings as settings_module
from schemas.envelope import Position, derived_id
from schemas.types.catalog import CanonicalItem, ProviderItemNormalized
from streams.engine.spec import Received
from streams.processors.entity_resolution.lookup import EntityResolution
from streams.processors.entity_resolution.weighting import Weights

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Resolved:
    """Title of every item, items that a person is asked about, and seconds it took."""

    titles: dict[ItemKey, str]
    reviewed: frozenset[ItemKey]
    seconds: float


def resolve_all(
    dsn: str,
    items: Sequence[Labelled],
    progress: Callable[[int], None] = lambda _: None,
    weights: Weights | None = None,
) -> Resolved:
    """All items in their order, in batches, one transaction each."""
    lookup = EntityResolution(no_works=True, weights=weights)
    started = time.perf_counter()
    with psycopg.connect(dsn) as connection:
        done = 0
        for batch in _batches(items):
            with connection.transaction(), connection.cursor() as cursor:
                lookup.decide(cursor, batch)
            done += len(batch)
            progress(len(batch))
            if done % 5000 < _BATCH:
                analyze(connection)
        seconds = time.perf_counter() - started
        rows = connection.execute("SELECT provider, native_id, title_id::text FROM provider_items").fetchall()
        reviews = connection.execute("SELECT DISTINCT provider, native_id FROM resolution_reviews").fetchall()
    titles = {(provider, native_id): title for provider, native_id, title in rows}
    return Resolved(titles, frozenset((provider, native_id) for provider, native_id in reviews), seconds)


def _batches(items: Sequence[Labelled]) -> Iterator[list[Received]]:
    offset = 0
    for batch in _sliced(items):
        yield [received(one.provider, one.native_id, one.item, offset + place) for place, one in enumerate(batch)]
        offset += len(batch)


def received(provider: str, native_id: str, item: CanonicalItem, offset: int) -> Received:
    """As it would come from the topic."""
    event = ProviderItemNormalized(
        event_id=derived_id(f"{provider}:{native_id}", "evaluation", offset),
        occurred_at=MOMENT,
        provider=provider,
        native_id=native_id,
        delivery_id="evaluation",
        source_time=MOMENT,
        item=item,
    )
    return Received(event, Position("provider-items", 0, offset), None, MOMENT)


def analyze(connection: psycopg.Connection) -> None:
    """As autovacuum would, had it the time."""
    with connection.transaction():
        connection.execute("ANALYZE provider_items, title_blocks, titles")


def _sliced(items: Sequence[Labelled]) -> Iterator[Sequence[Labelled]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]


@contextmanager
def scratch_database() -> Iterator[str]:
    """Address of a migrated database: on the configured PostgreSQL, or the local one, which is started if need be."""
    with _server() as dsn:
        name = f"mg_eval_{secrets.token_hex(6)}"
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            mine = make_conninfo(dsn, dbname=name)
            runner.apply(mine)
            yield mine
        finally:
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def _server() -> Iterator[str]:
    home = settings_module.home_from()
    dsn = settings_module.environment().get("MG_POSTGRES_DSN") or record.load(home).addresses.get("postgres_dsn", "")
    if dsn and _answers(dsn):
        yield dsn
        return
    stack = Stack(home)
    stack.start("postgres")
    try:
        yield record.load(home).addresses["postgres_dsn"]
    finally:
        stack.kill("postgres", signal.SIGINT)  # a fast shutdown


def _answers(dsn: str) -> bool:
    try:
        psycopg.connect(dsn, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True
