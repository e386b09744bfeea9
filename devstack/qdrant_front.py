"""Launches `devstack.qdrant`: Qdrant's own engine behind the REST paths that `qdrant-client` calls."""

import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
import msgspec

from devstack import ports
from devstack.backend import Command, Place, Report
from devstack.record import unwritable

ROOT = Path(__file__).parents[1]


class QdrantBackend(msgspec.Struct, frozen=True):
    port: int
    name: str = "qdrant"
    stop_signal: signal.Signals = signal.SIGTERM
    start_seconds: float = 90.0

    @property
    def ports(self) -> Mapping[str, int]:
        return {"qdrant": self.port}

    def prepare(self, place: Place, report: Report) -> None:  # noqa: ARG002 (part of the Backend protocol)
        try:
            place.data.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(place.data, error) from error

    def command(self, place: Place) -> Command:
        arguments = ["--path", str(place.data), "--host", ports.HOST, "--port", str(place.ports["qdrant"])]
        return Command([sys.executable, "-m", "devstack.qdrant", *arguments], ROOT)

    def ready(self, place: Place) -> bool:
        return answers_ok(f"{self._url(place)}/readyz")

    def settle(self, place: Place) -> None:
        """Nothing: collections are made by `mg migrate`."""

    def addresses(self, place: Place) -> dict[str, str]:
        return {"qdrant_url": self._url(place)}

    def _url(self, place: Place) -> str:
        return f"http://{ports.HOST}:{place.ports['qdrant']}"


def answers_ok(url: str) -> bool:
    """True when a GET answers 200 within 2 s. A proxy set for the machine is not asked: the address is loopback."""
    try:
        return httpx.get(url, timeout=2.0, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
