"""The file: one SQLite database a device and user, whose transactions are on the disk when they return.

Write-ahead log with `synchronous=FULL`, so a commit survives SIGKILL and power loss. The lock is exclusive: a file has
one client at a time, and a second one is told so at once (StoreInUse). The operating system gives the lock back when
its process dies, however it dies.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from sync_client import operations, rows, statements
from sync_client.errors import StoreCorrupt, StoreFull, StoreInUse, StoreReadOnly, SyncStoreError, WrongStore
from sync_client.operations import Kind, Operation, Queued, State
from sync_client.rows import Row

APPLICATION_ID: Final = 0x4D475359
"""`MGSY` in the file's header."""
VERSION: Final = 1
_SQL: Final = statements.read(Path(__file__).with_name("queries.sql"))
_SCHEMA: Final = Path(__file__).with_name("schema.sql")
_PRIMARY: Final = 0xFF
_ADVICE: Final[dict[int, tuple[type[SyncStoreError], str]]] = {
    sqlite3.SQLITE_BUSY: (StoreInUse, "another process has it open: one client a file; close the other one"),
    sqlite3.SQLITE_LOCKED: (StoreInUse, "another connection has it open: one client a file; close the other one"),
    sqlite3.SQLITE_CORRUPT: (StoreCorrupt, ""),
    sqlite3.SQLITE_NOTADB: (StoreCorrupt, ""),
    sqlite3.SQLITE_READONLY: (
        StoreReadOnly,
        "it cannot be written: give this process write access to it and its folder",
    ),
    sqlite3.SQLITE_PERM: (StoreReadOnly, "access is denied: give this process write access to it and its folder"),
    sqlite3.SQLITE_CANTOPEN: (StoreReadOnly, "it cannot be opened: its folder must exist and be writable"),
    sqlite3.SQLITE_FULL: (StoreFull, "the disk is full: make room and try again; nothing stored before was lost"),
    sqlite3.SQLITE_IOERR: (StoreFull, "the disk fails or is full; nothing stored before was lost"),
    sqlite3.SQLITE_TOOBIG: (SyncStoreError, "the value is too big"),
}
_CORRUPT: Final = (
    "it is damaged or no file of this package. It was left as it is: move it away (`sqlite3 FILE .recover` may save "
    "operations that were not sent yet) and start with a new file, which fetches everything else anew"
)


class Store:
    """Opens or makes the file. Raises SyncStoreError: each kind says what to do."""

    def __init__(self, path: Path, user_id: str, device_id: str) -> None:
        self._path = path
        _require_access(path)
        with self._explained():
            self._connection = sqlite3.connect(path, timeout=0.2, isolation_level=None)
        try:
            with self._explained():
                self._prepare()
            self._claim(user_id, device_id)
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        with self._explained():
            self._connection.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and on the disk after the block. Raises SyncStoreError, having changed nothing."""
        with self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # SQLite has rolled back by itself after a full disk and some other errors.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    # Small values by name.

    def meta(self) -> dict[str, str]:
        with self._explained():
            return dict(self._connection.execute(_SQL["meta"]).fetchall())

    def set_meta(self, name: str, value: str | int) -> None:
        self._execute("set_meta", name=name, value=str(value))

    # The queue.

    def operations(self) -> list[Queued]:
        """In order."""
        with self._explained():
            found = self._connection.execute(_SQL["operations"]).fetchall()
        try:
            return [
                Queued(seq, operation_id, operations.decode(body), hlc, occurred_ms, State(state), reason)
                for seq, operation_id, body, hlc, occurred_ms, state, reason in found
            ]
        except (ValueError, TypeError) as error:
            raise StoreCorrupt(f"{self._path}: an operation cannot be read ({error}): {_CORRUPT}") from error

    def append(self, operation_id: str, operation: Operation, hlc: int, occurred_ms: int) -> Queued:
        body = operations.encode(operation).decode()
        cursor = self._execute("append", operation_id=operation_id, body=body, hlc=hlc, occurred_ms=occurred_ms)
        assert cursor.lastrowid is not None  # noqa: S101 - it was an INSERT
        return Queued(cursor.lastrowid, operation_id, operation, hlc, occurred_ms)

    def set_state(self, seq: int, state: State, reason: str = "") -> None:
        self._execute("set_state", seq=seq, state=state.value, reason=reason)

    def stamp(self, seq: int, hlc: int, occurred_ms: int) -> None:
        self._execute("stamp", seq=seq, hlc=hlc, occurred_ms=occurred_ms)

    def delete(self, seq: int) -> None:
        self._execute("delete", seq=seq)

    # What the service has.

    def rows(self) -> list[Row]:
        with self._explained():
            found = self._connection.execute(_SQL["rows"]).fetchall()
        try:
            return [rows.decode_row(Kind(kind), body) for kind, _, _, body in found]
        except ValueError as error:
            raise StoreCorrupt(f"{self._path}: a row cannot be read ({error}): {_CORRUPT}") from error

    def put_row(self, row: Row) -> bool:
        """False when the one known is as new."""
        kind, identifier = rows.subject_of(row)
        body = operations.encode(row).decode()
        cursor = self._execute("put_row", kind=kind.value, id=identifier, revision=row.revision, body=body)
        return cursor.rowcount > 0

    def replace_rows(self, found: Iterable[Row]) -> None:
        self._execute("delete_rows")
        for row in found:
            self.put_row(row)

    def _execute(self, statement: str, **parameters: Any) -> sqlite3.Cursor:
        with self._explained():
            return self._connection.execute(_SQL[statement], parameters)

    def _prepare(self) -> None:
        execute = self._connection.execute
        execute("PRAGMA locking_mode = EXCLUSIVE")
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = FULL")
        execute("BEGIN EXCLUSIVE")  # takes the lock, and keeps it after the commit
        try:
            application, version = execute("PRAGMA application_id").fetchone()[0], self._version()
            empty = execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
            if empty and version == 0:
                for statement in _SCHEMA.read_text().split(";"):
                    execute(statement)
                execute(f"PRAGMA application_id = {APPLICATION_ID}")
                execute(f"PRAGMA user_version = {VERSION}")
            elif application != APPLICATION_ID:
                raise WrongStore(f"{self._path}: a database of some other program; use another path")
            elif version > VERSION:
                raise WrongStore(f"{self._path}: written by a newer version ({version}, this one knows {VERSION})")
            problems = [text for (text,) in execute("PRAGMA quick_check(3)")]
            if problems != ["ok"]:
                raise StoreCorrupt(f"{self._path}: {'; '.join(problems)}: {_CORRUPT}")
            execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                execute("ROLLBACK")
            raise

    def _version(self) -> int:
        version: int = self._connection.execute("PRAGMA user_version").fetchone()[0]
        return version

    def _claim(self, user_id: str, device_id: str) -> None:
        """The first client to open the file makes it its user's and device's."""
        known = self.meta()
        wanted = {"user_id": user_id, "device_id": device_id}
        if not known.keys() & wanted.keys():
            with self.transaction():
                for name, value in wanted.items():
                    self.set_meta(name, value)
            return
        for name, value in wanted.items():
            if known.get(name) != value:
                raise WrongStore(
                    f"{self._path}: belongs to {name} {known.get(name)!r}, not {value!r}; use another path"
                )

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """SQLite's errors as ours."""
        try:
            yield
        except sqlite3.ProgrammingError as error:
            raise SyncStoreError(f"{self._path}: {error}") from error
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY
            kind, advice = _ADVICE.get(code, (SyncStoreError, "SQLite refuses"))
            raise kind(f"{self._path}: {advice or _CORRUPT} ({error})") from error


def _require_access(path: Path) -> None:
    """SQLite would open what it cannot write, and fail in several ways later. Nothing is opened here: closing a file
    gives up every lock that the process has on it."""
    effective = os.access in os.supports_effective_ids
    for place, what in ((path.parent, "folder"), (path, "file")):
        if place.exists() and not os.access(place, os.R_OK | os.W_OK, effective_ids=effective):
            raise StoreReadOnly(f"{path}: the {what} cannot be written: give this process write access to it")
