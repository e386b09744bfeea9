"""What nobody can beat here: consuming alone, with decoding, and with `COPY` into a table without any key.

`python -m proofs.benchmarks.peers.limits JOB consume|decode|copy`
"""

import sys
from collections.abc import Callable, Sequence

import psycopg
from confluent_kafka import Consumer
from psycopg import sql

from proofs.benchmarks.peers.job import COLUMNS, Row, Watch, job, row_of

_BATCH = 20_000


def main() -> None:
    wanted, kind = job(), sys.argv[2]
    watch = Watch()
    consumer = Consumer(
        {"bootstrap.servers": wanted.kafka, "group.id": wanted.group, "auto.offset.reset": "earliest",
         "enable.auto.commit": False}
    )  # fmt: skip
    consumer.subscribe([wanted.topic])
    with psycopg.connect(wanted.postgres_dsn) as connection:
        copy = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
            sql.Identifier(wanted.table), sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
        )

        def into_table(rows: Sequence[Row]) -> None:
            with connection.transaction(), connection.cursor() as cursor, cursor.copy(copy) as sink:
                sink.set_types(("text", "text", "int8", "int8", "text"))
                for row in rows:
                    sink.write_row(row)

        write: Callable[[Sequence[Row]], object] = into_table if kind == "copy" else len
        while watch.events < wanted.events:
            values = [v for m in consumer.consume(_BATCH, 0.2) if m.error() is None and (v := m.value()) is not None]
            if values:
                watch.begin()
                if kind != "consume":
                    write([row_of(value) for value in values])
                watch.durable(len(values))
    consumer.close()
    watch.tell()


if __name__ == "__main__":
    main()
