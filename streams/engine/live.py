"""Merges of live read models: they tell which rows they changed, for the notices."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from runtime.connections.postgres import Cursor
from schemas.read_models.notices import MOST_ROWS, LiveRow

Row = TypeVar("Row", bound=LiveRow)


def merge(
    cursor: Cursor, statement: str, kind: type[Row], parameters: Mapping[str, Any] | None = None
) -> Sequence[Row] | None:
    """Runs a statement that reads staging tables, changes rows and returns at most %(most)s of those it changed, its
    columns named like the fields of `kind`. None when it changed more than MOST_ROWS.

    Never prepared: a plan made while a staging table held one row may be quadratic in twenty thousand.
    """
    cursor.execute(statement, {**(parameters or {}), "most": MOST_ROWS + 1}, prepare=False)
    names = [column.name for column in cursor.description or ()]
    found = cursor.fetchall()
    if len(found) > MOST_ROWS:
        return None
    return [msgspec.convert(dict(zip(names, row, strict=True)), kind) for row in found]
