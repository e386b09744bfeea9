"""The law of deltas: whoever reads pages until there are no more has every row as it last was, and got none twice.

Each kind has one writer, as in production, but their transactions overlap as they like: a lower revision of one kind
may become visible after a higher one of another.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from query_api.user_changes.cursor import READ_MODEL_OF, Cursor, kind_of
from query_api.user_changes.reader import Changes, read_changes
from runtime.connections import postgres
from runtime.connections.postgres import AsyncPool
from schemas.read_models.devices import DeviceCommandRow, DeviceRow
from schemas.read_models.notices import LiveRow
from schemas.read_models.playback_history import SessionRow
from schemas.read_models.preferences import PreferenceRow
from tests.support import user_rows
from tests.support.backends import PostgresDatabase
from tests.support.user_rows import AT

Writer = psycopg.Connection[Any]
WRITE: dict[str, Callable[[Writer, str, str], int]] = {
    "watch_state": user_rows.watch_state,
    "watchlist": user_rows.watchlist,
    "ratings": user_rows.rating,
    "preferences": user_rows.preference,
    "devices": user_rows.device,
    "device_commands": lambda writer, user, key: user_rows.command(writer, user, key, AT.replace(year=2030)),
    "playback_history": user_rows.session,
}
Step = tuple[str, Any, str]


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """Of a few kinds, so that their transactions meet."""
    kinds = st.sampled_from(draw(st.permutations(sorted(WRITE)))[: draw(st.integers(2, 7))])
    write = st.tuples(st.just("write"), kinds, st.sampled_from(["a", "b", "c"]))
    commit = st.tuples(st.just("commit"), kinds, st.just(""))
    read = st.tuples(st.just("read"), st.integers(1, 4), st.just(""))
    return draw(st.lists(st.one_of(write, commit, read), min_size=8, max_size=40))


USERS = itertools.count()


@pytest.fixture(scope="module")
def writers(migrated: PostgresDatabase) -> Iterator[dict[str, Writer]]:
    """One a read model, not in autocommit."""
    user_rows.connect(migrated.dsn).close()
    found = {read_model: psycopg.connect(migrated.dsn) for read_model in set(READ_MODEL_OF.values())}
    yield found
    for writer in found.values():
        writer.close()


class Device:
    """What somebody who only reads deltas has."""

    def __init__(self, pool: AsyncPool, user: str) -> None:
        self._pool = pool
        self._user = user
        self._cursor = Cursor()
        self.rows: dict[tuple[str, str], int] = {}
        self._got: set[int] = set()

    async def read(self, limit: int) -> Changes:
        found = await read_changes(self._pool, self._user, self._cursor, limit, AT)
        assert len(found.rows) <= limit
        for row in found.rows:
            assert row.revision not in self._got, "told twice"
            self._got.add(row.revision)
            self.rows[kind_of(row), key_of(row)] = row.revision
        self._cursor = Cursor.decode(self._user, found.cursor.encode(self._user))
        return found


def key_of(row: LiveRow) -> str:
    match row:
        case DeviceRow():
            return row.device_id
        case DeviceCommandRow():
            return row.command_id
        case SessionRow():
            return row.session_id
        case PreferenceRow():
            return row.name
    return row.title_id


@given(steps=histories())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_last_state_of_every_row_arrives_once(
    migrated: PostgresDatabase, writers: dict[str, Writer], steps: list[Step]
) -> None:
    user = f"law{next(USERS)}"
    pool = postgres.reader_pool(migrated.reader_dsn, "mg-test", size=1)
    await pool.open()
    device, last = Device(pool, user), dict[tuple[str, str], int]()
    try:
        for action, subject, key in steps:
            if action == "write":
                last[subject, key] = WRITE[subject](writers[READ_MODEL_OF[subject]], user, key)
            elif action == "commit":
                writers[READ_MODEL_OF[subject]].commit()
            else:
                await device.read(subject)
        for writer in writers.values():
            writer.commit()
        while (await device.read(3)).more:
            pass
        assert device.rows == last
        assert not (await device.read(3)).rows
    finally:
        await pool.close()
        for writer in writers.values():
            writer.rollback()
