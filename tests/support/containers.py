"""The four backends in containers (`MG_TEST_BACKENDS=containers`), for one run of tests, on loopback ports."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from devstack import ports
from devstack.backend import Place
from devstack.kafka.server import MESSAGE_BYTES, KafkaBackend
from devstack.postgres import DATABASE, OWNER, READER, make_roles
from devstack.qdrant_front import QdrantBackend
from devstack.valkey import ValkeyBackend

START_SECONDS = 120.0
PASSWORD = "test"  # loopback, for the minutes of a test run


class Unavailable(Exception):
    """Containers cannot be had; the message says why in one line."""


class Image(msgspec.Struct, frozen=True):
    name: str
    port: int
    environment: dict[str, str] = {}


def images(kafka_port: int) -> dict[str, Image]:
    """By backend. Kafka has to know the address its clients use, so its port is chosen before it starts."""
    return {
        "kafka": Image(
            "apache/kafka:4.4.0",
            9092,
            {
                "KAFKA_NODE_ID": "1",
                "KAFKA_PROCESS_ROLES": "broker,controller",
                "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
                "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{ports.HOST}:{kafka_port}",
                "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
                "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
                "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
                "KAFKA_MESSAGE_MAX_BYTES": str(MESSAGE_BYTES),
                "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
                "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "4",
                "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
                "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
                "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
            },
        ),
        "postgres": Image(
            "postgres:15",
            5432,
            # the same order of text as the embedded server: by code point
            {"POSTGRES_PASSWORD": PASSWORD, "POSTGRES_INITDB_ARGS": "--encoding=UTF8 --locale=C.UTF-8"},
        ),
        "redis": Image("redis:7", 6379),
        "qdrant": Image("qdrant/qdrant:v1.20.0", 6333),
    }


def addresses(folder: Path) -> dict[str, str]:
    """Starts the containers unless this run has them; the caller holds a lock. Raises Unavailable."""
    found = folder / "containers.json"
    if found.exists():
        return msgspec.json.decode(found.read_bytes(), type=dict[str, str])
    chosen = {name: ports.choose(0) for name in ("kafka", "postgres", "redis", "qdrant")}
    start(folder, images(chosen["kafka"]), chosen)
    places = {name: Place(home=folder, data=folder, cache=folder, ports={name: port}) for name, port in chosen.items()}
    kafka, redis, qdrant = KafkaBackend(0), ValkeyBackend(0), QdrantBackend(0)
    superuser = f"postgresql://postgres:{PASSWORD}@{ports.HOST}:{chosen['postgres']}/postgres"
    wait_for("kafka", lambda: kafka.ready(places["kafka"]))
    wait_for("redis", lambda: redis.ready(places["redis"]))
    wait_for("qdrant", lambda: qdrant.ready(places["qdrant"]))
    wait_for("postgres", lambda: set_up(superuser))
    result = {
        **kafka.addresses(places["kafka"]),
        **redis.addresses(places["redis"]),
        **qdrant.addresses(places["qdrant"]),
        "postgres_dsn": f"postgresql://{OWNER}:{PASSWORD}@{ports.HOST}:{chosen['postgres']}/{DATABASE}",
        "postgres_reader_dsn": f"postgresql://{READER}:{PASSWORD}@{ports.HOST}:{chosen['postgres']}/{DATABASE}",
    }
    found.write_text(json.dumps(result))
    return result


def start(folder: Path, wanted: dict[str, Image], chosen: dict[str, int]) -> None:
    """Their ids go to `container-<name>` at once, so that `stop_all` finds those of a run that failed half-way."""
    # Imported here: the Docker client costs every test run 0.7 s, and few ask for containers.
    from docker.errors import DockerException  # type: ignore[import-untyped] # noqa: PLC0415 (no types shipped)
    from testcontainers.core.config import testcontainers_config  # noqa: PLC0415
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415

    # The reaper would end them with the xdist worker that started them; `stop_all` does it after the last one.
    testcontainers_config.ryuk_disabled = True
    for name, image in wanted.items():
        try:
            container = DockerContainer(image.name)
            container.with_envs(**image.environment)
            container.ports[f"{image.port}/tcp"] = (ports.HOST, chosen[name])  # type: ignore[assignment]  # docker-py's form for one interface
            container.start()
            (folder / f"container-{name}").write_text(container.get_container_id())
        except DockerException as error:
            raise Unavailable(
                f"Docker cannot start {image.name} ({one_line(error)}): start Docker, or unset MG_TEST_BACKENDS"
            ) from error


def stop_all(folder: Path) -> None:
    ids = [path.read_text() for path in folder.glob("container-*")]
    if not ids:
        return
    from testcontainers.core.docker_client import DockerClient  # noqa: PLC0415 (see start)

    client = DockerClient().client
    for container in ids:
        client.containers.get(container).remove(force=True, v=True)
    client.close()


def set_up(superuser: str) -> bool:
    """Roles and the database, as the embedded stack has them; False while the server still starts."""
    try:
        with psycopg.connect(superuser, autocommit=True, connect_timeout=2) as connection:
            make_roles(connection, {OWNER: PASSWORD, READER: PASSWORD})
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
    except psycopg.OperationalError:
        return False
    return True


def wait_for(name: str, ready: Callable[[], Any]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if time.monotonic() > deadline:
            raise Unavailable(f"the container of {name} did not answer within {START_SECONDS:.0f} s: see `docker logs`")
        time.sleep(0.2)


def one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
