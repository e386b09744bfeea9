"""Commands that operators and release jobs call: output and exit codes, with what they call replaced."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from bootstrap.cli import mg
from bootstrap.commands import measure, operate, rebuild, run, stack, up
from bootstrap.supervisor import Child, Supervisor
from proofs.figures import Figure
from runtime.health import UnitStatus
from tests.support import webhooks

GOOD = Figure.against("speed", 5, "items/s", "≥", 1, 3)
BAD = Figure.against("delay", 5, "ms", "≤", 1, 3)


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Settings that lead nowhere and a home folder of the test's own."""
    monkeypatch.setattr("runtime.settings.load", lambda: webhooks.settings(tmp_path))
    monkeypatch.setenv("MG_HOME", str(tmp_path))
    return tmp_path


def invoke(command: Any, *words: str) -> Result:
    return CliRunner().invoke(command, words, catch_exceptions=False)


def test_every_command_has_help() -> None:
    for words in (["stack", "up"], ["topics", "apply"], ["dlq", "retry"], ["catalog", "import"], ["sql", "check"]):
        found = invoke(mg, *words, "--help")
        assert (found.exit_code, found.stdout.splitlines()[0].startswith("Usage: ")) == (0, True)


def test_the_plan_of_migrations_applies_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    applied: list[str] = []
    monkeypatch.setattr("migrations.runner.plan", lambda _: ["0001_pre_a", "0002_post_b"])
    monkeypatch.setattr("migrations.runner.apply", lambda _dsn, phase, _say: applied.append(phase))
    assert invoke(operate.migrate, "--plan").stdout == "0001_pre_a\n0002_post_b\n"
    assert applied == []
    invoke(operate.migrate, "--phase", "pre")
    invoke(operate.migrate)
    assert applied == ["pre", "all"]
    assert invoke(operate.migrate, "--phase", "during").exit_code == 2


@pytest.mark.parametrize(("refused", "code"), [((), 0), (("titles: 8 partitions",), 1)])
def test_topics_that_could_not_be_changed_are_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, refused: tuple[str, ...], code: int
) -> None:
    done = SimpleNamespace(changed=("made titles",), refused=refused)
    monkeypatch.setattr("runtime.connections.topics.apply", lambda *_, **__: done)
    found = invoke(operate.topics, "apply")
    assert found.exit_code == code
    assert found.stdout.splitlines() == ["changed  made titles", *(f"refused  {one}" for one in refused)]


@pytest.mark.parametrize(("difference", "code"), [([], 0), (["titles is missing"], 1)])
def test_topics_that_differ_are_an_exit_code(monkeypatch: pytest.MonkeyPatch, difference: list[str], code: int) -> None:
    monkeypatch.setattr("runtime.connections.topics.diff", lambda *_: difference)
    assert invoke(operate.topics, "diff").exit_code == code
    found = invoke(operate.topics, "diff", "--json")
    assert (found.exit_code, json.loads(found.stdout)) == (code, difference)


def test_the_contract_of_this_checkout_is_in_order() -> None:
    found = invoke(operate.schemas, "check")
    assert found.exit_code == 0, found.output
    assert "all registered and generated" in found.stdout


def test_a_stale_contract_names_the_commands_that_mend_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schemas.generate.stale", lambda: [Path("types/catalog.py")])
    monkeypatch.setattr("schemas.registry.is_locked", lambda record: "Title" not in record)
    found = invoke(operate.schemas, "check")
    assert found.exit_code == 1
    assert "catalog.py is stale: run `make schemas`" in found.stderr
    assert "TitleChanged has a shape that is not registered: run `mg schemas lock`" in found.stderr


def test_publishing_needs_to_know_where(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def publish(url: str) -> list[str]:
        asked.append(url)
        return [f"to {url}"]

    monkeypatch.setattr("schemas.publish.publish", publish)
    assert invoke(operate.schemas, "publish").exit_code == 2
    assert invoke(operate.schemas, "publish", "--url", "http://r").stdout == "to http://r\n"
    assert asked == ["http://r"]


@pytest.mark.parametrize(("problems", "code"), [([], 0), (["a.sql: x is not locked"], 1)])
def test_statements_that_do_not_fit_are_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, problems: list[str], code: int
) -> None:
    monkeypatch.setattr("migrations.statements.check", lambda: problems)
    found = invoke(operate.sql, "check")
    assert found.exit_code == code
    assert found.stderr.splitlines() == problems


@pytest.mark.parametrize(("figures", "code"), [([GOOD], 0), ([GOOD, BAD], 1), ([], 1)])
def test_bars_are_the_exit_code_of_measuring(
    monkeypatch: pytest.MonkeyPatch, nowhere: Path, figures: list[Figure], code: int
) -> None:
    monkeypatch.setattr("proofs.benchmarks.suite.RUNS", {"one": lambda: figures})
    found = invoke(measure.bench, "--json", "--save")
    assert found.exit_code == code
    shown = json.loads(found.stdout)
    assert [row["name"] for row in shown] == [figure.name for figure in figures]
    assert json.loads((nowhere / "bench.json").read_text()) == shown


def test_measuring_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = {"one": lambda: [GOOD], "two": lambda: [BAD]}
    monkeypatch.setattr("proofs.benchmarks.suite.RUNS", runs)
    monkeypatch.setattr("proofs.evaluation.suite.RUNS", runs)
    assert invoke(measure.bench, "one").exit_code == 0
    assert invoke(measure.evaluate, "two").exit_code == 1
    unknown = invoke(measure.evaluate, "three")
    assert unknown.exit_code == 2
    assert "one, two" in unknown.stderr


def test_rebuilding_takes_the_read_models_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, bool]] = []
    monkeypatch.setattr(
        rebuild, "rebuild_read_model", lambda name, _settings, _say, *, keep_old: asked.append((name, keep_old))
    )
    assert invoke(rebuild.rebuild, "availability", "--keep-old").exit_code == 0
    assert asked == [("availability", True)]
    assert invoke(rebuild.rebuild, "nonsense").exit_code == 2


def test_running_units(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[tuple[str, ...], int]] = []

    def main(selection: Any, _settings: Any, port: int) -> int:
        started.append((selection.names, port))
        return 3

    monkeypatch.setattr("bootstrap.host.main", main)
    monkeypatch.setattr("bootstrap.flow.free_port", lambda preferred: preferred or 4711)
    assert invoke(run.run, "materializer:availability").exit_code == 3
    assert started == [(("materializer:availability",), 4711)]
    assert invoke(run.run).exit_code == 2
    assert invoke(run.run, "services", "--admin-port", "70000").exit_code == 2


def test_the_state_of_a_stack_that_never_ran(nowhere: Path) -> None:
    found = invoke(stack.stack, "status", "--json")
    assert found.exit_code == 1
    states = {one["name"]: one["state"] for one in json.loads(found.stdout)}
    assert len(states) == 5
    assert "running" not in states.values()
    assert "kafka" in invoke(stack.stack, "status").stdout


@pytest.mark.parametrize("words", [("stack", "down"), ("stack", "reset", "--yes"), ("up",)])
def test_nothing_pulls_the_stack_from_under_running_units(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("the stack was touched")

    for module in (stack, up):
        monkeypatch.setattr(module, "running_supervisor", lambda _: object())
        monkeypatch.setattr(module, "Stack", refuse)
    found = invoke(mg, *words)
    assert found.exit_code == 1
    assert "mg down" in found.stderr


def test_deleting_data_is_asked_or_told() -> None:
    assert invoke(stack.stack, "reset").exit_code == 2


def unit(name: str, state: Any = "ready", detail: str = "") -> UnitStatus:
    return UnitStatus(name, state, detail, 12, 3, 1.25)


def test_changes_of_state_are_one_line_each(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    child = Child("services", (), 1, units=[unit("service:a", "starting")])
    supervisor, last = Supervisor([child], tmp_path, print), dict[str, str]()
    for units in (child.units, child.units, [unit("service:a")], [unit("service:a", "degraded", "kafka: [/b]")]):
        child.units = units
        up._changes(supervisor, last, log_json=False)
    said = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in said] == ["starting", "ready", "degraded"]
    assert said[-1].endswith("kafka: [/b]")
    up._changes(supervisor, {}, log_json=True)
    assert json.loads(capsys.readouterr().out)["state"] == "degraded"


def test_the_picture_shows_any_detail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    child = Child("services", (), 1, units=[unit("service:a", "degraded", "kafka: [/b] [rec]"), unit("service:b")])
    child.rates["service:a"] = 41.6
    Console(width=200).print(up._picture(Supervisor([child], tmp_path, print)))
    shown = capsys.readouterr().out
    assert "kafka: [/b] [rec]" in shown
    assert "1.2 s (3)" in shown
    assert " 42 " in shown
    assert shown.count("0 restarts") == 1
