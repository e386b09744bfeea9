"""Looks on while the load lasts: at consumers' positions, of which one that was ever smaller than before has moved
back, and at the notices, of which each must tell of something that is committed."""

import threading
from contextlib import suppress
from typing import Final

import psycopg

from runtime.connections import redis
from schemas.read_models import notices

_SECONDS: Final = 0.05
_POSITIONS: Final = "SELECT consumer, topic, partition, next FROM consumer_positions"
# Of any version: one of them serves, and a notice does not say which.
_REACHED: Final = """
    SELECT max(next) FROM consumer_positions
    WHERE regexp_replace(consumer, '_v[0-9]+$', '') = %(model)s AND topic = %(topic)s AND partition = %(partition)s
"""


class PositionWatch:
    """In a thread of its own, over a connection that is made again whenever it breaks."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._stop = threading.Event()
        self._seen: dict[tuple[str, str, int], int] = {}
        self._thread = threading.Thread(target=self._run, name="positions", daemon=True)
        self.went_back: list[str] = []

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        self._stop.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stop.is_set():
            with (
                suppress(psycopg.Error),
                psycopg.connect(self._dsn, autocommit=True, connect_timeout=5) as connection,
            ):
                while not self._stop.wait(_SECONDS):
                    for consumer, topic, partition, next_ in connection.execute(_POSITIONS):
                        key = (consumer, topic, partition)
                        before = self._seen.get(key, 0)
                        if next_ < before:
                            self.went_back.append(f"{consumer} {topic}:{partition} from {before} to {next_}")
                        self._seen[key] = next_
            self._stop.wait(_SECONDS)


class NoticeWatch:
    """Hears every notice of the live read models and asks the database, at once, whether it holds what was told.

    Over connections that are made again whenever they break; what is said meanwhile is not heard.
    """

    def __init__(self, dsn: str, redis_url: str) -> None:
        self._dsn = dsn
        self._redis_url = redis_url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notices", daemon=True)
        self.heard = 0
        self.early: list[str] = []

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        self._stop.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stop.is_set():
            with suppress(psycopg.Error, redis.Error, OSError):
                self._listen()
            self._stop.wait(_SECONDS)

    def _listen(self) -> None:
        client = redis.blocking_client(self._redis_url, "mg-ledger-notices")
        try:
            pubsub = client.pubsub()  # type: ignore[no-untyped-call]  # the library has no types for it
            pubsub.psubscribe(notices.channel("*"))
            with psycopg.connect(self._dsn, autocommit=True, connect_timeout=5) as connection:
                while not self._stop.is_set():
                    message = pubsub.get_message(timeout=0.2)
                    if message is not None and message["type"] == "pmessage":
                        self._judge(connection, notices.decode(message["data"])[0])
        finally:
            client.close()

    def _judge(self, connection: psycopg.Connection, notice: notices.Notice) -> None:
        self.heard += 1
        for moved in notice.moved:
            found = connection.execute(
                _REACHED, {"model": notice.read_model, "topic": moved.topic, "partition": moved.partition}
            ).fetchone()
            reached = found[0] if found and found[0] is not None else 0
            if reached < moved.next:
                place = f"{moved.topic}:{moved.partition}"
                self.early.append(f"{notice.read_model} told of {place}:{moved.next} and the database was at {reached}")
