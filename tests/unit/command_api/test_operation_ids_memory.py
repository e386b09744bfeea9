"""The fake passes the suite of the real store."""

import pytest

from tests.support.commands import MemoryOperationIds
from tests.support.operation_ids_suite import OperationIdsSuite


class TestMemoryOperationIds(OperationIdsSuite):
    now = 0.0

    async def wait(self, seconds: float) -> None:
        self.now += seconds

    @pytest.fixture
    def ids(self) -> MemoryOperationIds:
        return MemoryOperationIds(lease_seconds=60)

    @pytest.fixture
    def short_leases(self) -> MemoryOperationIds:
        return MemoryOperationIds(lease_seconds=1, monotonic=lambda: self.now)
