"""`mg up`: starts the processes of the system, watches them, and starts again what died or hangs.

Each child is `mg run …` with an admin port of its own; what it says there (`/status`) is what is shown here.
"""

import http.client
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import psutil

from runtime import metrics
from runtime.backoff import Backoff
from runtime.health import UnitStatus
from runtime.settings import environment

_STATUS = msgspec.json.Decoder(list[UnitStatus])
# glibc gives every thread an arena of its own and keeps what is freed: with our many small threads that is a hundred
# megabytes a process that nobody uses. An operator's own setting wins.
_ALLOCATOR = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072"}
# A child that ran this long before it died starts again at once, with the back-off reset.
_STABLE_SECONDS = 60.0
_STOP_SECONDS = 20.0
# Whatever a unit waits for, its process answers /status. One that does not for this long hangs for ever: librdkafka
# 2.16 can deadlock with the interpreter's lock held when a broker fails (its issue 5476). Owners that were frozen for a
# while must be free to go on, fenced: sessions end after 10 s, and the ledger freezes owners for 13 s.
_SILENT_SECONDS = 60.0
# Before its first answer a child imports some 700 modules, and a loaded machine takes minutes for a dozen that do.
_STARTING_SECONDS = 300.0
_ANSWER_SECONDS = 1.0
# Enough that a whole system that hangs, a process a unit, is asked within the next constant.
_ASKED_AT_ONCE = 8
_NICEST = 19
# The most that one ask without an answer adds to a silence. More time than this went by while we did not ask ourselves,
# for we were stopped or the machine slept, and that is not the children's silence.
_BETWEEN_ASKS_SECONDS = 5.0


@dataclass(slots=True)
class Child:
    """One `mg run` process."""

    name: str
    words: tuple[str, ...]
    admin_port: int
    nice: int = 0
    """More than what the supervisor has."""
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restart_at: float = 0.0
    restarts: int = 0
    backoff: Backoff = field(default_factory=lambda: Backoff(first=0.5, most=15.0))
    units: list[UnitStatus] = field(default_factory=list)
    rates: dict[str, float] = field(default_factory=dict)
    silent_most: float = _SILENT_SECONDS
    starting_most: float = _STARTING_SECONDS
    silent_seconds: float = 0.0
    """Since its last answer or its start, of the time in which it was asked."""
    answered: bool = False
    """Since its start."""
    asked_at: float = 0.0
    hung: bool = False
    """It was ended for its silence, which is said already."""
    _seen: dict[str, tuple[float, int]] = field(default_factory=dict)

    def poll_status(self) -> None:
        """Asks the child; a silent one keeps its last units, marked as starting."""
        url = f"http://127.0.0.1:{self.admin_port}/status"
        try:
            with urllib.request.urlopen(url, timeout=_ANSWER_SECONDS) as answer:
                self.units = _STATUS.decode(answer.read())
        except (OSError, http.client.HTTPException, msgspec.DecodeError):  # HTTPException: it died in mid answer
            self.units = [
                msgspec.structs.replace(unit, state="starting", detail="no answer yet") for unit in self.units
            ]
            now = time.monotonic()
            self.silent_seconds += min(now - self.asked_at, _BETWEEN_ASKS_SECONDS)
            self.asked_at = now
            return
        self.asked_at = now = time.monotonic()
        self.silent_seconds, self.answered = 0.0, True
        for unit in self.units:
            before, events = self._seen.get(unit.unit, (now, unit.events_total))
            if now - before >= 1.0:
                self.rates[unit.unit] = max(unit.events_total - events, 0) / (now - before)
            if unit.unit not in self._seen or now - before >= 1.0:
                self._seen[unit.unit] = (now, unit.events_total)

    @property
    def hangs(self) -> bool:
        """Nothing was heard of it for longer than anything it does takes."""
        return self.silent_seconds >= (self.silent_most if self.answered else self.starting_most)

    def rss(self) -> int:
        """Resident bytes of the process and its children; 0 when it does not run."""
        if self.process is None or self.process.poll() is not None:
            return 0
        try:
            found = psutil.Process(self.process.pid)
            return sum(p.memory_info().rss for p in [found, *found.children(recursive=True)])
        except psutil.Error:
            return 0


class Supervisor:
    """Keeps children alive until told to stop. `say` gets one line per event worth a person's attention."""

    def __init__(self, children: Sequence[Child], home: Path, say: Callable[[str], None]) -> None:
        self.children = list(children)
        self._home = home
        self._say = say
        # One that hangs takes all of its second to give no answer; the others do not wait for that.
        self._asking = ThreadPoolExecutor(_ASKED_AT_ONCE, "status")

    def start(self) -> None:
        for child in self.children:
            self._spawn(child)

    def tick(self) -> None:
        """One look at everybody: restarts what died once its back-off is over, asks for status, and ends what hangs."""
        for child in self.children:
            self._restart_if_dead(child)
        list(self._asking.map(Child.poll_status, self.children))
        for child in self.children:
            self._end_if_hung(child)

    def _restart_if_dead(self, child: Child) -> None:
        now = time.monotonic()
        code = child.process.poll() if child.process else None
        if child.process is not None and code is not None:
            if now - child.started_at > _STABLE_SECONDS:
                child.backoff.reset()
            delay = child.backoff.next_delay()
            child.restart_at = now + delay
            child.process = None
            if not child.hung:
                again = f"starting it again in {delay:.1f} s, see {self._log(child)}"
                self._say(f"{child.name} died ({_cause(code)}); {again}")
        if child.process is None and now >= child.restart_at:
            child.restarts += 1
            metrics.UNIT_RESTARTS.labels(child.name).inc()
            self._spawn(child)

    def _end_if_hung(self, child: Child) -> None:
        """With SIGKILL: what hangs does not hear SIGTERM. The next look finds it dead."""
        if child.process is None or child.hung or not child.hangs:
            return
        child.process.kill()
        child.hung = True
        silence = f"has not answered for {child.silent_seconds:.0f} s"
        self._say(f"{child.name} {silence}; ended and starting it again, see {self._log(child)}")

    def stop(self) -> None:
        """SIGTERM to all, services and processors first in one go; SIGKILL to who does not end in time."""
        running = [child.process for child in self.children if child.process is not None]
        for process in running:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + _STOP_SECONDS
        for process in running:
            try:
                process.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                self._say(f"process {process.pid} did not end in {_STOP_SECONDS:.0f} s and was killed")
                process.kill()
                process.wait()

    @property
    def ready(self) -> bool:
        return all(child.units and all(unit.state == "ready" for unit in child.units) for child in self.children)

    def _spawn(self, child: Child) -> None:
        path = self._log(child)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as log:
            child.process = subprocess.Popen(
                [sys.executable, "-m", "bootstrap.cli", "run", *child.words, "--admin-port", str(child.admin_port)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=_ALLOCATOR | environment(),
                start_new_session=True,  # Ctrl-C reaches us; we end the children in order
            )
        if child.nice:
            started = psutil.Process(child.process.pid)
            started.nice(min(int(started.nice()) + child.nice, _NICEST))  # of itself, whatever ours is
        child.started_at = child.asked_at = time.monotonic()
        child.silent_seconds, child.answered, child.hung = 0.0, False, False

    def _log(self, child: Child) -> Path:
        return self._home / "logs" / f"{child.name}.log"


def _cause(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def running_supervisor(home: Path) -> psutil.Process | None:
    """The process of a running `mg up`, told by pid and start time."""
    try:
        known = json.loads((home / "up.json").read_text())
        found = psutil.Process(known["pid"])
        return found if abs(found.create_time() - known["createdAt"]) < 1 else None
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None
