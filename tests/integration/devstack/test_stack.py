"""The real thing: all five processes, in one folder, one after the other (each test leaves the stack up)."""

import secrets
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from qdrant_client import QdrantClient
from qdrant_client.models import Distance, PointStruct, VectorParams

from devstack import ports, record
from devstack.errors import StackError
from devstack.stack import Stack
from runtime.settings import StackPorts
from tests.support.backends import stack_in, without_backends

TOPIC = "survivors"
LARGE = b"x" * 5_500_000
QUIET = {"log_level": 0}

pytestmark = pytest.mark.backends


@pytest.fixture(scope="module")
def preferred() -> StackPorts:
    return StackPorts(*(ports.choose(0) for _ in StackPorts.__struct_fields__))


@pytest.fixture(scope="module")
def stack(run_folder: Path, preferred: StackPorts) -> Iterator[Stack]:
    """A stack of its own: the other tests of the run would not like theirs to be killed."""
    stack = stack_in(run_folder / f"stack-{secrets.token_hex(4)}", preferred)
    try:
        stack.up()
    except StackError as error:
        without_backends(error)
    yield stack
    stack.down()


@pytest.fixture
def addresses(stack: Stack) -> dict[str, str]:
    return stack.up()


def processes_of(stack: Stack) -> dict[str, int | None]:
    return {status.name: status.pid for status in stack.status()}


def test_a_second_up_finds_the_first(stack: Stack, addresses: dict[str, str]) -> None:
    before = processes_of(stack)
    begun = time.monotonic()
    assert Stack(stack.home).up() == addresses
    assert time.monotonic() - begun < 5
    assert processes_of(stack) == before
    assert None not in before.values()


def test_status_shows_all_of_them_and_no_password(stack: Stack, addresses: dict[str, str]) -> None:
    statuses = stack.status()
    assert [status.name for status in statuses] == ["kafka", "postgres", "redis", "qdrant", "registry"]
    for status in statuses:
        assert status.state == "running"
        assert status.rss > 1_000_000
        assert stack.log(status.name).exists()
    password = (stack.home / "secrets" / "postgres-mg").read_text()
    assert password in addresses["postgres_dsn"]
    assert password not in str(statuses)


def test_files_with_secrets_are_private(stack: Stack, addresses: dict[str, str]) -> None:
    private = [stack.home / "stack.json", stack.home / "providers.json", *(stack.home / "secrets").iterdir()]
    assert [stat.S_IMODE(path.stat().st_mode) for path in private] == [0o600] * len(private)


def test_servers_listen_on_loopback_only(stack: Stack, addresses: dict[str, str]) -> None:
    heard = set()
    for pid in processes_of(stack).values():
        for connection in psutil.Process(pid).net_connections("inet"):
            if connection.status == psutil.CONN_LISTEN:
                heard.add(connection.laddr.ip.removeprefix("::ffff:"))
    assert heard == {"127.0.0.1"}


def test_the_reader_cannot_write_even_when_it_asks_to(addresses: dict[str, str]) -> None:
    with psycopg.connect(addresses["postgres_dsn"], autocommit=True) as owner:
        owner.execute("CREATE TABLE IF NOT EXISTS readable (n int)")
    with psycopg.connect(addresses["postgres_reader_dsn"], autocommit=True) as reader:
        assert reader.execute("SELECT count(*) FROM readable").fetchone() == (0,)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            reader.execute("INSERT INTO readable VALUES (1)")
        reader.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("INSERT INTO readable VALUES (1)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("CREATE TABLE mine (n int)")


def test_up_completes_what_an_interrupted_up_left_out(stack: Stack, addresses: dict[str, str]) -> None:
    secret = (stack.home / "secrets" / "postgres-postgres").read_text()
    superuser = psycopg.conninfo.make_conninfo(addresses["postgres_dsn"], user="postgres", password=secret)
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("DROP OWNED BY mg_reader")
        connection.execute("DROP ROLE mg_reader")
    stack.up()
    with psycopg.connect(addresses["postgres_reader_dsn"]) as reader:
        assert reader.execute("SHOW default_transaction_read_only").fetchone() == ("on",)


def test_postgres_asks_for_a_password(addresses: dict[str, str]) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(psycopg.conninfo.make_conninfo(addresses["postgres_dsn"], password="wrong"))


def test_postgres_settings_keep_what_was_committed(addresses: dict[str, str]) -> None:
    with psycopg.connect(addresses["postgres_dsn"]) as connection:
        rows = connection.execute(
            "SELECT current_setting('synchronous_commit'), current_setting('fsync'), "
            "current_setting('server_encoding'), lower('ÉÑ')"
        ).fetchone()
    assert rows == ("on", "on", "UTF8", "éñ")


def write_everywhere(addresses: dict[str, str]) -> None:
    admin = AdminClient({"bootstrap.servers": addresses["kafka"], **QUIET})
    failure = admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].exception(20)
    assert failure is None or failure.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS
    delivered = []
    producer = Producer(
        {"bootstrap.servers": addresses["kafka"], "acks": "all", "message.max.bytes": 8_000_000, **QUIET}
    )
    producer.produce(TOPIC, LARGE, on_delivery=lambda error, _message: delivered.append(error))
    producer.flush(20)
    assert delivered == [None]
    with psycopg.connect(addresses["postgres_dsn"]) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS survivors (n int PRIMARY KEY)")
        connection.execute("INSERT INTO survivors VALUES (7) ON CONFLICT DO NOTHING")
    with redis.from_url(addresses["redis_url"]) as client:
        client.set("survivor", "7")
    qdrant = QdrantClient(url=addresses["qdrant_url"], check_compatibility=False)
    if not qdrant.collection_exists("survivors"):
        qdrant.create_collection("survivors", vectors_config=VectorParams(size=2, distance=Distance.COSINE))
    qdrant.upsert("survivors", [PointStruct(id=7, vector=[0.0, 1.0], payload={"n": 7})], wait=True)
    qdrant.close()


def assert_everything_is_there(addresses: dict[str, str]) -> None:
    consumer = Consumer({"bootstrap.servers": addresses["kafka"], "group.id": "check", **QUIET})
    consumer.assign([TopicPartition(TOPIC, 0, 0)])
    message = consumer.poll(20)
    consumer.close()
    assert message is not None
    assert message.value() == LARGE
    with psycopg.connect(addresses["postgres_reader_dsn"]) as connection:
        assert connection.execute("SELECT n FROM survivors").fetchall() == [(7,)]
    with redis.from_url(addresses["redis_url"]) as client:
        assert client.get("survivor") == b"7"
    qdrant = QdrantClient(url=addresses["qdrant_url"], check_compatibility=False)
    assert [point.payload for point in qdrant.retrieve("survivors", [7])] == [{"n": 7}]
    qdrant.close()


@pytest.mark.slow
def test_data_and_addresses_survive_sigkill_of_each(stack: Stack, addresses: dict[str, str]) -> None:
    write_everywhere(addresses)
    for name in stack.names:
        stack.kill(name)
        states = {status.name: status.state for status in stack.status()}
        assert states == {other: "stopped" if other == name else "running" for other in stack.names}
        assert stack.up() == addresses
    assert_everything_is_there(addresses)


@pytest.mark.slow
def test_all_killed_at_once_come_back_and_so_they_do_one_by_one(stack: Stack, addresses: dict[str, str]) -> None:
    write_everywhere(addresses)
    before = processes_of(stack)
    for name in stack.names:
        stack.kill(name)
    for name in stack.names:
        stack.start(name)
    after = processes_of(stack)
    assert all(after[name] is not None and after[name] != before[name] for name in stack.names)
    assert stack.up() == addresses
    assert_everything_is_there(addresses)


def test_a_paused_backend_is_unresponsive_until_it_is_resumed(stack: Stack, addresses: dict[str, str]) -> None:
    stack.pause("redis")
    try:
        assert {status.name: status.state for status in stack.status()}["redis"] == "unresponsive"
    finally:
        stack.resume("redis")
    assert {status.name: status.state for status in stack.status()}["redis"] == "running"


def test_a_port_taken_while_a_backend_is_down_is_said_plainly(stack: Stack, addresses: dict[str, str]) -> None:
    stack.kill("registry")
    port = int(addresses["registry_url"].rsplit(":", 1)[1])
    with occupied(port), pytest.raises(StackError, match=f"registry should come back on port {port}.*mg stack down"):
        stack.start("registry")
    stack.start("registry")
    assert stack.up() == addresses


def test_an_unknown_backend_is_one_clear_line(stack: Stack) -> None:
    with pytest.raises(StackError, match="choose one of kafka, postgres, redis, qdrant, registry"):
        stack.kill("mysql")


@pytest.mark.slow
def test_down_leaves_no_process_and_up_takes_free_ports(
    stack: Stack, addresses: dict[str, str], preferred: StackPorts
) -> None:
    write_everywhere(addresses)
    family = [psutil.Process(pid) for pid in processes_of(stack).values()]
    family += [child for process in family for child in process.children(recursive=True)]
    stack.down()
    assert [process for process in family if process.is_running()] == []
    assert record.load(stack.home) == record.Record()
    assert {status.state for status in stack.status()} == {"stopped"}
    stack.down()  # harmless

    with ExitStack() as others:
        for name in StackPorts.__struct_fields__:
            others.enter_context(occupied(getattr(preferred, name)))
        moved = stack.up()
    assert set(moved) == set(addresses)
    assert all(moved[name] != addresses[name] for name in moved)
    assert_everything_is_there(moved)


@pytest.mark.slow
def test_reset_forgets_the_data_and_keeps_the_secrets(stack: Stack, addresses: dict[str, str]) -> None:
    made = [stack.home / "providers.json", stack.home / "secrets" / "token.key", stack.home / "jwks.json"]
    before = [path.read_text() for path in made]
    write_everywhere(addresses)
    stack.reset()
    assert not (stack.home / "data").exists()
    fresh = stack.up()
    with redis.from_url(fresh["redis_url"]) as client:
        assert client.get("survivor") is None
    with psycopg.connect(fresh["postgres_dsn"]) as connection:
        assert connection.execute("SELECT to_regclass('survivors')").fetchone() == (None,)
    assert TOPIC not in AdminClient({"bootstrap.servers": fresh["kafka"], **QUIET}).list_topics(timeout=10).topics
    assert [path.read_text() for path in made] == before


@contextmanager
def occupied(port: int) -> Iterator[None]:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((ports.HOST, port))
        server.listen()
        yield
