"""Playback events that come when they are due, whoever reads them: the load of `latency.py`, a process of its own.

`python -m proofs.benchmarks.peers.traffic PHASE` says when it began (a line), sends, and says how late it was (a line).
"""

import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import psycopg
from confluent_kafka import KafkaError, Message, Producer
from msgspec import Struct

from proofs.benchmarks.load import percentile
from schemas import codec
from schemas.types.playback import PlaybackEventRecorded
from sync_laws import clock

PEOPLE: Final = 20_000
ROWS_A_PAGE: Final = 70
"""Of the table that they become: all are equally long (a test counts)."""
AHEAD: Final = 20_000
"""Events that wait for a saturated contender: several of anybody's batches."""
_BEGAN: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
_TICK_SECONDS: Final = 0.002
_LOOK_SECONDS: Final = 0.02
_IN_A_ROW: Final = 500
_NUMBER, _PERSON = b"999999999999", b"person-99999"


class Phase(Struct, frozen=True):
    """`count` events from number `first` on, at `rate` a second. Without a rate: for `seconds`, always AHEAD of the
    rows that `table` has."""

    kafka: str
    postgres_dsn: str
    topic: str
    table: str
    first: int
    rate: float = 0.0
    count: int = 0
    seconds: float = 0.0

    def due(self, number: int, began: float) -> float:
        return began + (number - self.first) / self.rate

    def due_by(self, now: float, began: float) -> int:
        """How many must have been sent."""
        return max(0, min(self.count, int((now - began) * self.rate) + 1)) if now >= began else 0


class Sent(Struct, frozen=True):
    """`late`: seconds after an event was due it was handed to Kafka's client, 99th percentile."""

    count: int
    late: float


class Events:
    """By number. No two of a person and title, so that each is a row; encoded once, because a generator that encodes
    takes from those it measures."""

    def __init__(self) -> None:
        whole = codec.encode(event(int(_NUMBER), _PERSON.decode()))
        named = {_NUMBER: b"%(number)s", _PERSON: b"%(person)s"}
        parts = re.split(b"(%s|%s)" % (_NUMBER, _PERSON), whole)
        self._value = b"".join(named.get(part) or part.replace(b"%", b"%%") for part in parts)

    def record(self, number: int) -> tuple[bytes, bytes]:
        """Key and value."""
        person = b"person-%05d" % (number * 7919 % PEOPLE)
        return person, self._value % {b"number": b"%012d" % number, b"person": person}


def event(number: int, person: str) -> PlaybackEventRecorded:
    return PlaybackEventRecorded(
        event_id=f"00000000-0000-7000-8000-{number:012d}",
        occurred_at=_BEGAN,
        user_id=person,
        device_id=f"{person}-0",
        session_id=f"{person}-0-0",
        title_id=f"00000000-0000-5000-8000-{number:012d}",
        kind="progressed",
        position_ms=3_600_000,
        duration_ms=7_200_000,
        hlc=clock.pack(int(_BEGAN.timestamp() * 1000)),
        region="DE",
    )


class Generator:
    def __init__(self, phase: Phase) -> None:
        self._phase = phase
        self._events = Events()
        self._failed: list[KafkaError] = []
        self._producer = Producer(
            {"bootstrap.servers": phase.kafka, "acks": "all", "enable.idempotence": True, "compression.type": "lz4",
             "linger.ms": 5, "queue.buffering.max.messages": 1_000_000, "delivery.report.only.error": True,
             "on_delivery": self._reported}
        )  # fmt: skip
        self._producer.list_topics(phase.topic, 10)  # connected before the first is due

    def _reported(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._failed.append(error)

    def send(self, first: int, count: int) -> None:
        for number in range(first, first + count):
            key, value = self._events.record(number)
            self._producer.produce(self._phase.topic, value, key)
        self._producer.poll(0)

    def finish(self) -> None:
        if self._producer.flush(30) or self._failed:
            raise SystemExit(f"not sent: {self._failed[:1]}")

    def paced(self, began: float) -> Sent:
        phase, sent, late = self._phase, 0, []
        while sent < phase.count:
            now = time.time()
            wanted = phase.due_by(now, began) - sent
            if wanted:
                late += [now - phase.due(phase.first + number, began) for number in range(sent, sent + wanted)]
                self.send(phase.first + sent, wanted)
                sent += wanted
            time.sleep(_TICK_SECONDS)
        return Sent(sent, percentile(late, 0.99))

    def saturating(self, began: float, rows: Callable[[], int]) -> Sent:
        phase, sent = self._phase, 0
        while time.time() < began + phase.seconds:
            wanted = min(rows() + AHEAD - phase.first - sent, _IN_A_ROW)
            if wanted > 0:
                self.send(phase.first + sent, wanted)
                sent += wanted
            else:
                time.sleep(_LOOK_SECONDS)
        return Sent(sent, 0.0)


def main() -> None:
    phase = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Phase)
    generator = Generator(phase)
    with psycopg.connect(phase.postgres_dsn, autocommit=True) as connection:

        def rows() -> int:
            """By its size: counting them would take from those who write them."""
            row = connection.execute("SELECT pg_relation_size(%s::regclass) / 8192", [phase.table]).fetchone()
            return int(row[0]) * ROWS_A_PAGE if row else 0

        began = time.time() + 0.1
        sys.stdout.write(f"{began}\n")
        sys.stdout.flush()
        sent = generator.paced(began) if phase.rate else generator.saturating(began, rows)
    generator.finish()
    sys.stdout.write(msgspec.json.encode(sent).decode() + "\n")


if __name__ == "__main__":
    main()
