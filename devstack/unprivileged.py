"""PostgreSQL refuses to run as root: who it runs as then, and which files that user has to reach."""

import os
import pwd
import shutil
import stat
import subprocess
from functools import cache
from pathlib import Path

from devstack.errors import StackError
from devstack.record import unwritable

SERVICE_USER = "pgserver"
"""The name that the wheel uses too, so that a machine gets one such user, not two."""


@cache
def service_user() -> str | None:
    """None when we are not root; else a system user without a login, made when it is missing.

    Raises StackError when it cannot be made (`nobody` is not used: other services share it, and would own the data).
    """
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(SERVICE_USER).pw_name
    except KeyError:
        useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
        made = (
            useradd is not None
            and not subprocess.run(
                [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SERVICE_USER],
                capture_output=True,
                check=False,
            ).returncode
        )
        if not made:
            raise StackError(
                f"PostgreSQL does not run as root and the user {SERVICE_USER} could not be made: "
                f"run as another user, or make it (`useradd --system {SERVICE_USER}`)"
            ) from None
        return SERVICE_USER


def open_path(path: Path, user: str, *, whole: bool = False) -> None:
    """Lets `user` reach `path`: folders above it may be passed through (not listed), the path itself is given to it,
    or with `whole` everything below it may be read by all (programs in the environment).
    """
    entry = pwd.getpwnam(user)
    try:
        for folder in path.absolute().parents:
            _add(folder, stat.S_IXOTH)
        if not whole:
            os.chown(path, entry.pw_uid, entry.pw_gid)
        elif not path.stat().st_mode & stat.S_IROTH or not (path / "bin" / "postgres").stat().st_mode & stat.S_IXOTH:
            for found in [path, *path.rglob("*")]:
                runs = found.is_dir() or found.stat().st_mode & stat.S_IXUSR
                _add(found, stat.S_IROTH | (stat.S_IXOTH if runs else 0))
    except OSError as error:
        raise unwritable(path, error) from error


def _add(path: Path, bits: int) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & bits != bits:
        path.chmod(mode | bits)
