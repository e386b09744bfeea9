import traceback

import psycopg
import pytest
from psycopg import errors
from psycopg_pool import PoolTimeout

from runtime.connections import postgres
from runtime.settings import SettingsError


@pytest.mark.parametrize(
    "kind",
    [
        errors.ConnectionFailure,  # 08006
        errors.SqlserverRejectedEstablishmentOfSqlconnection,  # 08004
        errors.IdleInTransactionSessionTimeout,  # 25P03
        errors.SerializationFailure,  # 40001
        errors.DeadlockDetected,  # 40P01
        errors.DiskFull,  # 53100
        errors.TooManyConnections,  # 53300
        errors.LockNotAvailable,  # 55P03
        errors.QueryCanceled,  # 57014
        errors.AdminShutdown,  # 57P01
        errors.CannotConnectNow,  # 57P03
        errors.IoError,  # 58030
        psycopg.OperationalError,  # no state: the connection itself broke
        psycopg.InterfaceError,  # no state: the connection is closed
        PoolTimeout,
        ConnectionResetError,
        TimeoutError,
        OSError,
    ],
)
def test_worth_trying_again(kind: type[Exception]) -> None:
    assert postgres.is_transient(kind("x"))


@pytest.mark.parametrize(
    "kind",
    [
        errors.UndefinedTable,  # 42P01
        errors.SyntaxError,  # 42601
        errors.UniqueViolation,  # 23505
        errors.NotNullViolation,  # 23502
        errors.NumericValueOutOfRange,  # 22003
        errors.InsufficientPrivilege,  # 42501
        errors.ReadOnlySqlTransaction,  # 25006
        errors.InFailedSqlTransaction,  # 25P02
        errors.ObjectInUse,  # 55006: only its sibling 55P03 is about waiting
        errors.InvalidPassword,  # 28P01
        psycopg.ProgrammingError,
        psycopg.DataError,
        psycopg.Error,
        ValueError,
        KeyError,
        KeyboardInterrupt,
    ],
)
def test_the_same_thing_would_fail_again(kind: type[BaseException]) -> None:
    assert not postgres.is_transient(kind("x"))


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresq://mg:Zq9hidden@127.0.0.1/mg",
        "host=127.0.0.1 password=two Zq9hidden",
        "postgresql://mg:%zZq9hidden@127.0.0.1/mg",
        "postgresql://127.0.0.1/mg?Zq9hidden",
    ],
)
def test_an_address_that_cannot_be_read_is_not_quoted(dsn: str) -> None:
    for open_one in (
        lambda: postgres.connect_writer(dsn, "test"),
        lambda: postgres.connect_plain(dsn, "test"),
        lambda: postgres.reader_pool(dsn, "test"),
    ):
        with pytest.raises(SettingsError, match="MG_POSTGRES_DSN") as caught:
            open_one()
        assert "Zq9hidden" not in "".join(traceback.format_exception(caught.value))


def test_nobody_there_is_transient() -> None:
    with pytest.raises(psycopg.OperationalError) as caught:
        postgres.connect_plain("postgresql://mg:Zq9hidden@127.0.0.1:1/mg", "test")
    assert postgres.is_transient(caught.value)
    assert "Zq9hidden" not in str(caught.value)


def test_a_frozen_owner_lets_go_before_kafka_gives_its_partitions_away() -> None:
    options = dict(part.split("=") for part in postgres.WRITER_OPTIONS.replace("-c ", "").split())
    session = 10_000  # session.timeout.ms of our consumers
    assert int(options["idle_in_transaction_session_timeout"]) < session
    assert int(options["lock_timeout"]) < session
    assert "default_transaction_read_only=on" in postgres.READER_OPTIONS
