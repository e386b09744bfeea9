"""Redis clients, built from settings. Losing Redis loses no data, so every command gives up soon."""

from redis import Redis as BlockingRedis
from redis import exceptions
from redis.asyncio import Redis as AsyncRedis
from redis.backoff import NoBackoff
from redis.client import Pipeline as BlockingPipeline
from redis.exceptions import RedisError
from redis.retry import Retry

Redis = AsyncRedis
Blocking = BlockingRedis
Pipeline = BlockingPipeline
Error = RedisError
WatchError = exceptions.WatchError

_TRANSIENT = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.ReadOnlyError,
    exceptions.OutOfMemoryError,
    exceptions.ClusterDownError,
    exceptions.TryAgainError,
    OSError,
)
_TRANSIENT_WORDS = {"BUSY", "LOADING", "MASTERDOWN", "MISCONF", "NOREPLICAS", "OOM", "READONLY"}


def client(url: str, name: str, *, timeout_seconds: float = 1.0) -> Redis:
    """A lazy client with a pool of its own: nothing is connected before the first command. Close it with `aclose()`.

    No retries inside: a retried command may have been executed already, and callers know what they can repeat.
    """
    return AsyncRedis.from_url(
        url,
        client_name=name,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        health_check_interval=15,
        retry=Retry(NoBackoff(), 0),
        max_connections=64,
    )


def blocking_client(url: str, name: str, *, timeout_seconds: float = 5.0) -> Blocking:
    """The same for a thread that has nothing else to do: a store's. Close it with `close()`."""
    return BlockingRedis.from_url(
        url,
        client_name=name,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        health_check_interval=15,
        retry=Retry(NoBackoff(), 0),
    )


def is_transient(error: BaseException) -> bool:
    """True when trying the same thing again may work: connection trouble, time-outs, a server that is loading, full,
    busy with a script, failing over, or cannot save."""
    if isinstance(error, _TRANSIENT):
        return True
    return isinstance(error, exceptions.ResponseError) and str(error).split(" ", 1)[0] in _TRANSIENT_WORDS
