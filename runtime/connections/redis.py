"""Redis clients, built from settings. Losing Redis loses no data, so every command gives up soon."""

from redis.asyncio import Redis as AsyncRedis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

Redis = AsyncRedis
Error = RedisError


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
