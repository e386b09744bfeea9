"""What `mg load` refuses before it starts anything, and what it does with the figures."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bootstrap.commands import load as command
from proofs.benchmarks import page
from proofs.figures import Figure
from proofs.load import evening, overload
from proofs.load.evening import Evening


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Arguments of runs that would have begun."""
    calls: list[tuple[Any, ...]] = []

    def one(home: Path, minutes: float, seed: int, _log: Any) -> Evening:
        calls.append((home, minutes, seed))
        return Evening([Figure.against("errors", 1.0 if seed == 13 else 0.0, "requests", "≤", 0, 5)], [])

    def other(home: Path, seed: int, _log: Any) -> list[Figure]:
        calls.append((home, seed))
        return [Figure.information("capacity", 10.0, "requests/s", 1)]

    monkeypatch.setattr(evening, "run", one)
    monkeypatch.setattr(overload, "run", other)
    return calls


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--profile", "morning"), "'evening', 'overload'"),
        (("--minutes", "0"), "x>0"),
        (("--minutes", "-1"), "x>0"),
        (("--minutes", "nan"), "not a number of minutes"),
        (("--minutes", "inf"), "not a number of minutes"),
        (("--minutes", "soon"), "'soon' is not a valid"),
        (("--profile", "overload", "--picture", "x.png"), "of an evening only"),
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_refused(words: tuple[str, ...], said: str, started: list[Any]) -> None:
    result = CliRunner().invoke(command.load, words)
    assert result.exit_code == 2
    assert said in result.output
    assert result.output.strip().splitlines()[-1].startswith("Error: ")
    assert started == []


def test_figures_are_printed_and_a_missed_bar_is_exit_code_1(started: list[Any]) -> None:
    result = CliRunner().invoke(command.load, ["--minutes", "2", "--json"])
    assert result.exit_code == 0
    assert [figure["name"] for figure in json.loads(result.stdout)] == ["errors"]
    assert started[0][1:] == (2.0, 7)
    assert CliRunner().invoke(command.load, ["--seed", "13"]).exit_code == 1


@pytest.mark.parametrize(
    ("words", "name", "said"),
    [
        (["--minutes", "2"], "load-evening", "mg load --profile evening --minutes 2"),
        (["--profile", "overload"], "load-overload", "mg load --profile overload"),
    ],
)
def test_a_run_is_recorded_with_its_command(
    words: list[str], name: str, said: str, tmp_path: Path, started: list[Any]
) -> None:
    path = tmp_path / "runs.json"
    assert CliRunner().invoke(command.load, [*words, "--record", str(path)]).exit_code == 0
    assert len(started) == 1
    run = page.read(path)[name]
    assert page.section(name, run).startswith(f"`{said}`, {run.day}:")
