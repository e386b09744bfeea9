"""Our processor engine: decode, transform, encode, and every output confirmed before the input is acknowledged."""

import asyncio

import msgspec

from proofs.benchmarks.peers.job import Watch, job
from runtime import interpreter
from runtime import settings as settings_module
from runtime.connections.kafka import Acknowledged, EventProducer, Message
from runtime.health import UnitHealth
from schemas.envelope import Position
from schemas.types import AnyEvent
from streams.engine.processor import Processor
from streams.engine.spec import ProcessorSpec

_UNIT = "playback_sessions"  # whose input the contract says is playback-events


async def main() -> None:
    wanted, watch, done = job(), Watch(), asyncio.Event()
    interpreter.tune()  # as `mg run` does

    class Retargeted(EventProducer):
        """Everything to the target of this job, whatever the contract says."""

        async def send(self, messages: "list[Message]") -> "list[Acknowledged]":  # type: ignore[override] # narrower
            moved = [msgspec.structs.replace(message, topic=wanted.target) for message in messages]
            found = await super().send(moved)
            if watch.durable(len(moved)) >= wanted.events:
                done.set()
            return found

    def transform(event: AnyEvent, _: Position) -> tuple[AnyEvent, ...]:
        watch.begin()
        return (event,)

    settings = msgspec.structs.replace(settings_module.load(), group_prefix=f"{wanted.group}-")
    producer = Retargeted(settings.kafka, wanted.group)
    spec = ProcessorSpec(name=_UNIT, transform=transform)
    processor = Processor(spec, settings, producer, UnitHealth(f"processor:{_UNIT}"))
    await processor.start()
    await done.wait()
    watch.tell()
    await processor.stop()
    await asyncio.to_thread(producer.close)


if __name__ == "__main__":
    asyncio.run(main())
