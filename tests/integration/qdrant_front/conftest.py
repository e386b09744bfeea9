"""Fronts of our own for these tests: one a module, one a test for those that kill it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from tests.integration.qdrant_front.front_server import FrontServer


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontServer]:
    server = FrontServer(tmp_path_factory.mktemp("front") / "data")
    server.start()
    yield server
    server.end()


@pytest.fixture(scope="module")
def client(front: FrontServer) -> Iterator[QdrantClient]:
    connection = front.client()
    yield connection
    connection.close()


@pytest.fixture
def own_front(tmp_path: Path) -> Iterator[FrontServer]:
    """For tests that kill it."""
    server = FrontServer(tmp_path / "data")
    server.start()
    yield server
    server.end()
