"""The usual hand-written consumer: aiokafka's `getmany`, psycopg's `executemany`, offsets committed after the rows."""

import asyncio

import psycopg
from aiokafka import AIOKafkaConsumer  # type: ignore[import-untyped] # no types shipped

from proofs.benchmarks.peers.job import Watch, job, row_of


async def main() -> None:
    wanted, watch = job(), Watch()
    consumer = AIOKafkaConsumer(
        wanted.topic,
        bootstrap_servers=wanted.kafka,
        group_id=wanted.group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    statement = wanted.statement
    async with await psycopg.AsyncConnection.connect(wanted.postgres_dsn) as connection:
        while watch.events < wanted.events:
            found = await consumer.getmany(timeout_ms=200, max_records=5000)
            rows = [row_of(record.value) for records in found.values() for record in records]
            if not rows:
                continue
            watch.begin()
            async with connection.transaction(), connection.cursor() as cursor:
                await cursor.executemany(statement, rows)
            await consumer.commit()
            watch.durable(len(rows))
    await consumer.stop()
    watch.tell()


if __name__ == "__main__":
    asyncio.run(main())
