"""Folds a batch to the newest value of each preference of each person, stages it, and merges it in one statement."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from runtime.connections import bulk
from runtime.connections.postgres import Cursor
from runtime.settings import Settings
from runtime.sql import Statements
from schemas.read_models.preferences import READ_MODEL, TABLES, PreferenceRow
from streams.engine import live
from streams.engine.spec import StoreContext, Versions
from streams.engine.store import PostgresStore
from streams.engine.versions import PostgresVersions
from streams.materializers.preferences.transform import order

_QUERIES = Path(__file__).with_name("queries.sql")
_TYPES = ("text", "text", "text", "int8", "text", "timestamptz")


def create(context: StoreContext) -> PostgresStore:
    return PostgresStore(context, write, _QUERIES, live=True)


def versions(settings: Settings) -> Versions:
    return PostgresVersions(settings, READ_MODEL, TABLES)


def write(cursor: Cursor, statements: Statements, writes: Sequence[PreferenceRow]) -> Sequence[PreferenceRow] | None:
    bulk.stage(
        cursor,
        statements["stage_preferences"],
        statements["copy_preferences"],
        _TYPES,
        ((row.user_id, row.name, row.value, row.hlc, row.device_id, row.event_at) for row in newest(writes)),
    )
    return live.merge(cursor, statements["merge_staged"], PreferenceRow)


def newest(writes: Iterable[PreferenceRow]) -> list[PreferenceRow]:
    """The value that wins, by person and name: two transactions take their row locks in one order."""
    folded: dict[tuple[str, str], PreferenceRow] = {}
    for row in writes:
        known = folded.get((row.user_id, row.name))
        if known is None or order(row) > order(known):
            folded[row.user_id, row.name] = row
    return [folded[key] for key in sorted(folded)]
