"""A materializer moves on while its dead letters are still on their way."""

import sys
import threading
from collections.abc import Sequence

# Python imports this first in every process that has the folder on its PYTHONPATH; only materializers are broken.
if any(word.startswith("materializer:") for word in sys.orig_argv):
    from runtime.connections.kafka import Acknowledged, EventProducer, Message

    def _send_and_wait(self: EventProducer, messages: Sequence[Message]) -> list[Acknowledged]:
        threading.Timer(1.0, self.submit, (messages,)).start()  # a slow broker
        return []

    setattr(EventProducer, "send_and_wait", _send_and_wait)  # noqa: B010 - replacing it is what a type checker prevents
