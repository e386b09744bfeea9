"""A disk of its own for a system's folder, small and in memory: it can be full while the machine's own never is."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from proofs.system import SystemFailed

_BLOCK = 4096
_TRIES = 50


class SmallDisk:
    """Mounted on `folder` inside the `with`; the logs stay there afterwards, nothing else does.

    Full means that the disk is made as small as what it holds: that needs no memory, as a file that fills it would.
    """

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder.absolute()
        self._size = f"{megabytes}m"

    def __enter__(self) -> Self:
        """Raises SystemFailed without the right to mount."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.folder.is_mount():  # of a run that was killed
            _unmount(self.folder)
        _mount("-t", "tmpfs", "-o", f"size={self._size},mode=711", "tmpfs", str(self.folder))
        return self

    def __exit__(self, *_: object) -> None:
        with tempfile.TemporaryDirectory() as kept:
            with suppress(OSError, shutil.Error):
                shutil.copytree(self.folder / "logs", Path(kept) / "logs")
            _unmount(self.folder)
            with suppress(OSError, shutil.Error):
                shutil.copytree(Path(kept) / "logs", self.folder / "logs", dirs_exist_ok=True)

    @contextmanager
    def full(self) -> Iterator[None]:
        try:
            self._shrink()
            yield
        finally:
            _mount("-o", f"remount,size={self._size}", str(self.folder))

    def _shrink(self) -> None:
        """Others write meanwhile, so that what it holds has grown by the time that it may not grow any more."""
        for _ in range(_TRIES):
            disk = os.statvfs(self.folder)
            used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
            with suppress(SystemFailed):
                _mount("-o", f"remount,size={used + _BLOCK}", str(self.folder))
                return
        raise SystemFailed(f"{self.folder} cannot be made smaller")


def why_not() -> str:
    """Why no small disk can be had here, in one line; empty when it can."""
    try:
        with tempfile.TemporaryDirectory() as folder, SmallDisk(Path(folder), 1) as disk, disk.full():
            return ""
    except SystemFailed as error:
        return str(error)


def _mount(*words: str) -> None:
    try:
        done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    except OSError as error:
        raise SystemFailed(f"cannot mount a small disk: {error.strerror}") from error
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise SystemFailed(f"cannot mount a small disk: {said}")


def _unmount(folder: Path) -> None:
    """Lazily: a process that is still about to end must not keep us."""
    subprocess.run(["umount", "-l", folder], check=True)
