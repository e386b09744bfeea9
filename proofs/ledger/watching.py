"""Looks at consumers' positions all the time: one that was ever smaller than before has moved back."""

import threading
from contextlib import suppress
from typing import Final

import psycopg

_SECONDS: Final = 0.05
_POSITIONS: Final = "SELECT consumer, topic, partition, next FROM consumer_positions"


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
