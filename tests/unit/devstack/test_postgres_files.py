import os
import stat
import subprocess
import sys
from pathlib import Path

from devstack.postgres import binaries, password, remove_stale_lock_files, servers_in, socket_folder


def test_the_pid_file_of_a_process_that_is_not_postgres_goes(tmp_path: Path) -> None:
    (tmp_path / "postmaster.pid").write_text(f"{os.getpid()}\n{tmp_path}\n")
    remove_stale_lock_files(tmp_path)
    assert not (tmp_path / "postmaster.pid").exists()


def test_the_socket_locks_go_with_it(tmp_path: Path) -> None:
    """They hold the same pid: one that is still a zombie of `mg up` would keep PostgreSQL from starting."""
    for name in ("postmaster.pid", ".s.PGSQL.15432", ".s.PGSQL.15432.lock"):
        (tmp_path / name).write_text(f"{os.getpid()}\n{tmp_path}\n")
    remove_stale_lock_files(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_pid_file_of_a_running_server_stays(tmp_path: Path) -> None:
    # a process of that name in that folder is what a running server looks like
    (tmp_path / "postgres").symlink_to(sys.executable)
    program = "import pathlib; pathlib.Path('/proc/self/comm').write_text('postgres'); print('up', flush=True); input()"
    command = [str(tmp_path / "postgres"), "-c", program]
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        server.stdout.readline()
        assert servers_in(tmp_path) == {server.pid}
        (tmp_path / "postmaster.pid").write_text(f"{server.pid}\n{tmp_path}\n")
        remove_stale_lock_files(tmp_path)
        server.kill()
    assert (tmp_path / "postmaster.pid").exists()


def test_passwords_are_random_kept_and_private(tmp_path: Path) -> None:
    made = password(tmp_path, "mg")
    assert made == password(tmp_path, "mg") != password(tmp_path, "mg_reader")
    assert stat.S_IMODE((tmp_path / "secrets" / "postgres-mg").stat().st_mode) == 0o600


def test_no_socket_where_its_path_would_be_too_long(tmp_path: Path) -> None:
    assert socket_folder(Path("/short")) == "/short"
    assert socket_folder(Path("/" + "long" * 30)) == ""


def test_the_wheel_has_the_server() -> None:
    assert (binaries() / "postgres").exists()
