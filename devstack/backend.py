"""What a backend of the local stack has to provide; `Stack` drives all of them the same way."""

import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

Report = Callable[[str], None]


class Place(msgspec.Struct, frozen=True):
    """Where one backend lives: `data` survives restarts, `cache` can be made again, `ports` by the names it uses.

    Clients are told `advertised` instead of the port of the backend's own name when it is not 0: something listens
    there and forwards.
    """

    home: Path
    data: Path
    cache: Path
    ports: Mapping[str, int]
    advertised: int = 0


class Command(msgspec.Struct, frozen=True):
    """A process to start. `user` is set when it may not run as root; `directory` is its working directory."""

    arguments: list[str]
    directory: Path
    user: str | None = None


class Backend(Protocol):
    """One server of the stack. Methods may block and raise StackError; they are called from one thread at a time."""

    @property
    def name(self) -> str: ...

    @property
    def ports(self) -> Mapping[str, int]:
        """Preferred port by name; the one with the backend's own name is the one that clients use."""
        ...

    @property
    def stop_signal(self) -> signal.Signals:
        """Asks for an orderly end that does not wait for clients."""
        ...

    @property
    def start_seconds(self) -> float:
        """How long a start may take (with recovery after a crash) before it counts as failed."""
        ...

    def prepare(self, place: Place, report: Report) -> None:
        """Makes everything the server needs, once: binaries, data folder, configuration."""
        ...

    def command(self, place: Place) -> Command: ...

    def ready(self, place: Place) -> bool:
        """True when the server answers a real request; never raises, takes 2 s at most."""
        ...

    def settle(self, place: Place) -> None:
        """What can only be made on a running server (roles, databases); harmless when it is there already."""
        ...

    def addresses(self, place: Place) -> dict[str, str]:
        """Entries for `stack.json`, by the names `runtime.settings` reads."""
        ...
