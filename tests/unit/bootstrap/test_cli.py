"""What `mg` says and returns: one line and 1 for what a person can mend, 2 for wrong usage, a traceback for a bug."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click
import httpx
import psycopg
import pytest
from psycopg import errors

from bootstrap import cli
from bootstrap.catalog_files import CatalogFileError
from bootstrap.importing import ImportFailed
from bootstrap.units import UnknownUnit
from runtime.embedding import EmbeddingUnavailable
from runtime.settings import SettingsError
from schemas.loader import ContractError

ROOT = Path(__file__).parents[3]
OURS = (
    "schemas",
    "sync_laws",
    "sync_client",
    "command_api",
    "streams",
    "query_api",
    "runtime",
    "bootstrap",
    "devstack",
    "migrations",
    "proofs",
)


class OfAKnownKind(SettingsError):
    pass


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Exit code and stderr of `mg` with these words, or with a command that raises."""

    def run(*words: str, raising: BaseException | None = None) -> tuple[int, str]:
        def fails(**_: object) -> NoReturn:
            assert raising is not None
            raise raising

        if raising is not None:
            monkeypatch.setattr(cli, "mg", fails)
        monkeypatch.setattr("sys.argv", ["mg", *words])
        with pytest.raises(SystemExit) as caught:
            cli.invoke()
        captured = capsys.readouterr()
        assert captured.out == ""
        code = caught.value.code
        assert isinstance(code, int)
        return code, captured.err

    return run


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (SettingsError("MG_KAFKA_BOOTSTRAP is not set"), "mg: MG_KAFKA_BOOTSTRAP is not set"),
        (UnknownUnit("no unit called 'x'"), "mg: no unit called 'x'"),
        (ContractError("titles.yaml: wrong"), "mg: titles.yaml: wrong"),
        (CatalogFileError(Path("a.csv"), "not UTF-8", 3), "mg: a.csv:3: not UTF-8"),
        (ImportFailed("answered 401"), "mg: answered 401"),
        (EmbeddingUnavailable("run `make assets`"), "mg: run `make assets`"),
        (OfAKnownKind("a subclass"), "mg: a subclass"),
        (SettingsError("two\n  lines"), "mg: two lines"),
        (ConnectionError("Kafka does not answer"), "mg: Kafka does not answer"),
        (ConnectionResetError(), "mg: ConnectionResetError"),
        (
            psycopg.OperationalError("connection refused\nIs it running?"),
            "PostgreSQL does not answer: connection refused",
        ),
        (errors.AdminShutdown("going down"), "PostgreSQL does not answer: going down"),
        (httpx.ConnectError("refused"), "the service does not answer (refused)"),
        (httpx.ReadTimeout(""), "the service does not answer (ReadTimeout)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_can_be_mended_is_one_line(ending: Callable[..., tuple[int, str]], error: Exception, text: str) -> None:
    code, said = ending(raising=error)
    assert code == 1
    assert text in said
    assert said.startswith("mg: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    "error",
    [
        KeyError("title_id"),
        TypeError("x"),
        AssertionError("x"),
        errors.UndefinedTable("x"),
        RuntimeError("x"),
        OSError("x"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fails(**_: object) -> NoReturn:
        raise error

    monkeypatch.setattr(cli, "mg", fails)
    with pytest.raises(type(error)) as caught:
        cli.invoke()
    assert caught.value is error


@pytest.mark.parametrize("words", [("nonsense",), ("units", "--nonsense"), ("stack", "nonsense"), ("run",)])
def test_wrong_usage_is_exit_code_2_and_points_at_the_help(
    ending: Callable[..., tuple[int, str]], words: tuple[str, ...]
) -> None:
    code, said = ending(*words)
    assert code == 2
    assert "--help" in said


def test_interrupted(ending: Callable[..., tuple[int, str]]) -> None:
    assert ending(raising=KeyboardInterrupt()) == (130, "interrupted\n")
    assert ending(raising=click.Abort()) == (130, "interrupted\n")


def test_a_commands_own_exit_code_is_kept(ending: Callable[..., tuple[int, str]]) -> None:
    assert ending(raising=SystemExit(3)) == (3, "")


def test_a_closed_pipe_is_no_error_to_talk_about() -> None:
    script = (
        "from bootstrap import cli\nimport click\n"
        "def talks(**_):\n    while True: click.echo('x' * 10_000)\n"
        "cli.mg = talks\ncli.main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(10) == 1


def test_every_name_that_is_mendable_is_a_class_of_ours() -> None:
    source = "\n".join(path.read_text() for name in OURS for path in (ROOT / name).rglob("*.py"))
    missing = {name for name in cli.MENDABLE if not re.search(rf"^class {name}\(", source, re.MULTILINE)}
    assert missing == set()


def test_every_command_loads_and_is_described() -> None:
    assert list(cli.HELP) == list(cli.COMMANDS)
    for name in cli.COMMANDS:
        command = cli.mg.get_command(click.Context(cli.mg), name)
        assert isinstance(command, click.Command)
        assert command.help
    assert cli.mg.get_command(click.Context(cli.mg), "nonsense") is None


def test_what_is_logged_is_not_what_a_command_prints() -> None:
    script = (
        "import sys\nfrom bootstrap import cli\nfrom runtime import logging\nsys.argv = ['mg', 'units', '--json']\n"
        "cli.mg.callback = lambda: logging.get('x').warning('something_happened')\ncli.main()"
    )
    found = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(found.stdout)
    assert "something_happened" in found.stderr


def test_help_lists_the_commands_without_loading_them() -> None:
    script = (
        "import sys\nfrom bootstrap import cli\nsys.argv = ['mg', '--help']\ncli.main()\n"
        "print(sorted(name for name in sys.modules if name.startswith('bootstrap.')))"
    )
    found = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert all(f"  {name} " in found.stdout for name in cli.COMMANDS)
    assert found.stdout.splitlines()[-1] == "['bootstrap.cli']"
