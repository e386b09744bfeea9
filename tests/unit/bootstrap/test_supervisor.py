"""The supervisor over tiny scripts: what dies or hangs is started again with back-off; stopping is orderly."""

import http.server
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import msgspec
import psutil
import pytest

from bootstrap import supervisor as supervisor_module
from bootstrap.supervisor import Child, Supervisor, running_supervisor
from proofs.system import free_ports
from runtime import metrics
from runtime.backoff import Backoff
from runtime.health import UnitStatus

# Stands for the interpreter: `… -m bootstrap.cli run WORD… --admin-port N`.
SCRIPT = f"""\
#!/bin/sh
echo "$@" "$MALLOC_ARENA_MAX"
case "$4" in
  answers*) exec {sys.executable} -I -S "$0.server" "$6" ;;
  dies) exit 3 ;;
  killed) kill -9 $$ ;;
  stubborn) trap '' TERM; : > "$0.$4"; while :; do sleep 0.02; done ;;
  *) trap 'echo bye; exit 0' TERM; : > "$0.$4"; while :; do sleep 0.02; done ;;
esac
"""
# The admin port of a child, in the shape that matters.
SERVER = """\
import socket, sys
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    asking, _ = listening.accept()
    with asking:
        asking.recv(1000)
        asking.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n[]")
"""
NOBODY = 1  # a port of the privileged range where nobody listens


class Stage:
    """A supervisor that is ended whatever a test does, and what it said."""

    def __init__(self, home: Path, script: Path) -> None:
        self.home = home
        self.script = script
        self.said: list[str] = []
        self.supervisor = Supervisor([], home, self.said.append)

    def start(self, *words: str, silent_most: float = 60.0, starting_most: float = 60.0) -> list[Child]:
        ports = free_ports(len(words))
        children = [
            Child(
                word,
                (word,),
                ports.pop() if word.startswith("answers") else NOBODY,
                backoff=Backoff(first=0.01, most=0.02),
                silent_most=silent_most,
                starting_most=starting_most,
            )
            for word in words
        ]
        self.supervisor.children = children
        self.supervisor.start()
        return children

    def running(self, word: str) -> None:
        """Waits until the script has set its signal handler."""
        until(Path(f"{self.script}.{word}").exists)

    def tick_until(self, condition: Callable[[], bool], seconds: float = 5.0) -> None:
        def ticked() -> bool:
            self.supervisor.tick()
            return condition()

        until(ticked, seconds)

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
    Path(f"{script}.server").write_text(SERVER)
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


def test_a_child_is_as_much_nicer_than_the_supervisor_as_it_is_told(stage: Stage) -> None:
    child = Child("services", ("services",), NOBODY, nice=3)
    stage.supervisor.children = [child]
    stage.supervisor.start()
    assert psutil.Process(pid_of(child)).nice() == min(int(psutil.Process().nice()) + 3, 19)


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


class Silence:
    """A supervisor of children that answer or not, on a clock that only a test moves."""

    def __init__(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stage = stage
        self.now = 1000.0
        monkeypatch.setattr(supervisor_module, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(supervisor_module, "_ANSWER_SECONDS", 0.2)

    def start(self, *words: str, silent_most: float = 3.0) -> list[Child]:
        """They have answered once when this returns."""
        children = self.stage.start(*words, silent_most=silent_most)
        for child in children:
            self.until_heard(child)
        return children

    def ticks(self, number: int) -> None:
        """One a second."""
        for _ in range(number):
            self.now += 1.0
            self.stage.supervisor.tick()

    def until_heard(self, child: Child) -> None:
        self.stage.tick_until(lambda: child.answered and child.silent_seconds == 0.0, 60.0)


@pytest.fixture
def silence(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Silence:
    return Silence(stage, monkeypatch)


def test_a_child_that_hangs_is_ended_and_started_again_and_nobody_else(stage: Stage, silence: Silence) -> None:
    restarts = metrics.UNIT_RESTARTS.labels("answers")._value
    before = restarts.get()
    hanging, other = silence.start("answers", "answers-too")
    first, untouched = hanging.process, other.process
    assert first is not None
    first.send_signal(signal.SIGSTOP)
    silence.ticks(2)
    assert first.poll() is None
    assert stage.said == []
    silence.ticks(1)
    assert first.wait(30) == -signal.SIGKILL
    log = stage.home / "logs" / "answers.log"
    assert stage.said == [f"answers has not answered for 3 s; ended and starting it again, see {log}"]
    silence.ticks(2)  # found dead, then its back-off is over
    assert hanging.backoff.attempts == 1
    silence.until_heard(hanging)
    assert hanging.process is not first
    assert (hanging.restarts, other.restarts, restarts.get()) == (1, 0, before + 1)
    assert other.process is untouched
    assert len(stage.said) == 1


def test_a_child_that_answers_again_in_time_is_left_alone(stage: Stage, silence: Silence) -> None:
    (child,) = silence.start("answers")
    first = child.process
    assert first is not None
    for _ in range(2):
        first.send_signal(signal.SIGSTOP)
        silence.ticks(2)
        first.send_signal(signal.SIGCONT)
        silence.until_heard(child)
    assert child.process is first
    assert (first.poll(), child.restarts, stage.said) == (None, 0, [])


def test_time_in_which_the_supervisor_itself_was_stopped_is_nobodys_silence(stage: Stage, silence: Silence) -> None:
    (child,) = silence.start("answers", silent_most=12.0)
    first = child.process
    assert first is not None
    first.send_signal(signal.SIGSTOP)  # it is not awake yet when it is asked
    silence.now += 3600.0
    silence.ticks(2)
    assert 0.0 < child.silent_seconds < child.silent_most
    first.send_signal(signal.SIGCONT)
    silence.until_heard(child)
    assert child.process is first
    assert (first.poll(), child.restarts, stage.said) == (None, 0, [])


def test_before_its_first_answer_a_child_may_be_silent_for_longer(stage: Stage, silence: Silence) -> None:
    (child,) = stage.start("mute", silent_most=3.0, starting_most=5.0)
    for life in (1, 2):
        mute = child.process
        assert mute is not None
        silence.ticks(4)
        assert mute.poll() is None
        assert len(stage.said) == life - 1
        silence.ticks(1)
        assert mute.wait(30) == -signal.SIGKILL
        assert len(stage.said) == life
        assert "mute has not answered for 5 s" in stage.said[-1]
        stage.tick_until(lambda: child.process is None)
        silence.now = child.restart_at
        stage.supervisor.tick()
        assert child.restarts == life


def test_one_that_gives_no_answer_is_not_waited_for_before_the_next_is_asked(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.start("one", "two")
    both = threading.Barrier(2, timeout=10.0)
    monkeypatch.setattr(Child, "poll_status", lambda _: both.wait())
    stage.supervisor.tick()
