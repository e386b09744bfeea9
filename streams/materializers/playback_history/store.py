"""Folds a batch to the newest of each session, makes partitions of new months, stages and merges it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from runtime.connections import bulk, partitions
from runtime.connections.postgres import Cursor
from runtime.connections.versions import physical
from runtime.settings import Settings
from runtime.sql import Statements
from schemas.read_models.playback_history import READ_MODEL, TABLES, SessionRow
from streams.engine import live
from streams.engine.spec import StoreContext, Versions
from streams.engine.store import PostgresStore
from streams.engine.versions import PostgresVersions
from streams.materializers.playback_history.transform import order

_QUERIES = Path(__file__).with_name("queries.sql")
_TYPES = (
    "text", "text", "text", "text", "text", "timestamptz", "timestamptz", "text", "int8", "int8", "int8", "int8",
)  # fmt: skip


def create(context: StoreContext) -> PostgresStore:
    return PostgresStore(context, write, _QUERIES, live=True)


def versions(settings: Settings) -> Versions:
    return PostgresVersions(settings, READ_MODEL, TABLES)


def write(cursor: Cursor, statements: Statements, writes: Sequence[SessionRow]) -> Sequence[SessionRow] | None:
    sessions = newest(writes)
    begins = [row.started_at for row in sessions]
    partitions.require_months(cursor, physical(READ_MODEL, statements.version or 1), begins)
    bulk.stage(cursor, statements["stage_sessions"], statements["copy_sessions"], _TYPES, map(_values, sessions))
    span = {"earliest": min(begins), "latest": max(begins)}
    return live.merge(cursor, statements["merge_staged"], SessionRow, span)


def newest(writes: Iterable[SessionRow]) -> list[SessionRow]:
    """What wins of each session, by key: two transactions take their row locks in one order."""
    folded: dict[tuple[str, str, datetime], SessionRow] = {}
    for row in writes:
        key = (row.user_id, row.session_id, row.started_at)
        known = folded.get(key)
        if known is None or order(row) > order(known):
            folded[key] = row
    return [folded[key] for key in sorted(folded)]


def _values(row: SessionRow) -> tuple[Any, ...]:
    return (
        row.user_id,
        row.session_id,
        row.title_id,
        row.device_id,
        row.region,
        row.started_at,
        row.ended_at,
        row.reason,
        row.position_ms,
        row.duration_ms,
        row.watched_ms,
        row.hlc,
    )
