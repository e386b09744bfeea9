"""Where the tests' backends come from, once per run and shared by all xdist workers (a pytest plugin).

Each of the four is looked for in this order: the address in `MG_TEST_KAFKA`, `MG_TEST_POSTGRES`, `MG_TEST_REDIS`,
`MG_TEST_QDRANT`; a container (`MG_TEST_BACKENDS=containers`); the embedded stack in a temporary folder of this run.
A backend that cannot be had skips the test with the reason, or fails it with `MG_REQUIRE_BACKENDS=1` (CI).
"""

import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit, urlunsplit

import msgspec
import psutil
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from devstack.errors import StackError
from devstack.record import locked
from devstack.stack import Stack
from runtime.settings import BackendsUnderTest, StackPorts, home_from, load_stack, load_test_backends
from tests.support import containers

PREFIX = "mg-test-"
_DROPS = 20


class Backends(msgspec.Struct, frozen=True):
    """Addresses, in the forms of `runtime.settings.Settings`.

    `home` is set when an embedded stack of this run is used: `stack_in(Path(home))` kills and restarts its backends.
    """

    kafka: str
    postgres_dsn: str
    postgres_reader_dsn: str
    redis_url: str
    qdrant_url: str
    registry_url: str = ""
    home: str = ""


class PostgresDatabase(msgspec.Struct, frozen=True):
    """A database of one test module: `dsn` owns it, `reader_dsn` may only read."""

    name: str
    dsn: str
    reader_dsn: str


# The run's folder: named by the controller, used by the workers, emptied by the controller when all of them are done.


class Run(msgspec.Struct, frozen=True):
    """One test run: its folder and the process that will clean it up (pid and start time)."""

    folder: str
    pid: int
    started: float


RUN = pytest.StashKey[Run]()


def pytest_configure(config: pytest.Config) -> None:
    worker = getattr(config, "workerinput", None)
    if worker:
        config.stash[RUN] = msgspec.json.decode(worker["mg_run"], type=Run)
        return
    me = psutil.Process()
    folder = f"{tempfile.gettempdir()}/{PREFIX}{secrets.token_hex(4)}"
    config.stash[RUN] = Run(folder=folder, pid=me.pid, started=me.create_time())


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["mg_run"] = msgspec.json.encode(node.config.stash[RUN]).decode()


@pytest.hookimpl(trylast=True)  # after xdist has ended its workers
def pytest_sessionfinish(session: pytest.Session) -> None:
    folder = Path(session.config.stash[RUN].folder)
    if not hasattr(session.config, "workerinput") and folder.exists():
        clean_up(folder)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever uses a backend is marked so: `-m "not backends"` runs the rest."""
    for item in items:
        if "backends" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.backends)


def clean_up(folder: Path) -> None:
    """Ends what a run started and deletes its folder."""
    containers.stop_all(folder)
    for found in [*folder.glob("stack.json"), *folder.glob("*/stack.json")]:
        stack_in(found.parent).down()
    shutil.rmtree(folder, ignore_errors=True)


def clean_up_abandoned(root: Path) -> None:
    """Runs that were killed leave their servers behind: the next run ends those whose controller is gone."""
    for owner in root.glob(f"{PREFIX}*/owner.json"):
        try:
            run = msgspec.json.decode(owner.read_bytes(), type=Run)
            if abs(psutil.Process(run.pid).create_time() - run.started) < 1.0:
                continue
        except psutil.NoSuchProcess:
            pass
        except (OSError, msgspec.DecodeError):
            continue
        clean_up(owner.parent)


def open_folder(run: Run) -> Path:
    folder = Path(run.folder)
    folder.mkdir(mode=0o711, exist_ok=True)
    (folder / "owner.json").write_bytes(msgspec.json.encode(run))
    return folder


def stack_in(folder: Path, preferred: StackPorts | None = None) -> Stack:
    """Ports are random, so that several runs and a `mg stack up` can be there at once; Kafka's jars are shared."""
    settings = msgspec.structs.replace(load_stack(), home=folder, ports=preferred or StackPorts(0, 0, 0, 0, 0))
    return Stack(folder, settings, cache=home_from() / "cache")


def resolve(settings: BackendsUnderTest, run: Run) -> Backends:
    """Raises StackError or containers.Unavailable with one line that says why there are none."""
    given = {
        "kafka": settings.kafka,
        "postgres_dsn": settings.postgres,
        "postgres_reader_dsn": read_only(settings.postgres) if settings.postgres else "",
        "redis_url": settings.redis,
        "qdrant_url": settings.qdrant,
    }
    given = {name: address for name, address in given.items() if address}
    if all((settings.kafka, settings.postgres, settings.redis, settings.qdrant)):
        return Backends(**given)
    folder = open_folder(run)
    if settings.kind == "containers":
        with locked(folder / "containers.lock", print):
            return Backends(**(containers.addresses(folder) | given))
    with locked(folder / "sweep.lock", print):
        clean_up_abandoned(folder.parent)
    return Backends(**({"home": str(folder)} | stack_in(folder).up() | given))


def read_only(dsn: str) -> str:
    """The same role, in sessions that start read only: a foreign server need not have our roles."""
    return make_conninfo(dsn, options="-c default_transaction_read_only=on")


def in_database(dsn: str, name: str) -> str:
    if "://" not in dsn:
        return make_conninfo(dsn, dbname=name)
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


def without_backends(error: Exception) -> NoReturn:
    """Skips, or fails where backends are required."""
    if load_test_backends().required:
        pytest.fail(f"no backends, and MG_REQUIRE_BACKENDS is set: {error}", pytrace=False)
    pytest.skip(f"no backends: {error}")


@pytest.fixture(scope="session")
def run_folder(pytestconfig: pytest.Config) -> Path:
    """A folder that is deleted after the run, with the stacks in it (`stack.json` there or one level below) ended."""
    return open_folder(pytestconfig.stash[RUN])


@pytest.fixture(scope="session")
def backends(pytestconfig: pytest.Config) -> Backends:
    try:
        return resolve(load_test_backends(), pytestconfig.stash[RUN])
    except (StackError, containers.Unavailable) as error:
        without_backends(error)


@pytest.fixture(scope="session")
def postgres_template(backends: Backends) -> str:  # the backends are there when a template is made
    """The database that `postgres_database` copies; a suite that wants a migrated one overrides this fixture."""
    return "template1"


@pytest.fixture(scope="module")
def postgres_database(backends: Backends, postgres_template: str) -> Iterator[PostgresDatabase]:
    """A fresh database for one test module, dropped afterwards."""
    database = f"mg_test_{secrets.token_hex(6)}"
    name, template = sql.Identifier(database), sql.Identifier(postgres_template)
    # An idle connection would keep a server's fault test from ending it in order: connect only to create and to drop.
    with psycopg.connect(backends.postgres_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, template))
    yield PostgresDatabase(
        name=database,
        dsn=in_database(backends.postgres_dsn, database),
        reader_dsn=in_database(backends.postgres_reader_dsn, database),
    )
    with psycopg.connect(backends.postgres_dsn, autocommit=True) as connection:
        _drop(connection, name)


def _drop(connection: psycopg.Connection[tuple[object, ...]], database: sql.Identifier) -> None:
    """FORCE is refused while a worker of the server's own (autovacuum) is in the database: it soon is done."""
    for attempt in range(_DROPS):
        try:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))
        except psycopg.errors.InsufficientPrivilege:
            if attempt == _DROPS - 1:
                raise
            time.sleep(0.5)
        else:
            return


@pytest.fixture
def random_suffix() -> str:
    """For names of collections, keys and groups that must be this test's own."""
    return secrets.token_hex(4)


@pytest.fixture
def topic_prefix(random_suffix: str) -> str:
    """For `Settings.topic_prefix`: the topics of one test."""
    return f"test-{random_suffix}-"
