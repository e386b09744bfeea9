"""Folds a batch to the newest write a title, stages it, and merges it in one statement."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from runtime.connections import bulk
from runtime.connections.postgres import Cursor
from runtime.settings import Settings
from runtime.sql import Statements
from schemas.read_models.title_catalog import READ_MODEL, TABLES
from streams.engine.spec import StoreContext, Versions
from streams.engine.store import PostgresStore
from streams.engine.versions import PostgresVersions
from streams.materializers.title_catalog.transform import TitleWrite

_QUERIES = Path(__file__).with_name("queries.sql")
_TITLE_TYPES = (
    "text", "int8", "text", "text", "text", "text", "text", "text[]", "int4", "float8", "text", "timestamptz",
    "timestamptz",
)  # fmt: skip
_EXTERNAL_ID_TYPES = ("text", "text", "text")


def create(context: StoreContext) -> PostgresStore:
    return PostgresStore(context, write, _QUERIES)


def versions(settings: Settings) -> Versions:
    return PostgresVersions(settings, READ_MODEL, TABLES)


def write(cursor: Cursor, statements: Statements, writes: Sequence[TitleWrite]) -> None:
    titles = newest(writes)
    bulk.stage(cursor, statements["stage_titles"], statements["copy_titles"], _TITLE_TYPES, map(_row, titles))
    bulk.stage(
        cursor,
        statements["stage_external_ids"],
        statements["copy_external_ids"],
        _EXTERNAL_ID_TYPES,
        _external_ids(titles),
    )
    bulk.merge(cursor, statements["merge_staged"])


def newest(writes: Iterable[TitleWrite]) -> list[TitleWrite]:
    """The write of each title that wins, by title id: two transactions take their row locks in one order."""
    folded: dict[str, TitleWrite] = {}
    for each in writes:
        known = folded.get(each.title_id)
        if known is None or (each.version, each.state) > (known.version, known.state):
            folded[each.title_id] = each
    return [folded[title_id] for title_id in sorted(folded)]


def _row(title: TitleWrite) -> tuple[Any, ...]:
    return (
        title.title_id,
        title.version,
        title.state,
        title.successor_id,
        title.kind,
        title.name,
        title.name_key,
        list(title.name_keys),
        title.year,
        title.popularity,
        title.document,
        title.created_at,
        title.event_at,
    )


def _external_ids(titles: Iterable[TitleWrite]) -> Iterator[tuple[str, str, str]]:
    for title in titles:
        for source, value in title.external_ids:
            yield title.title_id, source, value
