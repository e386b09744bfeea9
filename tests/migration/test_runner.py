"""The runner on small migrations of the test's own."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from migrations import runner
from runtime.connections import partitions


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_pre_a.sql").write_text("CREATE TABLE a (id int)")
    (tmp_path / "0002_post_b.sql").write_text("CREATE TABLE b (id int)")
    (tmp_path / "0003_pre_c.sql").write_text("-- two statements\nCREATE TABLE c (id int); INSERT INTO a VALUES (1);")
    return tmp_path


def relations(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        found = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        )
        return {str(row[0]) for row in found}


def test_phases_run_apart_and_in_order(empty: str, folder: Path) -> None:
    said: list[str] = []
    assert [str(step) for step in runner.plan(empty, folder)] == [
        "to do    0001_pre_a.sql",
        "to do    0002_post_b.sql",
        "to do    0003_pre_c.sql",
    ]
    assert relations(empty) == set()  # a plan changes nothing
    assert runner.apply(empty, "pre", said.append, folder=folder) == ["0001_pre_a.sql", "0003_pre_c.sql"]
    assert said == ["applied 0001_pre_a.sql", "applied 0003_pre_c.sql"]
    assert [step.applied for step in runner.plan(empty, folder)] == [True, False, True]
    assert runner.apply(empty, "post", folder=folder) == ["0002_post_b.sql"]
    assert runner.apply(empty, "all", folder=folder) == []
    assert relations(empty) == {"a", "b", "c", "schema_migrations"}


def test_a_changed_file_is_refused_before_anything_runs(empty: str, folder: Path) -> None:
    runner.apply(empty, "pre", folder=folder)
    (folder / "0001_pre_a.sql").write_text("CREATE TABLE a (id bigint)")
    for refused in (lambda: runner.apply(empty, folder=folder), lambda: runner.plan(empty, folder)):
        with pytest.raises(runner.MigrationError, match=r"0001_pre_a.sql has changed since it was applied"):
            refused()
    assert "b" not in relations(empty)


def test_a_failing_migration_leaves_those_before_it(empty: str, folder: Path) -> None:
    (folder / "0002_post_b.sql").write_text("CREATE TABLE b (id int); SELECT wrong")
    with pytest.raises(runner.MigrationError, match=r'0002_post_b.sql: column "wrong" does not exist.*rolled back'):
        runner.apply(empty, folder=folder)
    assert relations(empty) == {"a", "schema_migrations"}
    (folder / "0002_post_b.sql").write_text("CREATE TABLE b (id int)")
    assert runner.apply(empty, folder=folder) == ["0002_post_b.sql", "0003_pre_c.sql"]


def test_a_later_version_s_database_is_fine_and_a_hole_is_not(empty: str, folder: Path) -> None:
    runner.apply(empty, folder=folder)
    (folder / "0003_pre_c.sql").unlink()
    said: list[str] = []
    assert runner.apply(empty, "all", said.append, folder=folder) == []
    assert said == ["0003_pre_c.sql is from a later version than this one"]
    (folder / "0003_pre_c.sql").write_text("-- two statements\nCREATE TABLE c (id int); INSERT INTO a VALUES (1);")
    (folder / "0001_pre_a.sql").unlink()
    with pytest.raises(runner.MigrationError, match=r"0001_pre_a.sql was applied .* not in this checkout"):
        runner.apply(empty, folder=folder)


def test_runners_take_turns(empty: str, folder: Path) -> None:
    (folder / "0001_pre_a.sql").write_text("CREATE TABLE a (id int); SELECT pg_sleep(0.3)")
    done: list[list[str]] = []
    runners = [threading.Thread(target=lambda: done.append(runner.apply(empty, folder=folder))) for _ in range(3)]
    for each in runners:
        each.start()
    for each in runners:
        each.join(30)
    assert sorted(len(names) for names in done) == [0, 0, 3]


def test_a_lock_that_is_not_to_be_had_ends_it(empty: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_LOCK_TIMEOUT_MS", 200)
    runner.apply(empty, "pre", folder=folder)
    (folder / "0004_pre_d.sql").write_text("ALTER TABLE a ADD COLUMN more int")
    with psycopg.connect(empty) as holder:
        holder.execute("SELECT * FROM a")
        with pytest.raises(runner.MigrationError, match=r"0004_pre_d.sql: somebody holds a lock it needs"):
            runner.apply(empty, "pre", folder=folder)
    assert runner.apply(empty, "pre", folder=folder) == ["0004_pre_d.sql"]


def test_a_statement_has_a_time_limit(empty: str, folder: Path) -> None:
    (folder / "0001_pre_a.sql").write_text("SELECT pg_sleep(20)")
    with pytest.raises(runner.MigrationError, match=r"0001_pre_a.sql: canceling statement due to statement timeout"):
        runner.apply(empty, folder=folder, statement_seconds=1)


@pytest.fixture
def reader_role(empty: str) -> Iterator[str]:
    """The role of the embedded stack; made for the test on a server that has none."""
    role = runner.READER_ROLE
    with psycopg.connect(empty, autocommit=True) as connection:
        found = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone()
        if found is None:
            connection.execute(f"CREATE ROLE {role}".encode())
        yield role
        if found is None:
            connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())


def grants(dsn: str, role: str) -> dict[str, set[str]]:
    """Privileges given to the role itself, by table."""
    with psycopg.connect(dsn) as connection:
        found = connection.execute(
            """SELECT c.relname, a.privilege_type FROM pg_class AS c, aclexplode(c.relacl) AS a
            WHERE c.relnamespace = 'public'::regnamespace AND a.grantee = %s::regrole""",
            [role],
        ).fetchall()
    return {str(name): {str(p) for n, p in found if n == name} for name, _ in found}


def test_the_reader_role_may_read_everything_and_write_nothing(empty: str, folder: Path, reader_role: str) -> None:
    runner.apply(empty, folder=folder)
    expected = {name: {"SELECT"} for name in ("a", "b", "c", "schema_migrations")}
    assert grants(empty, reader_role) == expected
    with psycopg.connect(empty) as connection:  # as for a role that was made after the migrations had run
        connection.execute(f"REVOKE SELECT ON b FROM {reader_role}".encode())
    runner.apply(empty, folder=folder)
    assert grants(empty, reader_role) == expected


def test_partitions_made_later_need_no_grant_of_their_own(empty: str, reader_role: str) -> None:
    runner.apply(empty)
    with psycopg.connect(empty) as connection:
        partitions.require_months(connection.cursor(), "playback_history_v1", [datetime(2026, 3, 1, tzinfo=UTC)])
    given = grants(empty, reader_role)
    assert given["playback_history_v1"] == given["playback_history"] == given["change_revisions"] == {"SELECT"}
    runner.apply(empty)
    assert grants(empty, reader_role) == given, "privileges of their table count; a store test reads through it"


def test_a_server_without_the_reader_role_is_fine(empty: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "READER_ROLE", "nobody_of_this_name")
    assert len(runner.apply(empty, folder=folder)) == 3
