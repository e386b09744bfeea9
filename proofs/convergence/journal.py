"""What client processes write down, and the kernel keeps when they are killed: one JSON line a record, one file a life.

Only whole lines count: a process can die in the middle of one.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

FaultKind = Literal["repeated", "lost", "answer lost", "late"]
"""`late`: a copy came once more, behind others."""


class _Record(Struct, frozen=True, tag=True, omit_defaults=True):
    user: str
    device: str


class Did(_Record, frozen=True):
    """A call of the app has returned: this must not get lost. `completed`: a position at the end of the title."""

    operation_id: str
    kind: str
    subject: str
    completed: bool = False


class Sent(_Record, frozen=True):
    """An operation as it goes over the wire, before it does for the first time in this life."""

    body: dict[str, Any]


class Played(_Record, frozen=True):
    """A player's event; from here on it must not get lost."""

    body: dict[str, Any]


class Reported(_Record, frozen=True):
    """The service has these events of the player."""

    event_ids: tuple[str, ...]


class Placed(_Record, frozen=True):
    """Where the log has what was accepted: MG-Position of an answer."""

    positions: str


class Read(_Record, frozen=True):
    """Watch states in an answer: title, revision, clock of the position (0 without one)."""

    states: tuple[tuple[str, int, int], ...]


class Fault(_Record, frozen=True):
    """What the network did to a request."""

    what: FaultKind


class Checked(_Record, frozen=True):
    """Reads after own writes that were compared, and refusals because the read model was behind for too long."""

    reads: int
    behind: int = 0


class Violation(_Record, frozen=True):
    what: str


Record = Did | Sent | Played | Reported | Placed | Read | Fault | Checked | Violation
_ENCODE = msgspec.json.Encoder().encode
_DECODER: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)

_DID, _PLAYED = b'{"type":"Did"', b'{"type":"Played"'


class Journal:
    """Appends to a file of its own. What `write` has returned from survives the process."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)

    def write(self, *records: Record) -> None:
        data = b"".join(_ENCODE(record) + b"\n" for record in records)
        while data:
            data = data[os.write(self._file, data) :]

    def close(self) -> None:
        os.close(self._file)


class Progress:
    """Counts operations of all processes while they write."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {}
        self._operations = 0

    def operations(self) -> int:
        for path in self._folder.glob("*.journal"):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                lines = file.read()
            whole = lines[: lines.rfind(b"\n") + 1]
            self._read[path] = self._read.get(path, 0) + len(whole)
            self._operations += whole.count(_DID) + whole.count(_PLAYED)
        return self._operations


def path_of(folder: Path, process: str, incarnation: int) -> Path:
    return folder / f"{process}.{incarnation:05}.journal"


def read(folder: Path, process: str = "*") -> Iterator[Record]:
    """Every record in the order in which each process wrote them."""
    for path in sorted(folder.glob(f"{process}.*.journal")):
        with path.open("rb") as lines:
            for line in lines:
                if line.endswith(b"\n"):
                    yield _DECODER.decode(line)
