"""A stateful processor keeps no offsets with its state: what is read again counts again."""

import sys
from collections.abc import Sequence
from typing import Any

# Python imports this first in every process that has the folder on its PYTHONPATH; only one processor is broken.
if "processor:playback_sessions" in sys.orig_argv:
    from streams.engine.spec import Received
    from streams.engine.table import Partition, Table

    _TAKE, _APPLY = Table.take, Partition.apply

    def _take(self: Table, inputs: Sequence[Any], offset: int, now: int) -> list[Any]:
        for entry in self.entries.values():
            entry.next = 0
        return _TAKE(self, inputs, offset, now)

    def _apply(self: Partition, received: Received) -> list[Any]:
        self.next = 0
        return _APPLY(self, received)

    setattr(Table, "take", _take)  # noqa: B010 - replacing a method is what a type checker is there to prevent
    setattr(Partition, "apply", _apply)  # noqa: B010 - the same
