"""Every `mg` command as a person or a script uses it: help, answers, exit codes, and errors of one line."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest

from bootstrap import cli, units
from schemas import loader
from streams.topology import PIPELINE
from tests.support.running import Done, Running, SmallCatalog

CLOSED = "127.0.0.1:1"


def failed(done: Done, code: int, *words: str) -> str:
    """One line on stderr that names the program and holds the words; no traceback."""
    assert done.code == code, done
    lines = done.err.strip().splitlines()
    assert len(lines) == 1, done.err
    assert lines[0].startswith("mg: ")
    for word in words:
        assert word in lines[0], lines[0]
    return lines[0]


def commands(group: click.Command = cli.mg, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            found = group.get_command(context, name)
            assert found is not None
            yield from commands(found, (*path, name))


def test_the_list_of_commands_is_the_promised_one() -> None:
    promised = {
        "stack up", "stack down", "stack status", "stack reset", "up", "down", "run", "units", "migrate",
        "topics apply", "topics diff", "schemas check", "schemas lock", "schemas publish", "sql prepare", "sql check",
        "catalog import",
        "tap", "lag", "dlq list", "dlq show", "dlq retry", "dlq drop", "rebuild", "bench", "eval", "demo",
    }  # fmt: skip
    assert promised <= {" ".join(path) for path in commands()}


@pytest.mark.parametrize("path", list(commands()), ids=" ".join)
def test_every_command_has_help(path: tuple[str, ...], running: Running) -> None:
    done = running.mg(*path, "--help")
    assert (done.code, done.err) == (0, "")
    usage, _, said = done.out.partition("\n")
    assert usage.startswith(f"Usage: mg {' '.join(path)}".rstrip())
    assert said.partition("Options:")[0].partition("Commands:")[0].strip()


def test_the_console_script_is_the_same_program(running: Running) -> None:
    script = Path(sys.executable).with_name("mg")
    done = subprocess.run(
        [script, "tap", "nowhere"], env=running.system.environment, capture_output=True, text=True, check=False
    )
    assert failed(Done(done.returncode, done.stdout, done.stderr), 2, "nowhere", "titles", "normalization-dlq")


def test_the_readmes_picture_is_what_units_draw(running: Running) -> None:
    drawn = running.mg("units", "--mermaid").out
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert f"```mermaid\n{drawn}```" in readme, "put the output of `mg units --mermaid` into README.md"


def test_units_are_listed_for_people_and_for_scripts(running: Running) -> None:
    rows = json.loads(running.mg("units", "--json").out)
    assert [row["unit"] for row in rows] == [row.unit for row in units.table()]
    assert all(row["description"] and (row["reads"] or row["writes"] or row["stores"]) for row in rows)
    shown = running.mg("units").out
    assert all(row["unit"] in shown for row in rows)


class TestTap:
    def records(self, running: Running, *words: str) -> list[dict[str, Any]]:
        done = running.mg("tap", *words, "--json")
        assert (done.code, done.err) == (0, "")
        return [json.loads(line) for line in done.out.splitlines()]

    def test_from_the_beginning(self, running: Running, catalog: SmallCatalog) -> None:
        found = self.records(running, "catalog-deliveries", "--from", "earliest", "--limit", "3")
        assert len(found) == 3
        for one in found:
            assert one["type"] == "ProviderItemReceived"
            assert one["event"]["provider"] == one["key"].partition(":")[0]
            assert isinstance(one["event"]["body"], dict)  # JSON, not base64
            assert one["position"].startswith("catalog-deliveries:")

    def test_of_one_key(self, running: Running, catalog: SmallCatalog) -> None:
        key = f"wikidata:{catalog.films[0]['ID']}"
        found = self.records(running, "provider-items", "--from", "earliest", "--key", key)
        assert {one["key"] for one in found} == {key}

    def test_from_a_time(self, running: Running, catalog: SmallCatalog) -> None:
        running.settle()
        since = datetime.now(UTC)
        running.upsert("disney_plus", _film("tap-time", "Tapped From A Time"))
        running.settle()
        found = self.records(running, "titles", "--from", since.isoformat())
        assert [one["event"]["name"] for one in found] == ["Tapped From A Time"]
        assert datetime.fromisoformat(found[0]["at"]) >= since - timedelta(seconds=1)
        assert self.records(running, "titles", "--from", (since + timedelta(days=1)).isoformat()) == []
        naive = since.replace(tzinfo=None).isoformat()
        assert len(self.records(running, "titles", "--from", naive)) == 1  # without an offset it is UTC

    def test_latest_shows_only_what_comes(self, running: Running, catalog: SmallCatalog) -> None:
        assert self.records(running, "titles", "--from", "latest", "--no-follow") == []
        following = subprocess.Popen(
            [sys.executable, "-m", "bootstrap.cli", "tap", "titles", "--limit", "1"],
            env=running.system.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            number = 0
            while following.poll() is None and number < 100:
                number += 1
                running.upsert("disney_plus", _film("tap-latest", f"Tapped As It Came {number}"))
                try:
                    following.wait(0.5)
                except subprocess.TimeoutExpired:
                    continue
            out, _ = following.communicate(timeout=10)
        finally:
            following.kill()
        assert json.loads(out)["event"]["name"].startswith("Tapped As It Came")

    def test_a_reader_that_goes_away_is_no_error(self, running: Running, catalog: SmallCatalog) -> None:
        """`mg tap … | head -1`"""
        command = f"{sys.executable} -m bootstrap.cli tap catalog-deliveries --from earliest --json | head -1"
        done = subprocess.run(
            ["bash", "-c", command], env=running.system.environment, capture_output=True, text=True, check=False
        )
        assert (len(done.stdout.splitlines()), done.stderr) == (1, "")

    def test_bad_words(self, running: Running) -> None:
        failed(running.mg("tap", "nowhere"), 2, "nowhere", "catalog-deliveries")
        failed(running.mg("tap", "titles", "--from", "yesterday"), 2, "yesterday", "ISO 8601")
        failed(running.mg("tap"), 2, "TOPIC")
        failed(running.mg("tap", "titles", "--limit", "0"), 2, "limit")


def test_lag_is_zero_when_all_is_read(running: Running, catalog: SmallCatalog) -> None:
    running.settle()
    found = json.loads(running.mg("lag", "--json").out)
    assert {one["consumer"] for one in found} == {spec.name for spec in PIPELINE}
    assert all((one["events"], one["seconds"]) == (0, 0.0) for one in found)
    assert any(one["position"] == one["end"] > 0 for one in found)
    assert "entity_resolution" in running.mg("lag").out


def test_dead_letters_are_listed_shown_retried_and_dropped(running: Running, catalog: SmallCatalog) -> None:
    def letters() -> list[dict[str, Any]]:
        done = running.mg("dlq", "list", "normalization", "--json")
        return [json.loads(line) for line in done.out.splitlines()]

    sent = running.upsert("disney_plus", _film("dead", "   "))
    running.settle("normalization", "provider_deliveries")
    letter = next(one for one in letters() if one["position"] == sent.headers["mg-position"])
    assert (letter["consumer"], letter["reason"]) == ("normalization", "missing_name")
    number = letter["number"]
    assert "missing_name" in running.mg("dlq", "list").out
    shown = json.loads(running.mg("dlq", "show", "normalization", number).out)
    assert (shown["key"], shown["event"]["native_id"]) == ("disney_plus:dead", "dead")
    assert shown["headers"]["mg-reason"] == "missing_name"
    retried = running.mg("dlq", "retry", "normalization", number)
    assert (retried.code, retried.out.startswith("1 sent again")) == (0, True)
    running.settle("normalization", "provider_deliveries")
    again = letters()[-1]
    assert (again["reason"], again["position"] == letter["position"]) == ("missing_name", False)
    failed(running.mg("dlq", "show", "normalization", "999999"), 1, "999999", "mg dlq list normalization")
    failed(running.mg("dlq", "retry", "normalization"), 2, "--all")
    failed(running.mg("dlq", "drop", "normalization"), 2, "--yes")
    dropped = running.mg("dlq", "drop", "normalization", "--yes")
    assert (dropped.code, dropped.out.endswith("dropped\n")) == (0, True)
    assert running.mg("dlq", "list", "normalization").out == "no dead letters\n"
    assert running.mg("dlq", "drop", "normalization", "--yes").out == "nothing to drop\n"
    failed(running.mg("dlq", "list", "nobody"), 2, "nobody", "normalization")


def test_contract_database_and_topics_are_as_the_code_says(running: Running) -> None:
    for words, said in (
        (("topics", "diff"), ""),
        (("topics", "apply"), ""),
        (("schemas", "check"), "all registered"),
        (("sql", "check"), "agree"),
        (("migrate",), ""),
    ):
        done = running.mg(*words)
        assert done.code == 0, done
        assert said in done.out
    assert json.loads(running.mg("topics", "diff", "--json").out) == []
    planned = running.mg("migrate", "--plan").out.splitlines()
    assert planned
    assert all(line.startswith("applied") for line in planned)


def test_topics_diff_sees_what_is_missing(running: Running) -> None:
    done = running.mg("topics", "diff", MG_TOPIC_PREFIX="elsewhere-")
    assert done.code == 1
    assert all(f"elsewhere-{topic.topic}" in done.out for topic in loader.topics())


@pytest.mark.parametrize(
    ("provider", "name", "content", "words"),
    [
        ("wikidata", "films.db", b"this is no database", ("films.db", "SQLite")),
        ("wikidata", "films.txt", b"", ("films.txt", ".jsonl")),
        ("wikidata", "bad.jsonl", b'{"ID": 1}\n{"ID": 2', ("bad.jsonl:2",)),
        ("wikidata", "noid.jsonl", b'{"Title": "x"}\n', ("noid.jsonl:1", "no id")),
        ("wikidata", "list.jsonl", b"[1]\n", ("list.jsonl:1", "object")),
        ("wikidata", "bytes.jsonl", b'{"ID": 1, "Title": "\xff"}\n', ("bytes.jsonl:1",)),
        ("netflix", "other.csv", b"a,b\n1,2\n", ("other.csv:1", "show_id")),
        (
            "netflix",
            "short.csv",
            b"show_id,type,title,release_year,listed_in\ns1,Movie\n",
            ("short.csv:2", "2 columns"),
        ),
        ("justwatch", "titles.csv", b"", ("titles.csv", "netflix_titles.csv")),
        ("movielens", "ml.item", b"a\tb\n", ("ml.item:1", "item_id")),
    ],
)
def test_a_bad_file_is_refused_before_anything_is_sent(
    running: Running, tmp_path: Path, provider: str, name: str, content: bytes, words: tuple[str, ...]
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    before = running.ends("catalog-deliveries")
    failed(running.mg("catalog", "import", "--provider", provider, str(path)), 1, *words)
    assert running.ends("catalog-deliveries") == before


def test_import_refuses_what_it_does_not_know(running: Running, tmp_path: Path) -> None:
    failed(running.mg("catalog", "import", "--provider", "nobody", "x.db"), 1, "nobody", "wikidata")
    failed(running.mg("catalog", "import", "--provider", "wikidata", str(tmp_path / "no.db")), 1, "no such file")
    failed(running.mg("catalog", "import", "--provider", "wikidata", str(tmp_path)), 1, "no such file")
    failed(running.mg("catalog", "import", "--provider", "newcomer", str(tmp_path / "no.db")), 1, "newcomer")
    failed(running.mg("catalog", "import", "--provider", "wikidata"), 2, "FILES")
    failed(running.mg("catalog", "import", "x.db"), 2, "--provider")
    failed(running.mg("catalog", "import", "--provider", "wikidata", "--rate", "0", "x.db"), 2, "rate")


def test_items_that_the_edge_refuses_are_named_and_the_rest_is_sent(running: Running, tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    rows = [
        _film("import-good", "An Import That Is Good")["item"],
        {**_film("x", "Bad")["item"], "show_id": "a\u0007b"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = running.mg("catalog", "import", "--provider", "disney_plus", str(path), "--wait")
    assert done.code == 1
    assert "accepted 1 of 2" in done.out
    assert "rejected 1" in done.out
    assert "printable" in done.out
    assert len(running.named("An Import That Is Good")) == 1


@pytest.mark.parametrize(
    ("words", "environment", "said"),
    [
        (("lag",), {"MG_POSTGRES_DSN": f"postgresql://mg@{CLOSED}/mg"}, ("PostgreSQL",)),
        (("migrate", "--plan"), {"MG_POSTGRES_DSN": f"postgresql://mg:hidden@{CLOSED}/mg"}, ("PostgreSQL",)),
        (("migrate",), {"MG_POSTGRES_DSN": "nonsense://x"}, ()),
        (("schemas", "publish", "--url", f"http://{CLOSED}"), {}, (CLOSED,)),
        (("lag",), {"MG_PORT_INGESTION": "eighty"}, ("MG_PORT_INGESTION", "whole number")),
        (("lag",), {"MG_PROVIDERS": "{"}, ("MG_PROVIDERS",)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple | dict) else value,
)
def test_what_is_away_or_wrong_is_said_in_one_line(
    running: Running, words: tuple[str, ...], environment: dict[str, str], said: tuple[str, ...]
) -> None:
    line = failed(running.mg(*words, **environment), 1, *said)
    assert "hidden" not in line


def test_brokers_that_are_away_are_named(running: Running) -> None:
    """At the same time, because each waits for an answer."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "bootstrap.cli", *words],
            env={**running.system.environment, "MG_KAFKA_BOOTSTRAP": CLOSED},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for words in (("tap", "titles"), ("topics", "diff"))
    ]
    for one in started:
        out, err = one.communicate(timeout=120)
        failed(Done(one.returncode, out, err), 1, "Kafka", CLOSED)


def test_an_import_into_a_service_that_is_down_says_so(running: Running, tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    path.write_text(json.dumps(_film("down", "Never Arrives")["item"]) + "\n")
    done = running.mg("catalog", "import", "--provider", "disney_plus", str(path), "--url", f"http://{CLOSED}")
    assert done.code == 1
    assert done.err.strip().splitlines()[-1].startswith("mg: ")
    assert CLOSED in done.err


def test_without_a_stack_every_command_says_what_to_do(running: Running, tmp_path: Path) -> None:
    nowhere = {"MG_HOME": str(tmp_path)}
    for words in (("lag",), ("tap", "titles"), ("migrate",), ("dlq", "list"), ("topics", "diff"), ("run", "services")):
        failed(running.mg(*words, **nowhere), 1, "mg stack up")
    assert running.mg("stack", "status", **nowhere).code == 1
    assert running.mg("down", **nowhere).code == 0


def test_what_runs_is_not_started_twice(running: Running) -> None:
    failed(running.mg("up"), 1, "already up", "mg down")
    status = running.mg("stack", "status", "--json")
    assert (status.code, {one["state"] for one in json.loads(status.out)}) == (0, {"running"})


def test_unknown_words(running: Running) -> None:
    failed(running.mg("frobnicate"), 2, "frobnicate")
    failed(running.mg("run", "processor:nobody"), 1, "processor:nobody", "processor:normalization")
    failed(running.mg("rebuild", "nothing"), 2, "nothing", "title_catalog")
    failed(running.mg("bench", "nothing"), 2, "nothing", "codec")
    failed(running.mg("stack", "reset"), 2, "--yes")


def _film(native_id: str, title: str) -> dict[str, Any]:
    row = {"show_id": native_id, "type": "Movie", "title": title, "release_year": "2001", "listed_in": "Drama"}
    return {"id": native_id, "item": row}
