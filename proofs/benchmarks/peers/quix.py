"""Quix Streams as in its documentation: its PostgreSQL sink with upserts on the primary key, or a topic.

Runs in a virtual environment of its own (requirements/peers.txt; it conflicts with Faust), so it imports nothing of
ours and says the same by itself. `python quix.py JOB SCHEMA sink|send [COMMIT_SECONDS]`
"""

import io
import json
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import fastavro
from quixstreams import Application  # type: ignore[import-not-found] # only in its own environment
from quixstreams.sinks.community.postgresql import PostgreSQLSink  # type: ignore[import-not-found] # the same

JOB: dict[str, Any] = json.loads(Path(sys.argv[1]).read_bytes())
SCHEMA = fastavro.parse_schema(json.loads(Path(sys.argv[2]).read_bytes()))
TABLE_COLUMNS = ("user_id", "title_id", "position_ms", "hlc", "device_id")
began: tuple[float, float] | None = None


def decoded(value: bytes) -> dict[str, Any]:
    global began
    began = began or (time.perf_counter(), time.process_time())
    event: Any = fastavro.schemaless_reader(io.BytesIO(value[5:]), SCHEMA, None)
    return {name: event[name] for name in TABLE_COLUMNS}


def sink() -> PostgreSQLSink:
    at = urlsplit(JOB["postgres_dsn"])
    return PostgreSQLSink(
        host=at.hostname or "",
        port=at.port or 5432,
        dbname=at.path.lstrip("/"),
        user=at.username or "",
        password=at.password or "",
        table_name=JOB["table"],
        primary_key_columns=[] if JOB["append"] else ["user_id", "title_id"],
        upsert_on_primary_key=not JOB["append"],
        include_metadata=False,
        schema_auto_update=True,
    )


def main() -> None:
    app = Application(
        broker_address=JOB["kafka"],
        consumer_group=JOB["group"],
        auto_offset_reset="earliest",
        auto_create_topics=False,
        loglevel="WARNING",
        state_dir=JOB["home"],
        commit_interval=float(sys.argv[4]) if len(sys.argv) > 4 else 5.0,  # 5 s is its default
    )
    source = app.topic(JOB["topic"], key_deserializer="bytes", value_deserializer="bytes")
    stream = app.dataframe(source)
    if sys.argv[3] == "sink":
        stream.apply(decoded).sink(sink())
    else:

        def passed(value: bytes) -> bytes:
            decoded(value)
            return value

        target = app.topic(JOB["target"], key_serializer="bytes", value_serializer="bytes")
        stream.apply(passed).to_topic(target)
    app.run(count=JOB["events"], collect=False)
    if began is None:
        raise SystemExit("nothing came")
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    took = {
        "events": JOB["events"],
        "seconds": time.perf_counter() - began[0],
        "cpu_seconds": time.process_time() - began[1],
        "rss": int(peak.split()[1]) * 1024,
    }
    sys.stdout.write(json.dumps(took) + "\n")


if __name__ == "__main__":
    main()
