"""A materializer tells listeners what it is about to commit."""

import sys
import time
from collections.abc import Sequence
from typing import Any

# Python imports this first in every process that has the folder on its PYTHONPATH; only materializers are broken.
if any(word.startswith("materializer:") for word in sys.orig_argv):
    from streams.engine.spec import Advance
    from streams.engine.store import PostgresStore

    _APPLY = PostgresStore.apply

    def _apply(self: PostgresStore, writes: Sequence[Any], advances: Sequence[Advance]) -> None:
        announcer, self._announcer = self._announcer, None
        try:
            if announcer is not None:
                announcer.applied(advances, ())
                time.sleep(0.05)  # a slower disk than this one
            _APPLY(self, writes, advances)
        finally:
            self._announcer = announcer

    setattr(PostgresStore, "apply", _apply)  # noqa: B010 - replacing a method is what a type checker is there to prevent
