"""`mg catalog import`: what it says of an import, and what it refuses before anything is sent."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bootstrap.catalog_files import RawItem
from bootstrap.commands import catalog
from bootstrap.importing import Imported, ImportFailed
from bootstrap.outcomes import Totals
from tests.support import webhooks


class Endpoint:
    """Takes every item except those whose id begins with `bad`."""

    def __init__(self) -> None:
        self.url = ""
        self.rate: float | None = None
        self.failure: Exception | None = None
        self.waited = 0

    def importer(self, url: str, provider: Any, progress: Any) -> "Endpoint":
        self.url = f"{url} as {provider.name}"
        self._progress = progress
        return self

    async def run(self, items: Iterable[RawItem], rate: float | None) -> Imported:
        if self.failure is not None:
            raise self.failure
        self.rate = rate
        names = [item.native_id for item in items]
        self._progress(len(names))
        bad = [(name, "the title is blank") for name in names if name.startswith("bad")]
        return Imported(len(names), len(names) - len(bad), ["msg_1"], ["catalog-deliveries:0:1"], bad, 0.5)


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Endpoint:
    endpoint = Endpoint()
    counted = iter([Totals(10, 5, 1, 2), Totals(13, 6, 3, 2)])

    def waits(*_: Any) -> float:
        endpoint.waited += 1
        return 0.0

    monkeypatch.setattr(catalog, "Importer", endpoint.importer)
    monkeypatch.setattr("bootstrap.outcomes.totals", lambda _: next(counted))
    monkeypatch.setattr("bootstrap.outcomes.wait_until_done", waits)
    monkeypatch.setattr("runtime.settings.load", lambda: webhooks.settings(tmp_path))
    return endpoint


def file_of(tmp: Path, *names: str) -> str:
    path = tmp / "films.jsonl"
    path.write_text("".join(json.dumps({"ID": name, "Title": "Metropolis"}) + "\n" for name in names))
    return str(path)


def run(*words: str) -> Result:
    return CliRunner().invoke(catalog.catalog, ["import", *words], catch_exceptions=False)


def test_an_import_in_words(endpoint: Endpoint, tmp_path: Path) -> None:
    found = run("--provider", "wikidata", file_of(tmp_path, "1", "2"))
    assert found.exit_code == 0
    first, second = found.stdout.splitlines()
    assert first == "accepted 2 of 2 items in 0.5 s (4 items/s)"
    told, _, hint = second.partition(" so far ")
    assert told == "titles created 3, items linked to known titles 1, titles merged 2, dead letters 0"
    assert hint == "(--wait waits for the rest)"
    assert (endpoint.url, endpoint.rate, endpoint.waited) == ("http://127.0.0.1:8085 as wikidata", None, 0)


def test_an_import_for_scripts(endpoint: Endpoint, tmp_path: Path) -> None:
    words = ("--provider", "wikidata", "--json", "--wait", "--rate", "50", "--url", "http://edge/")
    found = run(*words, file_of(tmp_path, "1"))
    report = json.loads(found.stdout)
    assert report == report | {"provider": "wikidata", "sent": 1, "accepted": 1, "rejected": 0, "titlesCreated": 3}
    assert (report["titlesMerged"], report["itemsLinked"], report["deadLettered"]) == (2, 1, 0)
    assert (report["deliveries"], report["rejections"]) == (["msg_1"], [])
    assert (endpoint.url, endpoint.rate, endpoint.waited) == ("http://edge as wikidata", 50.0, 1)


def test_rejected_items_are_told_with_reasons_and_an_exit_code(endpoint: Endpoint, tmp_path: Path) -> None:
    found = run("--provider", "wikidata", file_of(tmp_path, "1", "bad2", "bad3"))
    assert found.exit_code == 1
    assert "rejected 2:\n  2 × the title is blank (for example item bad2)\n" in found.stdout


def test_a_file_is_read_to_its_end_before_anything_is_sent(endpoint: Endpoint, tmp_path: Path) -> None:
    path = Path(file_of(tmp_path, "1"))
    path.write_text(path.read_text() + "{\n")
    found = run("--provider", "wikidata", str(path))
    assert (found.exit_code, endpoint.url) == (1, "")
    assert "films.jsonl:2: " in found.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--provider", "nobody", "FILE"), 1, "there are: wikidata"),
        (("--provider", "wikidata", "missing.jsonl"), 1, "missing.jsonl: no such file"),
        (("--provider", "wikidata", "--rate", "0", "FILE"), 2, "--rate"),
        (("--provider", "wikidata"), 2, "FILES"),
        (("FILE",), 2, "--provider"),
    ],
)
def test_refused_before_anything_is_sent(
    endpoint: Endpoint, tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    file = file_of(tmp_path, "1")
    found = run(*(file if word == "FILE" else word for word in words))
    assert found.exit_code == code
    assert said in found.stderr
    assert endpoint.url == ""


def test_a_failed_import_is_the_importers_own_error(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.failure = ImportFailed("answered 401")
    with pytest.raises(ImportFailed, match="answered 401"):
        run("--provider", "wikidata", file_of(tmp_path, "1"))
