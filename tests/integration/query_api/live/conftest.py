"""The live channel served on a loopback port, over real PostgreSQL and Redis."""

from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest

from query_api.services.live import hub
from runtime.settings import Settings
from tests.support import tokens
from tests.support.backends import Backends, PostgresDatabase
from tests.support.live_channel import Writer, served
from tests.support.migrated import migrated
from tests.support.pipeline import settings_for

__all__ = ["migrated"]


@pytest.fixture
def settings(backends: Backends, migrated: PostgresDatabase, topic_prefix: str) -> Settings:
    return msgspec.structs.replace(settings_for(backends, migrated, topic_prefix), identity=tokens.IDENTITY)


@pytest.fixture
def writer(settings: Settings) -> Iterator[Writer]:
    found = Writer(settings)
    yield found
    found.close()


@pytest.fixture
async def address(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    monkeypatch.setattr(hub, "SWEEP_SECONDS", 2.0)
    async with served(settings) as found:
        yield found


@pytest.fixture
def user(random_suffix: str) -> str:
    return f"ann-{random_suffix}"
