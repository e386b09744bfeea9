"""A whole system of its own, driven from outside: `mg up` in a folder and on ports that nobody else uses."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from devstack.assets import ensure_assets
from devstack.stack import Stack
from runtime import settings as settings_module
from runtime.settings import Settings

_START_SECONDS = 660
_PORTS = ("INGESTION", "DISCOVERY", "SYNC", "PLAYBACK", "PROCESSORS_ADMIN", "MATERIALIZERS_ADMIN", "SERVICES_ADMIN")


class SystemFailed(Exception):
    """`mg` said no; the message is what it said."""


@dataclass(slots=True)
class System:
    """`home` holds data and logs; `assets` a folder whose downloads are shared with it."""

    home: Path
    cache: Path
    per_unit: bool = False
    only: tuple[str, ...] = ()
    """Units to run, each in a process of its own; all of them when empty."""
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home = self.home.absolute()
        self.home.mkdir(parents=True, exist_ok=True)
        for name in ("assets", "cache"):  # downloads are made once, whatever is measured or broken
            source = self.cache.absolute() / name
            source.mkdir(parents=True, exist_ok=True)
            if not (self.home / name).exists():
                (self.home / name).symlink_to(source)
        ports = {f"MG_PORT_{name}": str(port) for name, port in zip(_PORTS, free_ports(len(_PORTS)), strict=True)}
        stack = {
            f"MG_STACK_{name}_PORT": str(port)
            for name, port in zip(("KAFKA", "POSTGRES", "REDIS", "QDRANT", "REGISTRY"), free_ports(5), strict=True)
        }
        inherited = {name: v for name, v in settings_module.environment().items() if not name.startswith("MG_")}
        self.environment = {**inherited, **ports, **stack, "MG_HOME": str(self.home)}

    @property
    def settings(self) -> Settings:
        return settings_module.load(self.environment)

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{getattr(self.settings.ports, service)}"

    @property
    def stack(self) -> Stack:
        return Stack(self.home, settings_module.load_stack(self.environment))

    def mg(self, *words: str, seconds: float = 600) -> str:
        """Runs one `mg` command and returns its stdout. Raises SystemFailed."""
        done = subprocess.run(
            [sys.executable, "-m", "bootstrap.cli", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if done.returncode != 0:
            raise SystemFailed(f"mg {' '.join(words)}: {done.stderr.strip()[-2000:]}")
        return done.stdout

    def up(self) -> None:
        """Until `down`, or until this process has ended, however that came about."""
        ensure_assets(self.home)
        words = [*(["--per-unit"] if self.per_unit else []), *(f"--only={unit}" for unit in self.only)]
        words.append(f"--as-long-as={os.getpid()}")
        self.mg("up", "--detach", *words, seconds=_START_SECONDS)

    def down(self) -> None:
        """Ends everything, also when `mg down` itself fails: nothing may outlive a test or a benchmark."""
        try:
            self.mg("down", seconds=180)
        except (SystemFailed, subprocess.TimeoutExpired):
            with suppress(OSError, psutil.Error):
                units = [self.supervisor(), *self.supervisor().children(recursive=True)]
                for process in units:
                    process.kill()
                psutil.wait_procs(units, 10)
            self.stack.down()
            raise

    def reset(self) -> None:
        """Without data, and without what units kept."""
        self.mg("stack", "reset", "--yes")

    def supervisor(self) -> psutil.Process:
        return psutil.Process(json.loads((self.home / "up.json").read_text())["pid"])

    def processes(self) -> dict[str, psutil.Process]:
        """Our running processes by what they run (`processors`, `processor:normalization`, …)."""
        found = {"supervisor": self.supervisor()}
        for child in self.supervisor().children():
            with suppress(psutil.Error):  # it died and is not replaced yet
                words = child.cmdline()
                if "run" in words:
                    found[words[words.index("run") + 1]] = child
        return found

    def is_ready(self) -> bool:
        """Every unit says so."""
        ports = json.loads((self.home / "up.json").read_text())["admin"].values()
        try:
            return all(httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=5).is_success for port in ports)
        except httpx.TransportError:
            return False

    def kill_unit(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Signals the process of one unit; `mg up` starts it again."""
        self.processes()[name].send_signal(number)

    def memory(self) -> dict[str, int]:
        """Resident bytes of everything that is ours: units, supervisor, Qdrant front, schema ids, Valkey."""
        found = {name: process.memory_info().rss for name, process in self.processes().items()}
        found |= {one.name: one.rss for one in self.stack.status() if one.name not in {"kafka", "postgres"}}
        return found


@contextmanager
def fresh(
    home: Path,
    cache: Path,
    *,
    per_unit: bool = False,
    only: Sequence[str] = (),
    python_path: Path | None = None,
    around: Callable[[System], AbstractContextManager[object]] = nullcontext,
) -> Iterator[System]:
    """An empty system that is up; down again afterwards, whatever happened. `python_path` comes before everything else
    that its processes import; `around` is entered before anything of it starts."""
    system = System(home, cache, per_unit, tuple(only))
    if python_path is not None:
        system.environment["PYTHONPATH"] = str(python_path.absolute())
    with ExitStack() as cleanup:
        cleanup.enter_context(around(system))
        cleanup.callback(system.down)
        system.reset()
        system.up()
        yield system


def free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(closing(socket.socket())) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Polls a callable; raises SystemFailed after the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemFailed(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.1)
