"""The front as a subprocess, over a folder of the test's own and a free port."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
from qdrant_client import AsyncQdrantClient, QdrantClient

START_SECONDS = 60.0


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
