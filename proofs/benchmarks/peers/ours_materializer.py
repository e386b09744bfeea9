"""Our materializer engine: guarded upsert and position in one transaction. The table's own store; all else is what
every materializer runs on."""

import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from proofs.benchmarks.peers.job import Job, Row, Watch, job
from runtime import interpreter
from runtime import settings as settings_module
from runtime.connections import bulk
from runtime.connections.kafka import EventProducer
from runtime.connections.postgres import Cursor
from runtime.health import UnitHealth
from runtime.settings import Settings
from schemas.envelope import Position
from schemas.types import AnyEvent
from schemas.types.playback import PlaybackEventRecorded
from streams.engine.materializer import Materializer
from streams.engine.outcome import InvalidEvent
from streams.engine.spec import Advance, MaterializerSpec, StoreContext
from streams.engine.store import PostgresStore
from streams.materializers import watch_state

_TYPES = ("text", "text", "int8", "int8", "text")
# A version that nothing serves: the engine keeps its positions apart from those of the product.
_VERSION = 999
_STAGE = """
    CREATE TEMP TABLE IF NOT EXISTS incoming_positions (
        user_id text COLLATE "C", title_id text COLLATE "C", position_ms bigint, hlc bigint, device_id text COLLATE "C"
    ) ON COMMIT DELETE ROWS
"""
_COPY = "COPY incoming_positions FROM STDIN (FORMAT BINARY)"
_MERGE = """
    INSERT INTO {table} AS t (user_id, title_id, position_ms, hlc, device_id)
    SELECT user_id, title_id, position_ms, hlc, device_id FROM incoming_positions ORDER BY user_id, title_id
    ON CONFLICT (user_id, title_id) DO UPDATE
    SET position_ms = excluded.position_ms, hlc = excluded.hlc, device_id = excluded.device_id
    WHERE (excluded.hlc, excluded.device_id) > (t.hlc, t.device_id)
"""
_APPEND = """
    INSERT INTO {table} (user_id, title_id, position_ms, hlc, device_id)
    SELECT user_id, title_id, position_ms, hlc, device_id FROM incoming_positions
"""


def _append(cursor: Cursor, insert: str, writes: Sequence[Row]) -> tuple[()]:
    bulk.stage(cursor, _STAGE, _COPY, _TYPES, writes)
    bulk.merge(cursor, insert)
    return ()


def _write(cursor: Cursor, merge: str, writes: Sequence[Row]) -> tuple[()]:
    newest: dict[tuple[str, str], Row] = {}
    for row in writes:
        known = newest.get(row[:2])
        if known is None or row[3:] > known[3:]:
            newest[row[:2]] = row
    rows = (newest[key] for key in sorted(newest))
    bulk.stage(cursor, _STAGE, _COPY, _TYPES, rows)
    bulk.merge(cursor, merge)
    return ()


class _Told(PostgresStore):
    """The same, and the watch learns of every commit."""

    watch: Watch
    done: threading.Event
    events: int

    def apply(self, writes: Sequence[Row], advances: Sequence[Advance]) -> None:
        super().apply(writes, advances)
        if self.watch.durable(len(writes)) >= self.events:
            self.done.set()


def main() -> None:
    wanted = job()
    interpreter.tune()  # as `mg run` does
    settings = _settings(wanted)
    watch, done = Watch(), threading.Event()

    def transform(event: AnyEvent, _: Position) -> tuple[Row, ...]:
        watch.begin()
        if not isinstance(event, PlaybackEventRecorded):
            raise InvalidEvent("unexpected_event", type(event).__name__)
        return ((event.user_id, event.title_id, event.position_ms, event.hlc, event.device_id),)

    write, statement = (_append, _APPEND) if wanted.append else (_write, _MERGE)
    merge = statement.format(table=wanted.table)
    path = Path(wanted.home) / f"{wanted.group}.sql"  # the store wants a file of statements; these are another table's
    path.write_text("")
    context = StoreContext(settings, watch_state.SPEC.name, _VERSION)
    store = _Told(context, lambda cursor, _, writes: write(cursor, merge, writes), path)
    store.watch, store.done = watch, done
    # One that shares the work does not know when all is done, and what it cost PostgreSQL is asked while it is there.
    store.events = sys.maxsize if wanted.shared else wanted.events
    # Its name, for by it the contract says what the input is. Batches are as large as they are by default.
    known = watch_state.SPEC
    spec = MaterializerSpec(known.name, transform, lambda _: store, known.versions, known.store_kind, "under test")
    producer = EventProducer(settings.kafka, wanted.group)
    materializer = Materializer(spec, store, settings, producer, UnitHealth(f"materializer:{spec.name}"))
    thread = threading.Thread(target=materializer.run, daemon=True)
    thread.start()
    if wanted.shared:
        threading.Thread(target=_told_to_end, args=(done,), daemon=True).start()
    done.wait()
    watch.tell()
    materializer.stop()
    thread.join(30)
    producer.close()


def _told_to_end(done: threading.Event) -> None:
    sys.stdin.read()
    done.set()


def _settings(wanted: Job) -> Settings:
    prefix = wanted.topic.removesuffix(watch_state.SPEC.inputs[0])
    return msgspec.structs.replace(settings_module.load(), group_prefix=f"{wanted.group}-", topic_prefix=prefix)


if __name__ == "__main__":
    main()
