"""Stages a batch and adds what is not there; lets a few of the oldest rows go."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runtime.connections import bulk
from runtime.connections.postgres import Cursor
from runtime.settings import Settings
from runtime.sql import Statements
from schemas.read_models.availability_changes import KEPT_DAYS, READ_MODEL, TABLES, AvailabilityChangeRow
from streams.engine.spec import StoreContext, Versions
from streams.engine.store import PostgresStore
from streams.engine.versions import PostgresVersions

_QUERIES = Path(__file__).with_name("queries.sql")
_TYPES = ("int4", "int8", "text", "text", "text", "text", "text", "text")


def create(context: StoreContext) -> PostgresStore:
    return PostgresStore(context, write, _QUERIES)


def versions(settings: Settings) -> Versions:
    return PostgresVersions(settings, READ_MODEL, TABLES)


def write(cursor: Cursor, statements: Statements, writes: Sequence[AvailabilityChangeRow]) -> None:
    bulk.stage(cursor, statements["stage_changes"], statements["copy_changes"], _TYPES, map(_values, writes))
    bulk.merge(cursor, statements["merge_staged"])
    # Unprepared as the merge is: it reads a staging table too.
    cursor.execute(statements["forget"], {"days": KEPT_DAYS, "most": 2 * len(writes)}, prepare=False)


def _values(row: AvailabilityChangeRow) -> tuple[Any, ...]:
    place = (row.partition, row.log_offset)
    return (*place, row.event_id, row.title_id, row.provider, row.region, row.change, row.document)
