"""A device that is killed 200 times, wherever it happens to be."""

from pathlib import Path

import pytest

from tests.support import sync_kills


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_nothing_acknowledged_is_lost_or_doubled_by_200_kills(tmp_path: Path) -> None:
    await sync_kills.survive(tmp_path, 200)
