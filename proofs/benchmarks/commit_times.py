"""When each row was committed, as PostgreSQL tells it afterwards: `pg_xact_commit_timestamp(xmin)`."""

import signal

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from devstack.postgres import SUPERUSER, password
from proofs.system import System, wait_until


def superuser(system: System) -> str:
    """How the stack's superuser connects."""
    return make_conninfo(system.settings.postgres_dsn, user=SUPERUSER, password=password(system.home, SUPERUSER))


def stamp(system: System) -> None:
    """Makes PostgreSQL keep when each transaction was committed, and how long flushes of its log take. That takes a
    restart."""
    with psycopg.connect(superuser(system), autocommit=True) as connection:
        for setting in ("track_commit_timestamp", "track_wal_io_timing"):
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = on").format(sql.Identifier(setting)))
    system.stack.kill("postgres", signal.SIGINT)
    system.stack.start("postgres")
    wait_until(system.is_ready, 120, "ready after the restart of PostgreSQL")
