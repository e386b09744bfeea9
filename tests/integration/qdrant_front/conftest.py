"""A front of our own in a subprocess, on a free port over a temporary folder."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from qdrant_client import AsyncQdrantClient, QdrantClient

START_SECONDS = 20.0


class FrontServer:
    """Starts, kills and restarts one front over one folder; the port stays the same."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "devstack.qdrant", "--path", str(self.folder), "--port", str(self.port)]
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            environment = os.environ | {"RUST_BACKTRACE": "0"}
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            assert self._process.poll() is None, f"the front ended: {self.log()}"
            assert time.monotonic() < deadline, f"the front did not start: {self.log()}"
            time.sleep(0.05)

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(10)

    def log(self) -> str:
        return (self.folder.parent / f"{self.folder.name}.log").read_text()

    def restart(self, how: signal.Signals) -> None:
        self.end(how)
        self.start()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def client(self) -> QdrantClient:
        return QdrantClient(url=self.url, timeout=30)

    def async_client(self) -> AsyncQdrantClient:
        return AsyncQdrantClient(url=self.url, timeout=30)


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
