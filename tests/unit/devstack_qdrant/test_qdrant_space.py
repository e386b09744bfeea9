"""A nearly full disk is an answer, not a crash."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from devstack.qdrant.errors import QdrantError
from devstack.qdrant.front import LEAST_FREE_BYTES, Front


@pytest.mark.parametrize(("free", "refused"), [(LEAST_FREE_BYTES, False), (LEAST_FREE_BYTES - 4096, True)])
async def test_writes_are_refused_below_the_least_free_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, refused: bool
) -> None:
    front = Front(tmp_path)
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=free // 4096, f_frsize=4096))
    if refused:
        with pytest.raises(QdrantError, match="No space left on device"):
            front.check_space()
    else:
        front.check_space()
    await front.stop()
