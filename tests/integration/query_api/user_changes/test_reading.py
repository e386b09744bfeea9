"""Deltas over real PostgreSQL: nothing skipped, nothing twice, whatever is written meanwhile."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from query_api.user_changes.cursor import MOST_DAYS, READ_MODEL_OF, Cursor, Mark, kind_of
from query_api.user_changes.reader import Changes, read_changes
from query_api.user_changes.responses import ChangesResponse
from runtime.connections.postgres import AsyncPool
from runtime.http.problems import Problem
from tests.support import user_rows
from tests.support.user_rows import AT

Written = psycopg.Connection[Any]


async def everything(pool: AsyncPool, user: str, since: Cursor | None = None, limit: int = 500) -> list[Changes]:
    """Page by page until there is no more."""
    pages = [await read_changes(pool, user, since or Cursor(), limit, AT)]
    while pages[-1].more:
        pages.append(await read_changes(pool, user, pages[-1].cursor, limit, AT))
    return pages


def revisions(pages: list[Changes]) -> list[int]:
    return [row.revision for page in pages for row in page.rows]


def one_of_each(written: Written, user: str) -> list[int]:
    return [
        user_rows.watch_state(written, user, "heat", watched=True, watched_hlc=2**62, watched_device="phone"),
        user_rows.watchlist(written, user, "heat"),
        user_rows.rating(written, user, "heat"),
        user_rows.preference(written, user, "audio"),
        user_rows.device(written, user, "tv"),
        user_rows.command(written, user, "c1", AT + timedelta(seconds=1)),
        user_rows.session(written, user, "s1"),
    ]


async def test_every_kind_of_row(written: Written, pool: AsyncPool) -> None:
    expected = one_of_each(written, "ann")
    one_of_each(written, "bob")
    (page,) = await everything(pool, "ann")
    assert revisions([page]) == expected
    assert {kind_of(row) for row in page.rows} == set(READ_MODEL_OF)
    shown = ChangesResponse.of("ann", page)
    assert shown.watch_states[0].watched is not None
    assert shown.watch_states[0].watched.hlc == str(2**62)
    assert shown.watchlist[0].added == {"tag-heat": str(2**53 + 1)}
    assert shown.preferences[0].value == "en"
    assert [shown.ratings[0].rating, shown.devices[0].device_id, shown.commands[0].command_id] == [4.5, "tv", "c1"]
    assert shown.sessions[0].ended_at is None
    assert (await everything(pool, "ann", Cursor.decode("ann", shown.cursor)))[0].rows == ()


@pytest.mark.parametrize("limit", [1, 2, 3, 8])
async def test_pages_join_up(written: Written, pool: AsyncPool, limit: int) -> None:
    user = f"pages{limit}"
    expected = one_of_each(written, user) + one_of_each(written, user)
    expected = expected[7:]
    pages = await everything(pool, user, limit=limit)
    assert revisions(pages) == expected
    assert all(len(page.rows) == limit for page in pages[:-1])
    assert 1 <= len(pages[-1].rows) <= limit


async def test_ends_are_told(written: Written, pool: AsyncPool) -> None:
    one_of_each(written, "ends")
    cursor = (await everything(pool, "ends"))[-1].cursor
    user_rows.watchlist(written, "ends", "heat", removed=True)
    user_rows.device(written, "ends", "tv", removed=True)
    user_rows.preference(written, "ends", "audio", None)
    user_rows.command(written, "ends", "late", AT)
    (page,) = await everything(pool, "ends", cursor)
    shown = ChangesResponse.of("ends", page)
    assert [item.present for item in shown.watchlist] == [False]
    assert shown.watchlist[0].removed == {"tag-heat": str(2**53 + 2)}
    assert [device.removed for device in shown.devices] == [True]
    assert [(each.present, each.value) for each in shown.preferences] == [(False, None)]
    assert shown.commands == (), "nobody may carry out what has expired"


async def test_kinds_that_were_not_asked_for_stay_where_they_were(written: Written, pool: AsyncPool) -> None:
    one_of_each(written, "some")
    page = await read_changes(pool, "some", Cursor(), 10, AT, kinds=("ratings", "device_commands"))
    assert {kind_of(row) for row in page.rows} == {"ratings", "device_commands"}
    assert set(page.cursor.marks) == {"ratings", "device_commands"}
    assert len(revisions(await everything(pool, "some", page.cursor))) == 5


async def test_a_slow_writer_of_one_kind_loses_nothing(written: Written, pool: AsyncPool, migrated: Any) -> None:
    """Its revision is given out before, and becomes visible after, those of the others."""
    with psycopg.connect(migrated.dsn) as slow:
        late = user_rows.rating(slow, "slow", "heat")
        early = user_rows.watchlist(written, "slow", "heat")
        assert late < early
        (page,) = await everything(pool, "slow")
        assert revisions([page]) == [early]
        slow.commit()
    assert revisions(await everything(pool, "slow", page.cursor)) == [late]


async def test_rows_and_positions_are_of_one_moment(written: Written, pool: AsyncPool) -> None:
    user_rows.moved(written, "ratings", "ratings", 41)
    user_rows.rating(written, "pos", "heat")
    (page,) = await everything(pool, "pos")
    assert page.positions["ratings", 0] == 41
    assert page.as_of is not None


async def test_another_version_of_a_read_model_is_told_from_its_start(written: Written, pool: AsyncPool) -> None:
    """A rebuilt version numbers its rows anew: a revision of the old one says nothing about them."""
    one_of_each(written, "rebuilt")
    before = (await everything(pool, "rebuilt"))[-1].cursor
    written.execute("CREATE TABLE watchlist_v2 (LIKE watchlist_v1 INCLUDING ALL)")
    user_rows.watchlist(written, "rebuilt", "heat", version=2)
    user_rows.watchlist(written, "rebuilt", "ran", version=2)
    written.execute("UPDATE watchlist_v2 SET revision = length(title_id)")  # below those of the old version
    with written.transaction():
        written.execute("CREATE OR REPLACE VIEW watchlist AS SELECT * FROM watchlist_v2")
        written.execute("UPDATE read_model_versions SET version = 2 WHERE read_model = 'watchlist'")
    try:
        (page,) = await everything(pool, "rebuilt", before)
        assert [(kind_of(row), row.revision) for row in page.rows] == [("watchlist", 3), ("watchlist", 4)]
        assert page.cursor.marks["watchlist"].version == 2
        assert page.cursor.marks["ratings"] == before.marks["ratings"]
    finally:
        with written.transaction():
            written.execute("CREATE OR REPLACE VIEW watchlist AS SELECT * FROM watchlist_v1")
            written.execute("UPDATE read_model_versions SET version = 1 WHERE read_model = 'watchlist'")
        written.execute("DROP TABLE watchlist_v2")


async def test_cursors_that_are_too_old(written: Written, pool: AsyncPool) -> None:
    one_of_each(written, "old")
    (page,) = await everything(pool, "old")
    last = AT + timedelta(days=MOST_DAYS)
    assert (await read_changes(pool, "old", page.cursor, 10, last)).rows == ()
    with pytest.raises(Problem, match="cursor-too-old"):
        await read_changes(pool, "old", page.cursor, 10, last + timedelta(seconds=1))


@pytest.mark.parametrize("revision", [10**9, 2**63 - 1, 2**63, 2**64 - 1])
async def test_cursors_of_another_database(written: Written, pool: AsyncPool, revision: int) -> None:
    user_rows.rating(written, "foreign", "heat")
    cursor = Cursor(int(AT.timestamp()), {"ratings": Mark(1, revision)})
    with pytest.raises(Problem, match="cursor-too-old"):
        await read_changes(pool, "foreign", Cursor.decode("foreign", cursor.encode("foreign")), 10, AT)


async def test_a_database_without_any_revision(pool: AsyncPool, written: Written) -> None:
    """The sequence's first value is not given out before it was called."""
    assert (await everything(pool, "nobody"))[0].rows == ()
