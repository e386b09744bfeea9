"""Folds a batch to the newest rating of each person for each title, stages it, and merges it in one statement."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from runtime.connections import bulk
from runtime.connections.postgres import Cursor
from runtime.settings import Settings
from runtime.sql import Statements
from schemas.read_models.ratings import READ_MODEL, TABLES, RatingRow
from streams.engine import live
from streams.engine.spec import StoreContext, Versions
from streams.engine.store import PostgresStore
from streams.engine.versions import PostgresVersions
from streams.materializers.ratings.transform import order

_QUERIES = Path(__file__).with_name("queries.sql")
_TYPES = ("text", "text", "float8", "int8", "text", "timestamptz")


def create(context: StoreContext) -> PostgresStore:
    return PostgresStore(context, write, _QUERIES, live=True)


def versions(settings: Settings) -> Versions:
    return PostgresVersions(settings, READ_MODEL, TABLES)


def write(cursor: Cursor, statements: Statements, writes: Sequence[RatingRow]) -> Sequence[RatingRow] | None:
    bulk.stage(
        cursor,
        statements["stage_ratings"],
        statements["copy_ratings"],
        _TYPES,
        ((row.user_id, row.title_id, row.rating, row.hlc, row.device_id, row.rated_at) for row in newest(writes)),
    )
    return live.merge(cursor, statements["merge_staged"], RatingRow)


def newest(writes: Iterable[RatingRow]) -> list[RatingRow]:
    """The rating that wins, by person and title: two transactions take their row locks in one order."""
    folded: dict[tuple[str, str], RatingRow] = {}
    for row in writes:
        known = folded.get((row.user_id, row.title_id))
        if known is None or order(row) > order(known):
            folded[row.user_id, row.title_id] = row
    return [folded[key] for key in sorted(folded)]
