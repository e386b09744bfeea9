"""A short version; tests/faults has the 200."""

from pathlib import Path

import pytest

from tests.support import sync_kills


@pytest.mark.slow
async def test_nothing_acknowledged_is_lost_or_doubled_by_30_kills(tmp_path: Path) -> None:
    await sync_kills.survive(tmp_path, 30)
