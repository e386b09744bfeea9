"""A processor with an outbox sends what it decided itself, and not what a killed owner left behind."""

import sys
import time

# Python imports this first in every process that has the folder on its PYTHONPATH; only one processor is broken.
if "processor:entity_resolution" in sys.orig_argv:
    from streams.engine.outbox import Outbox

    _RELAY = Outbox.relay
    _STARTED: set[int] = set()
    _FORGET = "DELETE FROM outbox WHERE processor = %s"

    def _relay(self: Outbox) -> int:
        if id(self) not in _STARTED:
            _STARTED.add(id(self))
            with self._open().transaction(), self._open().cursor() as cursor:
                cursor.execute(_FORGET, (self._name,))
        time.sleep(0.8)  # a slow broker: what was decided waits for so long, and most kills find something waiting
        return _RELAY(self)

    setattr(Outbox, "relay", _relay)  # noqa: B010 - replacing a method is what a type checker is there to prevent
