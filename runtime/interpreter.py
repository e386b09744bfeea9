"""How the interpreter itself is set in processes that move many small objects with few threads."""

import gc
import sys

_SWITCH_SECONDS = 0.0005
_NEW_CONTAINERS = 10_000


def tune() -> None:
    """For the whole process; once, when what it runs was imported. Measured in ADR 11.

    A thread that comes back from PostgreSQL waits for the interpreter until the one that decodes gives it up: for 5 ms
    by default, some ten times a transaction. And cycles, which our events and rows do not make, are looked for whenever
    700 more containers live than before, which is several times a batch.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.freeze()
    gc.set_threshold(_NEW_CONTAINERS, *gc.get_threshold()[1:])
