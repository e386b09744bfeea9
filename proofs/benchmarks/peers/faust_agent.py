"""Faust as in its guide: an agent that writes event by event, one that takes batches, and one that sends on.

`python -m proofs.benchmarks.peers.faust_agent JOB upsert|take|send`
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import faust
import psycopg

from proofs.benchmarks.peers.job import Job, Watch, job, row_of

_TAKE, _WITHIN = 1000, 0.1


def _app(wanted: Job) -> faust.App:
    return faust.App(
        wanted.group,
        broker=f"kafka://{wanted.kafka}",
        datadir=f"{wanted.home}/{wanted.group}",
        value_serializer="raw",
        key_serializer="raw",
        topic_disable_leader=True,
        web_enabled=False,
        consumer_auto_offset_reset="earliest",
    )


async def main() -> None:
    wanted, kind, watch, done = job(), sys.argv[2], Watch(), asyncio.Event()
    app = _app(wanted)
    source = app.topic(wanted.topic, key_type=bytes, value_type=bytes, partitions=wanted.partitions)
    target = app.topic(wanted.target, key_type=bytes, value_type=bytes, partitions=wanted.partitions)
    statement = wanted.statement

    def finished(events: int) -> None:
        if watch.durable(events) >= wanted.events:
            done.set()

    async with await psycopg.AsyncConnection.connect(wanted.postgres_dsn, autocommit=True) as connection:

        async def upsert(stream: Any) -> None:
            async for value in stream:
                watch.begin()
                await connection.execute(statement, row_of(value))
                finished(1)

        async def take(stream: Any) -> None:
            async for values in stream.take(_TAKE, within=_WITHIN):
                watch.begin()
                rows = [row_of(value) for value in values]
                async with connection.transaction(), connection.cursor() as cursor:
                    await cursor.executemany(statement, rows)
                finished(len(rows))

        async def send(stream: Any) -> None:
            async for event in stream.events():
                watch.begin()
                row_of(event.value)
                await target.send(key=event.key, value=event.value)
                finished(1)

        agents: dict[str, Callable[[Any], Awaitable[None]]] = {"upsert": upsert, "take": take, "send": send}
        app.agent(source, name=kind)(agents[kind])
        await app.start()
        await done.wait()
        watch.tell()
        sys.stdout.flush()
        await app.stop()


if __name__ == "__main__":
    asyncio.run(main())
