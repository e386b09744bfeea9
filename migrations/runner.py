"""Brings a database to this version's schema: numbered files, one transaction each, one runner at a time.

`postgres/NNNN_pre_slug.sql` is safe before the roll-out (the code of the last version goes on working), `NNNN_post_slug
.sql` is for after it (drops, constraints that the last version would break). Within a phase files run in the order of
their numbers. A file that was applied may never change again; its checksum says so.

After each run SELECT on every table and view goes to the role `mg_reader`, when there is one. That is done here and not
in a migration, because a role belongs to the server: it can be made after the database was migrated, and a migration
that ran once would never hear of it.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from msgspec import Struct
from psycopg import Cursor, errors, sql
from psycopg.rows import TupleRow

from runtime.connections import postgres
from runtime.connections.postgres import Connection
from runtime.sql import Statements

Phase = Literal["pre", "post", "all"]
Report = Callable[[str], None]

FOLDER = Path(__file__).with_name("postgres")
READER_ROLE = "mg_reader"
_SQL = Statements(Path(__file__).with_name("runner.sql"))
_NAME = re.compile(r"(?P<number>\d{4})_(?P<phase>pre|post)_[a-z][a-z0-9_]*\.sql")
_LOCK_TIMEOUT_MS = 4000
"""A migration that waits for a lock makes everyone behind it wait too: better to give up and be run again."""
_RUNNER_TIMEOUT_MS = 60_000
"""Several processes may migrate as they start: the others wait for the first and find nothing left to do."""


class MigrationError(Exception):
    """The database cannot be migrated as it is; the message says what to do. What was applied before stays."""


class Migration(Struct, frozen=True):
    name: str
    number: int
    phase: Literal["pre", "post"]
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 (hex) of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class Step(Struct, frozen=True):
    """A line of a plan."""

    name: str
    applied: bool

    def __str__(self) -> str:
        return f"{'applied' if self.applied else 'to do  '}  {self.name}"


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """All files by number. Raises MigrationError for a name that is no migration's or a number used twice."""
    found: dict[int, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        if path.name == "schema.sql":
            continue
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{path.name}: a migration is called NNNN_pre_slug.sql or NNNN_post_slug.sql")
        number = int(match["number"])
        if number in found:
            raise MigrationError(f"{path.name}: number {number:04} is taken by {found[number].name}")
        phase: Literal["pre", "post"] = "pre" if match["phase"] == "pre" else "post"
        found[number] = Migration(path.name, number, phase, path.read_text())
    return [found[number] for number in sorted(found)]


def plan(dsn: str, folder: Path = FOLDER) -> list[Step]:
    """Every migration in order and whether it was applied; changes nothing. Raises MigrationError as `apply` does."""
    with postgres.connect_plain(dsn, "mg-migrate") as connection, connection.cursor() as cursor:
        applied = _applied(cursor)
    files = migrations(folder)
    _verify(files, applied)
    return [Step(each.name, each.name in applied) for each in files]


def apply(
    dsn: str,
    phase: Phase = "all",
    report: Report = lambda _: None,
    *,
    statement_seconds: int = 900,
    folder: Path = FOLDER,
) -> list[str]:
    """Runs what is missing of `phase` and returns the names. `statement_seconds` limits one statement (0: no limit).

    Raises MigrationError when an applied file has changed or is missing, when another runner is at work for longer
    than a minute, or when a migration fails: it is rolled back and those before it stay. A database that a later
    version has migrated is fine, since `pre` migrations leave this version working; `report` hears of it.
    """
    files = migrations(folder)
    done: list[str] = []
    with postgres.connect_plain(dsn, "mg-migrate") as connection, _one_runner(connection):
        with connection.cursor() as cursor:
            cursor.execute(_SQL["create_schema_migrations"])
            applied = _applied(cursor)
        for name in _verify(files, applied):
            report(f"{name} is from a later version than this one")
        for each in files:
            if each.name not in applied and phase in (each.phase, "all"):
                _run(connection, each, statement_seconds)
                report(f"applied {each.name}")
                done.append(each.name)
        _grant(connection)
    return done


def _run(connection: Connection, migration: Migration, statement_seconds: int) -> None:
    try:
        with connection.transaction(), connection.cursor() as cursor:
            _limit(cursor, "statement_timeout", statement_seconds * 1000)
            _limit(cursor, "lock_timeout", _LOCK_TIMEOUT_MS)
            cursor.execute(migration.text.encode())
            cursor.execute(
                _SQL["record_migration"], {"name": migration.name, "checksum": migration.checksum}, prepare=False
            )
    except errors.LockNotAvailable as error:
        raise MigrationError(
            f"{migration.name}: somebody holds a lock it needs for more than {_LOCK_TIMEOUT_MS / 1000:.0f} s; "
            f"nothing was changed, run `mg migrate` again"
        ) from error
    except postgres.Error as error:
        raise MigrationError(f"{migration.name}: {' '.join(str(error).split())}; it was rolled back") from error


def _limit(cursor: Cursor[TupleRow], name: str, milliseconds: int) -> None:
    cursor.execute(_SQL["limit"], {"name": name, "value": str(milliseconds)})


@contextmanager
def _one_runner(connection: Connection) -> Iterator[None]:
    """Session lock: it outlives the transactions and ends with the connection, whatever becomes of us."""
    with connection.cursor() as cursor:
        try:
            with connection.transaction():
                _limit(cursor, "lock_timeout", _RUNNER_TIMEOUT_MS)
                cursor.execute(_SQL["lock_runner"])
        except errors.LockNotAvailable as error:
            raise MigrationError("another `mg migrate` is at work on this database: wait for it, or end it") from error
    yield


def _applied(cursor: Cursor[TupleRow]) -> dict[str, str]:
    cursor.execute(_SQL["migrations_exist"])
    if cursor.fetchone() == (False,):
        return {}
    cursor.execute(_SQL["applied_migrations"])
    return {str(name): str(checksum) for name, checksum in cursor}


def _verify(files: list[Migration], applied: dict[str, str]) -> list[str]:
    """Names that only a later version knows. Raises MigrationError when the past is not what the files say."""
    known = {each.name: each.checksum for each in files}
    newest = files[-1].name if files else ""
    for name, checksum in applied.items():
        if name not in known and name < newest:
            raise MigrationError(
                f"{name} was applied to this database but is not in this checkout: use the version that has it"
            )
        if known.get(name, checksum) != checksum:
            raise MigrationError(
                f"{name} has changed since it was applied: put the file back and write a new migration "
                f"(on a database of your own, `mg stack reset` starts over)"
            )
    return [name for name in applied if name not in known]


def _grant(connection: Connection) -> None:
    """Grants only what is missing, so that a run with nothing to do touches no catalog row."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(_SQL["unreadable"], {"role": READER_ROLE})
        names = [str(row[0]) for row in cursor]
        if not names:
            return
        role = sql.Identifier(READER_ROLE)
        cursor.execute(_SQL["current_schema"])
        row = cursor.fetchone()
        schema = sql.Identifier(str(row[0]) if row else "public")
        tables = sql.SQL(", ").join(map(sql.Identifier, names))
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, role))
        cursor.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(tables, role))
