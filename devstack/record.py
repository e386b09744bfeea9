"""`stack.json`: which processes the stack started, on which ports, and the addresses everybody else reads."""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from devstack.backend import Report
from devstack.errors import StackError


class Running(msgspec.Struct, frozen=True):
    """A process of ours. `started` (seconds since 1970) tells it from a later process with the same pid."""

    pid: int
    started: float


class Record(msgspec.Struct):
    """The content of `stack.json`. `addresses` is empty when the stack is down; `ports` by backend, then by name."""

    addresses: dict[str, str] = {}
    ports: dict[str, dict[str, int]] = {}
    processes: dict[str, Running] = {}


def load(home: Path) -> Record:
    path = home / "stack.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Record)
    except FileNotFoundError:
        return Record()
    except (OSError, msgspec.DecodeError) as error:
        raise StackError(f"{path} cannot be read ({error}): end its processes and delete the file") from error


def save(home: Path, record: Record) -> None:
    """Readers see the old file or the new one. Mode 0600: the addresses hold passwords.

    An empty record is no file, so that a stack can be ended on a full disk.
    """
    if record == Record():
        (home / "stack.json").unlink(missing_ok=True)
        return
    text = json.dumps(msgspec.to_builtins(record), indent=2) + "\n"
    write_private(home / "stack.json", text)


def write_private(path: Path, text: str) -> None:
    """Atomically, mode 0600. Raises StackError when the folder cannot be written or the disk is full."""
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = file.name
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> StackError:
    return StackError(
        f"cannot write {path} ({error.strerror}): free disk space or set MG_HOME to a folder you can write"
    )


@contextmanager
def locked(path: Path, report: Report) -> Iterator[None]:
    """One holder at a time; the kernel frees the lock when its holder dies."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    except OSError as error:
        raise unwritable(path, error) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"waiting for another command that holds {path}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
