"""`mg up` and `mg down`: the whole system, watched."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import click
import msgspec
import psutil
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from bootstrap import flow
from bootstrap.supervisor import Child, Supervisor, running_supervisor
from bootstrap.terminal import interactive, megabytes, say
from devstack.stack import Stack
from runtime import settings as settings_module
from runtime.settings import Settings
from schemas import loader

# Few processes, each with about as much to do: one interpreter runs on one core. Normalizing and resolving are most of
# the work on a catalog, so they are apart, and `materializers` has the room for the first.
_COMPACT = {
    "processors": (
        "processor:entity_resolution",
        "processor:playback_sessions",
        "processor:title_trends",
    ),
    "search": ("processor:embedding", "materializer:title_search"),
    "materializers": (
        "processor:normalization",
        "processor:offer_lifecycle",
        "materializer:title_catalog",
        "materializer:availability",
        "materializer:availability_changes",
        "materializer:provider_deliveries",
        "materializer:watch_state",
        "materializer:watchlist",
        "materializer:playback_history",
        "materializer:ratings",
        "materializer:devices",
        "materializer:preferences",
        "materializer:trending",
        "sender:webhooks",
    ),
    "services": ("services",),
}
# Embedding a catalog takes minutes of a core, and being found by meaning may wait where being there may not: search
# gets what the others leave. That needs a process of its own: a low priority thread would hold the interpreter's lock.
_NICE_SEARCH = 19
_SEARCH = frozenset({"search", "processor-embedding", "materializer-title_search"})
# When there is not enough for all, who asks is answered first, and read models are a little later.
_NICE_PIPELINE = 5
_SERVICES = ("ingestion", "discovery", "sync", "playback")
_SENDERS = ("webhooks",)
_READY_SECONDS = 600.0  # a loaded machine takes minutes to import a dozen processes


@click.command()
@click.option("--detach", is_flag=True, help="Leave it running in the background; `mg down` ends it.")
@click.option("--per-unit", is_flag=True, help="One process a unit instead of a few.")
@click.option(
    "--only", multiple=True, metavar="UNIT", help="This unit, in a process of its own, and no others; repeat."
)
@click.option("--as-long-as", "starter", type=int, metavar="PID", help="End when this process has ended.")
@click.option("--log-json", is_flag=True, help="Status lines as JSON.")
def up(detach: bool, per_unit: bool, only: tuple[str, ...], starter: int | None, log_json: bool) -> None:
    """Stack, migrations, topics and all units, with one status line each. Ctrl-C stops everything."""
    home = settings_module.home_from()
    if running_supervisor(home) is not None:
        raise click.ClickException("already up; `mg down` ends it, `mg lag` shows how it does")
    if detach:
        start_detached(home, per_unit=per_unit, only=only, starter=starter)
        return
    needed = _process(starter)
    settings = flow.stack_up(say)
    # In a process of its own, which takes its libraries with it when it ends: this one only watches, and stays small.
    with ProcessPoolExecutor(1, get_context("spawn")) as apart:
        apart.submit(flow.prepare, settings, say).result()
    children = _children(settings, per_unit, only)
    (home / "up.json").write_text(
        json.dumps(
            {
                "pid": os.getpid(),
                "createdAt": psutil.Process().create_time(),
                "admin": {child.name: child.admin_port for child in children},
            }
        )
    )
    supervisor = Supervisor(children, home, say)
    stopping = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda caught, _frame: stopping.append(caught))
    supervisor.start()
    try:
        _watch(supervisor, stopping, log_json, needed)
    finally:
        say("stopping the units")
        supervisor.stop()
        (home / "up.json").unlink(missing_ok=True)
        say("stopping the stack")
        Stack(home).down(say)


@click.command()
def down() -> None:
    """End what `mg up` started, then the stack."""
    stop_everything(settings_module.home_from())


def stop_everything(home: Path) -> None:
    found = running_supervisor(home)
    if found is not None:
        found.terminate()
        try:
            found.wait(90)
        except psutil.TimeoutExpired:
            raise click.ClickException(f"process {found.pid} does not end; see {home / 'logs' / 'up.log'}") from None
    Stack(home).down(say)


def start_detached(home: Path, *, per_unit: bool, only: Sequence[str] = (), starter: int | None = None) -> None:
    home.mkdir(parents=True, exist_ok=True)
    (home / "logs").mkdir(exist_ok=True)
    path = home / "logs" / "up.log"
    words = [*(["--per-unit"] if per_unit else []), *(f"--only={unit}" for unit in only)]
    words += [] if starter is None else [f"--as-long-as={starter}"]
    with path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bootstrap.cli", "up", *words],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            lines = path.read_text().strip().splitlines()
            said = lines[-1].removeprefix("mg: ") if lines else f"mg up ended with exit code {process.returncode}"
            raise click.ClickException(said)
        if "all units ready" in path.read_text():
            settings = settings_module.load()
            for name in _SERVICES:
                say(f"{name:12} http://127.0.0.1:{getattr(settings.ports, name)}")
            say("up; `mg lag` shows progress, `mg down` ends it")
            return
        time.sleep(0.2)
    raise click.ClickException(f"not ready after {_READY_SECONDS:.0f} s; see {path} and `mg down`")


def _children(settings: Settings, per_unit: bool, only: Sequence[str]) -> list[Child]:
    if only:
        # Of the contract, which is cheap to read: every processor and materializer consumes something.
        known = {unit for topic in loader.topics() for unit in topic.consumers}
        known |= {f"service:{name}" for name in _SERVICES} | {f"sender:{name}" for name in _SENDERS}
        if unknown := sorted(set(only) - known):
            raise click.ClickException(f"no unit called {', '.join(unknown)}; there are: {', '.join(sorted(known))}")
        words: dict[str, tuple[str, ...]] = {name.replace(":", "-"): (name,) for name in only}
    elif per_unit:
        # Asked of another process: knowing the units means loading all their libraries, and this one stays small.
        command = [sys.executable, "-m", "bootstrap.cli", "units", "--json"]
        listed = subprocess.run(command, capture_output=True, check=True)
        words = {row["unit"].replace(":", "-"): (row["unit"],) for row in json.loads(listed.stdout)}
    else:
        words = dict(_COMPACT)
    ports = settings.ports
    preferred = {
        "processors": ports.processors_admin,
        "materializers": ports.materializers_admin,
        "services": ports.services_admin,
    }
    return [
        Child(name, chosen, flow.free_port(preferred.get(name, 0)), nice=_niceness(name))
        for name, chosen in words.items()
    ]


def _niceness(name: str) -> int:
    if name in _SEARCH:
        return _NICE_SEARCH
    return 0 if name.startswith("service") else _NICE_PIPELINE


def _process(pid: int | None) -> psutil.Process | None:
    """Known by its start time, too: pids come round again."""
    try:
        return None if pid is None else psutil.Process(pid)
    except psutil.NoSuchProcess:
        raise click.BadParameter(f"there is no process {pid}", param_hint="--as-long-as") from None


def _has_ended(process: psutil.Process | None) -> bool:
    """A zombie has: who should take note of its end may be gone, or have other things to do."""
    try:
        return process is not None and (not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _watch(
    supervisor: Supervisor, stopping: Sequence[int], log_json: bool, needed: psutil.Process | None = None
) -> None:
    announced = False
    last_states: dict[str, str] = {}
    live = Live(refresh_per_second=2, transient=False) if interactive() and not log_json else None
    with live or _Nothing():
        while not stopping and not _has_ended(needed):
            supervisor.tick()
            if live is not None:
                live.update(_picture(supervisor))
            else:
                _changes(supervisor, last_states, log_json)
            if supervisor.ready and not announced:
                announced = True
                say("all units ready")
            time.sleep(0.5 if announced else 0.1)


class _Nothing:
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


def _picture(supervisor: Supervisor) -> Table:
    made = Table("unit", "state", "lag", "events", "events/s", "process", box=None, pad_edge=False)
    total = 0
    for child in supervisor.children:
        size = child.rss()
        total += size
        for number, unit in enumerate(child.units):
            made.add_row(
                unit.unit,
                f"[{'green' if unit.state == 'ready' else 'yellow'}]{unit.state}[/] {escape(unit.detail[:60])}",
                f"{unit.lag_seconds:.1f} s ({unit.lag_events})",
                str(unit.events_total),
                f"{child.rates.get(unit.unit, 0):.0f}",
                f"{child.name} {megabytes(size)}, {child.restarts} restarts" if number == 0 else "",
            )
    made.caption = f"{megabytes(total)} in all our processes; Ctrl-C stops everything"
    return made


def _changes(supervisor: Supervisor, last: dict[str, str], log_json: bool) -> None:
    for child in supervisor.children:
        for unit in child.units:
            if last.get(unit.unit) != unit.state:
                last[unit.unit] = unit.state
                if log_json:
                    click.echo(msgspec.json.encode(unit).decode())
                else:
                    say(f"{unit.unit:36} {unit.state} {unit.detail}".rstrip())
