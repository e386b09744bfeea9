"""The supervisor over tiny shell scripts: what dies is started again with back-off, and said; stopping is orderly."""

import http.server
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import psutil
import pytest

from bootstrap import supervisor as supervisor_module
from bootstrap.supervisor import Child, Supervisor, running_supervisor
from runtime import metrics
from runtime.backoff import Backoff
from runtime.health import UnitStatus

# Stands for the interpreter: `… -m bootstrap.cli run WORD… --admin-port N`.
SCRIPT = """\
#!/bin/sh
echo "$@" "$MALLOC_ARENA_MAX"
case "$4" in
  dies) exit 3 ;;
  killed) kill -9 $$ ;;
  stubborn) trap '' TERM; : > "$0.$4"; while :; do sleep 0.02; done ;;
  *) trap 'echo bye; exit 0' TERM; : > "$0.$4"; while :; do sleep 0.02; done ;;
esac
"""
NOBODY = 1  # a port of the privileged range where nobody listens


class Stage:
    """A supervisor that is ended whatever a test does, and what it said."""

    def __init__(self, home: Path, script: Path) -> None:
        self.home = home
        self.script = script
        self.said: list[str] = []
        self.supervisor = Supervisor([], home, self.said.append)

    def start(self, *words: str) -> list[Child]:
        children = [Child(word, (word,), NOBODY, backoff=Backoff(first=0.01, most=0.02)) for word in words]
        self.supervisor.children = children
        self.supervisor.start()
        return children

    def running(self, word: str) -> None:
        """Waits until the script has set its signal handler."""
        until(Path(f"{self.script}.{word}").exists)

    def tick_until(self, condition: Callable[[], bool]) -> None:
        def ticked() -> bool:
            self.supervisor.tick()
            return condition()

        until(ticked)

    def log(self, word: str) -> list[str]:
        return (self.home / "logs" / f"{word}.log").read_text().splitlines()


def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    script = tmp_path / "interpreter"
    script.write_text(SCRIPT)
    script.chmod(0o700)
    monkeypatch.setattr("bootstrap.supervisor.sys.executable", str(script))
    monkeypatch.setattr(supervisor_module, "_STOP_SECONDS", 5.0)
    made = Stage(tmp_path / "home", script)
    yield made
    made.supervisor.stop()


def pid_of(child: Child) -> int:
    assert child.process is not None
    return child.process.pid


def test_a_child_is_mg_run_with_its_words_and_port_and_a_log_of_its_own(stage: Stage) -> None:
    (child,) = stage.start("services")
    stage.running("services")
    assert stage.log("services") == ["-m bootstrap.cli run services --admin-port 1 2"]
    assert os.getsid(pid_of(child)) == pid_of(child), "Ctrl-C must not reach it before we say so"


def test_what_died_is_started_again_after_its_back_off_and_that_is_said(stage: Stage) -> None:
    restarts = metrics.UNIT_RESTARTS.labels("dies")._value
    before = restarts.get()
    (child,) = stage.start("dies")
    first = child.process
    assert first is not None
    first.wait()
    stage.supervisor.tick()
    assert len(stage.said) == 1
    assert stage.said[0].startswith("dies died (exit code 3); starting it again in 0.0 s, see ")
    assert stage.said[0].endswith("/logs/dies.log")
    assert child.process is None
    assert child.restart_at > child.started_at
    stage.tick_until(lambda: child.restarts == 2)
    assert restarts.get() == before + 2
    assert len(stage.log("dies")) >= 2, "the log of the earlier life is kept"


def test_a_signal_is_told_from_an_exit_code(stage: Stage) -> None:
    (child,) = stage.start("killed")
    assert child.process is not None
    child.process.wait()
    stage.supervisor.tick()
    assert "killed died (signal 9)" in stage.said[0]


def test_a_child_that_keeps_dying_waits_longer_each_time_and_a_stable_one_does_not(stage: Stage) -> None:
    class Highest(Random):
        def random(self) -> float:
            return 1.0

    (child,) = stage.start("dies")
    child.backoff = Backoff(first=100.0, most=1000.0, _random=Highest())
    waits = []
    for lived in (0.0, 0.0, 3600.0):
        assert child.process is not None
        child.process.wait()
        child.started_at = now = time.monotonic() - lived
        stage.supervisor.tick()
        waits.append(round(child.restart_at - now - lived))
        stage.supervisor._spawn(child)
    assert waits == [100, 200, 100]


def test_nothing_else_is_touched_when_one_dies(stage: Stage) -> None:
    steady, dying = stage.start("steady", "dies")
    stage.running("steady")
    before = pid_of(steady)
    stage.tick_until(lambda: dying.restarts == 1)
    assert pid_of(steady) == before
    assert steady.restarts == 0


def test_stopping_asks_everybody_first_and_then_waits_in_order(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    children = stage.start("one", "two", "three")
    for child in children:
        stage.running(child.name)
    steps: list[tuple[str, str]] = []

    def noting(step: str, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*values: Any) -> Any:
            steps.append((step, name))
            return real(*values)

        return noted

    for child in children:
        for step in ("terminate", "wait"):
            monkeypatch.setattr(child.process, step, noting(step, child.name, getattr(child.process, step)))
    stage.supervisor.stop()
    names = ["one", "two", "three"]
    assert steps == [("terminate", name) for name in names] + [("wait", name) for name in names]
    assert [stage.log(name)[-1] for name in names] == ["bye"] * 3
    assert stage.said == []


def test_who_does_not_end_in_time_is_killed_and_that_is_said(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "_STOP_SECONDS", 0.5)
    polite, stubborn = stage.start("polite", "stubborn")
    stage.running("polite")
    stage.running("stubborn")
    stage.supervisor.stop()
    assert stage.said == [f"process {pid_of(stubborn)} did not end in 0 s and was killed"]
    assert stubborn.process is not None
    assert stubborn.process.returncode == -9
    assert polite.process is not None
    assert polite.process.returncode == 0


def test_stopping_while_one_waits_for_its_restart(stage: Stage) -> None:
    (child,) = stage.start("dies")
    assert child.process is not None
    child.process.wait()
    stage.supervisor.tick()
    stage.supervisor.stop()
    assert child.process is None


def test_memory_of_what_does_not_run_is_nothing(stage: Stage) -> None:
    alive, dead = stage.start("alive", "dies")
    assert dead.process is not None
    dead.process.wait()
    assert alive.rss() > 0
    assert dead.rss() == 0
    assert Child("never", (), NOBODY).rss() == 0


class Admin(http.server.BaseHTTPRequestHandler):
    body = b""
    broken = False

    def do_GET(self) -> None:
        if self.broken:  # it promises more than it sends, as a process that is killed does
            self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 500\r\n\r\n[{")
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        pass


@pytest.fixture
def admin() -> Iterator[tuple[type[Admin], int]]:
    handler = type("TestAdmin", (Admin,), {})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield handler, server.server_address[1]
        server.shutdown()
        thread.join()


def statuses(events: int) -> bytes:
    return msgspec.json.encode([UnitStatus("service:a", "ready", "", events, 0, 0.0)])


def test_units_and_rates_come_from_the_childs_status(
    admin: tuple[type[Admin], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, port = admin
    now = [100.0]
    monkeypatch.setattr("bootstrap.supervisor.time.monotonic", lambda: now[0])
    child = Child("services", ("services",), port)
    for seconds, events in ((0.0, 10), (0.4, 20), (2.0, 110), (2.0, 5)):
        now[0] += seconds
        handler.body = statuses(events)
        child.poll_status()
    assert child.units[0].events_total == 5
    assert child.rates == {"service:a": 0.0}, "counters begin anew with a new process"
    now[0] += 2.0
    handler.body = statuses(105)
    child.poll_status()
    assert child.rates == {"service:a": 50.0}


@pytest.mark.parametrize("answer", ["broken", "not json", "other json", "silent"])
def test_a_child_that_gives_no_answer_is_starting(
    admin: tuple[type[Admin], int], monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    handler, port = admin
    handler.body = statuses(1)
    child = Child("services", ("services",), port)
    child.poll_status()
    assert Supervisor([child], Path(), print).ready
    match answer:
        case "broken":
            handler.broken = True
        case "not json":
            handler.body = b"<html>"
        case "other json":
            handler.body = b'{"a": 1}'
        case "silent":
            child.admin_port = NOBODY
    child.poll_status()
    assert [(unit.state, unit.detail) for unit in child.units] == [("starting", "no answer yet")]
    assert not Supervisor([child], Path(), print).ready


def test_ready_needs_an_answer_of_every_child() -> None:
    unit = UnitStatus("service:a", "ready", "", 0, 0, 0.0)
    children = [Child("a", (), NOBODY, units=[unit]), Child("b", (), NOBODY)]
    assert not Supervisor(children, Path(), print).ready
    children[1].units = [unit]
    assert Supervisor(children, Path(), print).ready


def test_a_running_supervisor_is_told_by_pid_and_start_time(tmp_path: Path) -> None:
    assert running_supervisor(tmp_path) is None
    me = psutil.Process()
    known = {"pid": me.pid, "createdAt": me.create_time()}
    for text, found in (
        (json.dumps(known), me),
        (json.dumps(known | {"createdAt": me.create_time() - 100}), None),
        (json.dumps(known | {"pid": 2**22 + 1}), None),
        ("{", None),
        ("{}", None),
        ("[]", None),
    ):
        (tmp_path / "up.json").write_text(text)
        assert running_supervisor(tmp_path) == found
