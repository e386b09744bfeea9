"""Detached child processes, known by pid and start time so that a recycled pid is never signalled."""

import errno
import os
import pwd
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil

from devstack.backend import Command
from devstack.errors import StackError
from devstack.record import Running, unwritable

SAME_START_SECONDS = 1.0
"""Start times are read relative to boot and drift a little with the clock; no pid comes round again this fast."""


def spawn(command: Command, log: Path) -> Running:
    """Starts a process in a session of its own (a Ctrl-C here does not reach it), output appended to `log`."""
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            child = subprocess.Popen(
                command.arguments,
                cwd=command.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=command.user,
                group=None if command.user is None else pwd.getpwnam(command.user).pw_gid,
                extra_groups=None if command.user is None else [],
            )
    except OSError as error:
        if error.filename in {str(log), str(log.parent)} or error.errno == errno.ENOSPC:
            raise unwritable(log, error) from error
        raise StackError(f"cannot start {command.arguments[0]}: {error}") from error
    # Popen's own bookkeeping is not used: the process outlives us, and `alive` reaps it while we are its parent.
    child.returncode = 0
    return Running(pid=child.pid, started=_start_time(child.pid))


def _start_time(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return time.time()


def find(running: Running | None) -> psutil.Process | None:
    """The process if it is still the one that was started; None when it ended or its pid belongs to another one."""
    if running is None:
        return None
    try:
        process = psutil.Process(running.pid)
        if abs(process.create_time() - running.started) > SAME_START_SECONDS:
            return None
        if process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1:  # else its last threads still end
            with suppress(ChildProcessError):
                os.waitpid(running.pid, os.WNOHANG)
            return None
    except psutil.NoSuchProcess:
        return None
    return process


def send(running: Running | None, number: signal.Signals) -> bool:
    """Signals the process itself. False when it is not there any more."""
    process = find(running)
    if process is None:
        return False
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return False
    return True


def wait_gone(running: Running, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while find(running) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def end(running: Running, stop_signal: signal.Signals, seconds: float) -> None:
    """Asks, then after `seconds` kills. Continues it first: a stopped process cannot end in order."""
    if not send(running, signal.SIGCONT) or not send(running, stop_signal):
        return
    if not wait_gone(running, seconds):
        send(running, signal.SIGKILL)
        wait_gone(running, 10.0)


def memory(running: Running) -> int:
    """Resident bytes of the process and its children; pages they share count once."""
    process = find(running)
    if process is None:
        return 0
    total = 0
    with suppress(psutil.Error):
        for member in [process, *process.children(recursive=True)]:
            with suppress(psutil.Error):
                total += _proportional(member)
    return total


def _proportional(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (psutil.AccessDenied, AttributeError):  # another user's process, or a kernel without smaps
        return int(process.memory_info().rss)
