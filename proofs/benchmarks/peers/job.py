"""What a contender is told and what it says; events as rows of the table that all of them fill."""

import sys
import time
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from schemas import codec
from schemas.types.playback import PlaybackEventRecorded

Row = tuple[str, str, int, int, str]
"""user_id, title_id, position_ms, hlc, device_id: the newest position of each person in each title."""
COLUMNS: Final = ("user_id", "title_id", "position_ms", "hlc", "device_id")

GUARDED_UPSERT: Final = """
    INSERT INTO {table} AS t (user_id, title_id, position_ms, hlc, device_id) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (user_id, title_id) DO UPDATE
    SET position_ms = excluded.position_ms, hlc = excluded.hlc, device_id = excluded.device_id
    WHERE (excluded.hlc, excluded.device_id) > (t.hlc, t.device_id)
"""
"""The statement of those who write SQL themselves: a late or repeated event changes nothing."""


APPEND: Final = "INSERT INTO {table} (user_id, title_id, position_ms, hlc, device_id) VALUES (%s, %s, %s, %s, %s)"
"""The same without the guard, into a table without a key: what was written twice is there twice."""


class Job(Struct, frozen=True):
    """`events`: how many to do and stop. `target`: the topic that topic-to-topic contenders write to. `append`: a row
    an event, without a guard. `shared`: other processes do some of the events, so it goes on until its input ends."""

    kafka: str
    postgres_dsn: str
    group: str
    topic: str
    table: str
    target: str
    events: int
    partitions: int
    home: str
    append: bool = False
    shared: bool = False

    @property
    def statement(self) -> str:
        return (APPEND if self.append else GUARDED_UPSERT).format(table=self.table)


class Took(Struct, frozen=True):
    """`seconds` from the first event in hand to the last one durable, `cpu_seconds` of the process meanwhile; `rss` is
    the most memory it ever had (bytes), `began` when it had the first event, on a clock that all processes share."""

    events: int
    seconds: float
    cpu_seconds: float
    rss: int
    began: float = 0.0


def job() -> Job:
    """The job of this process: the file that its first argument names."""
    return msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Job)


def row_of(value: bytes) -> Row:
    event = codec.decode(value)
    assert isinstance(event, PlaybackEventRecorded)  # noqa: S101 - nothing else is in the topic
    return event.user_id, event.title_id, event.position_ms, event.hlc, event.device_id


class Watch:
    """Counts events and takes the time."""

    def __init__(self) -> None:
        self.events = 0
        self._began = self._ended = 0.0
        self._cpu_before = self._cpu = 0.0

    def begin(self) -> None:
        """With the first event in hand; later calls do nothing."""
        if not self._began:
            self._began, self._cpu_before = time.perf_counter(), time.process_time()

    def durable(self, events: int) -> int:
        """So many more are committed; returns how many in all."""
        self.events += events
        self._ended, self._cpu = time.perf_counter(), time.process_time()
        return self.events

    def tell(self) -> None:
        # Not getrusage: its maximum is handed down by the process that started this one.
        peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
        seconds, cpu = self._ended - self._began, self._cpu - self._cpu_before
        took = Took(self.events, seconds, cpu, int(peak.split()[1]) * 1024, self._began)
        sys.stdout.write(msgspec.json.encode(took).decode() + "\n")
