"""A service answers before the broker has the event: a background task appends it a moment later."""

import asyncio
import sys
from collections.abc import Sequence

# Python imports this first in every process that has the folder on its PYTHONPATH; only services are broken.
if any(word.startswith("service:") for word in sys.orig_argv):
    from runtime.connections.kafka import Acknowledged, EventProducer, Message

    _TASKS: set[asyncio.Task[None]] = set()

    async def _append(self: EventProducer, messages: Sequence[Message]) -> None:
        await asyncio.sleep(0.3)  # the queue of tasks of a busy service
        self.submit(messages)

    async def _send(self: EventProducer, messages: Sequence[Message]) -> list[Acknowledged]:
        task = asyncio.create_task(_append(self, messages))
        _TASKS.add(task)
        task.add_done_callback(_TASKS.discard)
        return [Acknowledged(message.topic, 0, 0) for message in messages]

    setattr(EventProducer, "send", _send)  # noqa: B010 - replacing a method is what a type checker is there to prevent
