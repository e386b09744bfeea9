"""Notices over Redis pub/sub: bytes on named channels, to whoever listens at that moment.

Whoever publishes has done its work already, so nothing here may slow it down or fail it; whoever listens has another
place to read from, so it only has to be told when it may have missed something.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Generic, TypeVar

from redis import Redis
from redis.asyncio.client import PubSub
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Disconnected
from redis.retry import Retry

from runtime import logging, metrics
from runtime.backoff import Backoff
from runtime.connections import redis

_PUBLISH_SECONDS = 0.25
_PAUSE_FIRST, _PAUSE_MOST = 0.5, 5.0
_QUIET_SECONDS = 5.0
_ANSWER_SECONDS = 3.0

_T = TypeVar("_T")
log = logging.get(__name__)


class Publisher:
    """Publishes without ever raising. Used by one thread; `unit` is whose notices these are.

    After a failure nothing is tried for a while (0.5 s, growing to 5 s): a Redis that refuses costs next to nothing,
    one that hangs a quarter of a second each time. What is not sent is gone; its listeners see the gap in what follows.
    """

    def __init__(self, url: str, unit: str, *, prefix: str = "") -> None:
        self._unit = unit
        self._prefix = prefix
        self._pause = Backoff(first=_PAUSE_FIRST, most=_PAUSE_MOST)
        self._silent_until = 0.0
        self._client = Redis.from_url(
            url,
            client_name=f"mg-notices-{unit}",
            socket_timeout=_PUBLISH_SECONDS,
            socket_connect_timeout=_PUBLISH_SECONDS,
            # Once more over a new connection when the old one was found closed; a time-out is not waited for twice.
            retry=Retry(NoBackoff(), 1, supported_errors=(Disconnected,)),
        )

    def publish(self, channel: str, data: bytes) -> bool:
        """False when it was not sent, as far as one can tell."""
        if time.monotonic() < self._silent_until:
            metrics.NOTICES.labels(self._unit, "skipped").inc()
            return False
        try:
            self._client.publish(self._prefix + channel, data)
        except (redis.Error, OSError) as error:
            self._failed(error)
            return False
        metrics.NOTICES.labels(self._unit, "sent").inc()
        if self._pause.attempts:
            self._pause.reset()
            log.info("notices_sent_again", unit=self._unit)
        return True

    def close(self) -> None:
        self._client.close()

    def _failed(self, error: Exception) -> None:
        metrics.NOTICES.labels(self._unit, "failed").inc()
        if not self._pause.attempts:
            log.warning("notices_not_sent", unit=self._unit, error=str(error))
        self._silent_until = time.monotonic() + self._pause.next_delay()


class Subscriber(Generic[_T]):
    """Listens on `channels` and decodes what comes; `prefix` as the publisher's."""

    def __init__(
        self, url: str, name: str, channels: Sequence[str], decode: Callable[[bytes], _T], *, prefix: str = ""
    ) -> None:
        self._url = url
        self._name = name
        self._channels = [prefix + channel for channel in channels]
        self._decode = decode

    async def notices(self) -> AsyncIterator[_T | None]:
        """Endless. None whenever listening begins (again): from here on everything is heard, before it nothing is sure.

        The first None comes with the first connection, so that "listen, then read" leaves no gap. A message that does
        not decode is logged and is a None too. A connection that says nothing is asked for a sign of life. Close the
        iterator (`aclose()`) or cancel the task to stop.
        """
        backoff = Backoff(most=2.0)
        while True:
            client = redis.client(self._url, self._name, timeout_seconds=_ANSWER_SECONDS)
            pubsub = client.pubsub()
            try:
                async for heard in self._heard(pubsub):
                    if backoff.attempts:
                        backoff.reset()
                        log.info("notices_heard_again", subscriber=self._name)
                    yield heard
            except (redis.Error, OSError) as error:
                if not backoff.attempts:
                    log.warning("notices_not_heard", subscriber=self._name, error=str(error))
            finally:
                await pubsub.aclose()  # type: ignore[no-untyped-call]  # the library has no types for it
                await client.aclose()
            await asyncio.sleep(backoff.next_delay())

    async def _heard(self, pubsub: PubSub) -> AsyncIterator[_T | None]:
        """One connection's messages. Raises when it is lost."""
        await pubsub.subscribe(*self._channels)
        confirmed, asked = 0, False
        while True:
            message = await pubsub.get_message(timeout=_ANSWER_SECONDS if asked else _QUIET_SECONDS)
            if message is None:
                if asked:
                    raise Disconnected("no sign of life")
                await pubsub.ping()
                asked = True
                continue
            asked = False
            if message["type"] == "message":
                yield self._decoded(message)
            elif message["type"] == "subscribe":  # again, when the library has reconnected by itself
                confirmed += 1
                if confirmed >= len(self._channels):
                    yield None

    def _decoded(self, message: dict[str, Any]) -> _T | None:
        try:
            return self._decode(message["data"])
        except Exception as error:  # noqa: BLE001 - whatever a foreign message makes of the decoder
            log.warning("notice_undecodable", subscriber=self._name, error=repr(error))
            return None
