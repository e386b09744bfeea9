"""The local stack: starts, finds again, checks and ends its backends. All state is in `<home>/stack.json`."""

import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from devstack import ports, processes, record
from devstack.backend import Backend, Place, Report
from devstack.errors import StackError, telling
from devstack.kafka.server import KafkaBackend
from devstack.postgres import PostgresBackend
from devstack.providers import ensure_providers
from devstack.qdrant_front import QdrantBackend
from devstack.record import Record, Running
from devstack.registry import RegistryBackend
from devstack.tokens import ensure_token_key, key_path
from devstack.valkey import ValkeyBackend
from runtime.settings import StackSettings, load_stack, without_password

STOP_SECONDS = 20.0
HANGING_SECONDS = 5.0
"""A process that `up` finds but that does not answer gets this long before it is started anew."""
LAUNCHES = 3
"""A port that was free a moment ago can be taken by the time a server binds it; then another one is tried."""

State = Literal["running", "stopped", "unresponsive"]
T = TypeVar("T")


class BackendStatus(msgspec.Struct, frozen=True, rename="camel"):
    """One line of `mg stack status`. `address` shows no password, `rss` counts children too (bytes)."""

    name: str
    address: str
    pid: int | None
    state: State
    rss: int
    data: str


def backends(settings: StackSettings) -> tuple[Backend, ...]:
    """In order of start; all of them start at the same time, as none needs another one."""
    wanted = settings.ports
    return (
        KafkaBackend(wanted.kafka, settings.java_home),
        PostgresBackend(wanted.postgres),
        ValkeyBackend(wanted.redis),
        QdrantBackend(wanted.qdrant),
        RegistryBackend(wanted.registry),
    )


def _silent(_line: str) -> None:
    pass


class Stack:
    """The stack of one folder. Any number of processes may use it at once: commands take a file lock.

    `cache` (Kafka's jars) may be shared between stacks; by default it is inside the folder.
    """

    def __init__(self, home: Path, settings: StackSettings | None = None, cache: Path | None = None) -> None:
        self.home = home.absolute()
        self.cache = (cache or self.home / "cache").absolute()
        settings = settings or load_stack()
        self._backends = {backend.name: backend for backend in backends(settings)}
        self._advertised = settings.advertised
        self._writing = threading.Lock()
        self._cancelled = threading.Event()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._backends)

    def up(self, report: Report = _silent) -> dict[str, str]:
        """Starts what does not run and answers, keeps the rest; returns the addresses. Raises StackError.

        A stack that is up keeps its ports: other processes hold these addresses.
        """
        with self._change(report) as state:
            if ensure_providers(self.home):
                report(f"providers: new webhook secrets in {self.home / 'providers.json'}")
            if ensure_token_key(self.home):
                report(f"tokens: new key in {key_path(self.home)}")
            self._choose_ports(state, self.names)
            self._each(lambda backend: self._ensure(state, backend, report))
            state.addresses = self._addresses(state)
            return state.addresses

    def down(self, report: Report = _silent) -> None:
        """Ends all processes, by pid; data stays. Harmless when nothing runs."""
        with self._change(report) as state:
            self._end_all(state, report)

    def reset(self, report: Report = _silent) -> None:
        """`down`, then deletes the data and logs of the backends (not the downloads, assets and secrets)."""
        with self._change(report) as state:
            self._end_all(state, report)
            shutil.rmtree(self.home / "data", ignore_errors=True)
            shutil.rmtree(self.home / "logs", ignore_errors=True)

    def status(self) -> list[BackendStatus]:
        state = record.load(self.home)
        return self._each(lambda backend: self._status(state, backend))

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Signals one backend's process and, when the signal ends it, waits until it is gone. For fault tests."""
        running = self._running(name)
        if (
            running is not None
            and processes.send(running, number)
            and number in {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}
        ):
            processes.wait_gone(running, STOP_SECONDS)

    def pause(self, name: str) -> None:
        """SIGSTOP: the process and its connections stay, nothing answers."""
        processes.send(self._running(name), signal.SIGSTOP)

    def resume(self, name: str) -> None:
        processes.send(self._running(name), signal.SIGCONT)

    def start(self, name: str, report: Report = _silent) -> None:
        """Starts one backend again, on the port and data it had; harmless when it runs."""
        backend = self._backend(name)
        with self._change(report) as state:
            self._choose_ports(state, [name])
            self._ensure(state, backend, report)
            state.addresses |= self._told(state, backend)

    def log(self, name: str) -> Path:
        return self.home / "logs" / f"{name}.log"

    @contextmanager
    def _change(self, report: Report) -> Iterator[Record]:
        """The record under the lock; what changed is saved even when the body fails."""
        with record.locked(self.home / "stack.lock", report):
            state = record.load(self.home)
            try:
                yield state
            finally:
                record.save(self.home, state)

    def _backend(self, name: str) -> Backend:
        try:
            return self._backends[name]
        except KeyError:
            raise StackError(f"no backend {name!r}: choose one of {', '.join(self.names)}") from None

    def _running(self, name: str) -> Running | None:
        self._backend(name)
        return record.load(self.home).processes.get(name)

    def _data(self, name: str) -> Path:
        return self.home / "data" / name

    def _place(self, state: Record, name: str) -> Place:
        advertised = getattr(self._advertised, name)
        return Place(self.home, self._data(name), self.cache, state.ports[name], advertised)

    def _addresses(self, state: Record) -> dict[str, str]:
        found: dict[str, str] = {}
        for backend in self._backends.values():
            found |= self._told(state, backend)
        return found

    def _told(self, state: Record, backend: Backend) -> dict[str, str]:
        place = self._place(state, backend.name)
        told = {**place.ports, backend.name: place.advertised or place.ports[backend.name]}
        return backend.addresses(msgspec.structs.replace(place, ports=told))

    def _each(self, action: Callable[[Backend], T]) -> list[T]:
        """Runs the action for all backends at once; raises StackError with what went wrong in any of them."""
        self._cancelled.clear()
        with ThreadPoolExecutor(len(self._backends), thread_name_prefix="stack") as pool:
            futures = [pool.submit(action, backend) for backend in self._backends.values()]
            try:
                wait(futures)
            except BaseException:  # a Ctrl-C must not wait for a start that takes its time
                self._cancelled.set()
                raise
        problems = [error for future in futures if (error := future.exception()) is not None]
        for error in problems:
            if not isinstance(error, StackError):
                raise error
        if problems:
            raise StackError("; ".join(str(error) for error in problems))
        return [future.result() for future in futures]

    def _choose_ports(self, state: Record, names: Iterable[str]) -> None:
        for name in names:
            known = state.ports.get(name)
            if processes.find(state.processes.get(name)) is not None and known:
                continue
            if state.addresses and known:
                self._await_free(name, known)
                continue
            state.ports[name] = self._free_ports(state, name)

    def _free_ports(self, state: Record, name: str) -> dict[str, int]:
        taken = {port for other, table in state.ports.items() if other != name for port in table.values()}
        chosen: dict[str, int] = {}
        for port_name, preferred in self._backends[name].ports.items():
            chosen[port_name] = ports.choose(preferred, frozenset(taken | set(chosen.values())))
        return chosen

    def _await_free(self, name: str, table: Mapping[str, int]) -> None:
        """Children of a killed server may hold its port a moment longer."""
        deadline = time.monotonic() + HANGING_SECONDS
        while taken := [port for port in table.values() if not ports.is_free(port)]:
            if time.monotonic() > deadline:
                raise StackError(
                    f"{name} should come back on port {taken[0]}, which another process has taken: "
                    "stop that one, or run `mg stack down` and `mg stack up` for new ports"
                )
            time.sleep(0.05)

    def _ensure(self, state: Record, backend: Backend, report: Report) -> None:
        running = state.processes.get(backend.name)
        if (process := processes.find(running)) is not None and running is not None:
            age = time.time() - process.create_time()
            if self._wait_ready(state, backend, running, max(HANGING_SECONDS, backend.start_seconds - age)):
                # Again, as the `up` that started it may have been interrupted before this.
                backend.settle(self._place(state, backend.name))
                report(f"{backend.name}: running (pid {running.pid})")
                return
            self._raise_if_cancelled(backend.name)
            report(f"{backend.name}: pid {running.pid} does not answer, starting it again")
            processes.end(running, backend.stop_signal, STOP_SECONDS)
        begun = time.monotonic()
        backend.prepare(self._place(state, backend.name), report)
        running = self._launch(state, backend, report)
        backend.settle(self._place(state, backend.name))
        address = f"port {state.ports[backend.name][backend.name]}"
        report(f"{backend.name}: started in {time.monotonic() - begun:.1f} s (pid {running.pid}, {address})")

    def _launch(self, state: Record, backend: Backend, report: Report) -> Running:
        """Starts and waits until it answers. Tries again when it ends early: a port may have been taken in between, and
        PostgreSQL refuses to start while the children of a killed server still hold its shared memory.
        """
        name, log = backend.name, self.log(backend.name)
        for attempt in range(LAUNCHES):
            from_byte = log.stat().st_size if log.exists() else 0
            running = processes.spawn(backend.command(self._place(state, name)), log)
            with self._writing:
                state.processes[name] = running
                record.save(self.home, state)
            if self._wait_ready(state, backend, running, backend.start_seconds):
                return running
            self._raise_if_cancelled(name)
            if processes.find(running) is not None:
                processes.end(running, backend.stop_signal, STOP_SECONDS)
                break
            time.sleep(0.5 * (attempt + 1))
            if not state.addresses and not all(map(ports.is_free, state.ports[name].values())):
                with self._writing:
                    state.ports[name] = self._free_ports(state, name)
                report(f"{name}: port taken meanwhile, trying {state.ports[name][name]}")
                backend.prepare(self._place(state, name), report)
        raise StackError(f"{name} did not start ({reason_in(log, from_byte)}): see {log}")

    def _raise_if_cancelled(self, name: str) -> None:
        if self._cancelled.is_set():
            raise StackError(f"{name}: interrupted; `mg stack up` goes on, `mg stack down` ends what runs")

    def _wait_ready(self, state: Record, backend: Backend, running: Running, seconds: float) -> bool:
        place, deadline, pause = self._place(state, backend.name), time.monotonic() + seconds, 0.05
        while not self._cancelled.is_set():
            if processes.find(running) is None:
                return False
            # A foreign server on our port would answer too: what counts is that our process still lives afterwards.
            if backend.ready(place) and processes.find(running) is not None:
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(pause)
            pause = min(pause * 1.3, 0.3)
        return False

    def _end_all(self, state: Record, report: Report) -> None:
        def end(backend: Backend) -> None:
            running = state.processes.get(backend.name)
            if running is not None and processes.find(running) is not None:
                processes.end(running, backend.stop_signal, STOP_SECONDS)
                report(f"{backend.name}: stopped")

        self._each(end)
        state.processes, state.addresses, state.ports = {}, {}, {}

    def _status(self, state: Record, backend: Backend) -> BackendStatus:
        name = backend.name
        running = state.processes.get(name)
        alive = processes.find(running) is not None
        known = name in state.ports
        answers = alive and known and backend.ready(self._place(state, name))
        address = next(iter(self._told(state, backend).values())) if known else ""
        return BackendStatus(
            name=name,
            address=without_password(address),
            pid=running.pid if running is not None and alive else None,
            state="running" if answers else "unresponsive" if alive else "stopped",
            rss=processes.memory(running) if running is not None else 0,
            data=str(self._data(name)),
        )


def reason_in(log: Path, from_byte: int) -> str:
    """Why a server ended, from what it logged since `from_byte`."""
    try:
        with log.open("rb") as file:
            file.seek(from_byte)
            return telling(file.read(1_000_000).decode(errors="replace"))
    except OSError as error:
        return f"its log cannot be read: {error.strerror}"
