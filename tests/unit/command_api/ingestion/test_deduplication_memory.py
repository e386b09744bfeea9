"""The fake passes the suite of the real store."""

import pytest

from tests.support.deduplication_suite import DeduplicationSuite
from tests.support.webhooks import MemoryDeliveries


class TestMemoryDeliveries(DeduplicationSuite):
    now = 0.0

    async def wait(self, seconds: float) -> None:
        self.now += seconds

    @pytest.fixture
    def deliveries(self) -> MemoryDeliveries:
        return MemoryDeliveries(lease_seconds=60)

    @pytest.fixture
    def short_leases(self) -> MemoryDeliveries:
        return MemoryDeliveries(lease_seconds=1, monotonic=lambda: self.now)

    @pytest.fixture
    def short_memory(self) -> MemoryDeliveries:
        return MemoryDeliveries(keep_seconds=1, monotonic=lambda: self.now)
