"""Search saves its position in PostgreSQL before its points are in Qdrant."""

import sys
from collections.abc import Sequence
from typing import Any

# Python imports this first in every process that has the folder on its PYTHONPATH; only search is broken.
if "materializer:title_search" in sys.orig_argv:
    from streams.engine.spec import Advance
    from streams.materializers.title_search.store import QdrantTitleStore

    _APPLY = QdrantTitleStore.apply

    def _apply(self: QdrantTitleStore, writes: Sequence[Any], advances: Sequence[Advance]) -> None:
        _APPLY(self, (), advances)
        _APPLY(self, writes, ())

    setattr(QdrantTitleStore, "apply", _apply)  # noqa: B010 - replacing a method is what a type checker prevents
