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
from runtime.settings import Settings, providers_from
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

    def load() -> Settings:
        path = tmp_path / "providers.json"
        more = {"providers": (*webhooks.settings(tmp_path).providers, *providers_from(path))} if path.exists() else {}
        return webhooks.settings(tmp_path, home=tmp_path, providers_file=path, **more)

    monkeypatch.setattr("runtime.settings.load", load)
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
        (("--provider", "nobody", "FILE"), 1, "no provider 'nobody'; known are wikidata"),
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


MAPPING = """
id: sku
kind: {column: type, values: {Film: movie}}
fields: {name: title, year: year}
"""


def mapped(tmp: Path, data: str, mapping: str = MAPPING) -> tuple[str, ...]:
    (tmp / "shop.yaml").write_text(mapping)
    (tmp / "shop.csv").write_text(data)
    return ("--provider", "wikishop", "--mapping", str(tmp / "shop.yaml"), str(tmp / "shop.csv"))


def test_a_provider_that_is_described_by_a_file(endpoint: Endpoint, tmp_path: Path) -> None:
    data = "sku;type;title;year;note\n1;Film;Cedar;1999;x\n;Film;Birch;;\n3;Film;;;\n4;Book;Oak;;\n"
    found = run(*mapped(tmp_path, data))
    assert found.exit_code == 1, "rows were refused"
    assert endpoint.url.endswith("as wikishop")
    assert "accepted 1 of 1 items" in found.stdout
    assert "rejected 3:" in found.stdout
    assert "no id in sku (for example item shop.csv:3)" in found.stdout
    assert "no name (for example item 3)" in found.stdout
    assert "kind '' is none of movie, series" in found.stdout
    assert "columns the mapping says nothing about: note" in found.stderr
    secrets = json.loads((tmp_path / "providers.json").read_text())
    assert secrets["wikishop"]["secrets"][0].startswith("whsec_")


@pytest.mark.parametrize(
    ("data", "mapping", "said"),
    [
        ("sku;type;name\n", MAPPING, "no column title, year in the data; there are: sku, type, name"),
        ("sku;type;title;year\n1;Film\n", MAPPING, "shop.csv:2: 2 columns where the header has 4"),
        ("sku;type;title;year\n", MAPPING.replace("kind", "kin"), "did you mean kind?"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_sent(
    endpoint: Endpoint, tmp_path: Path, data: str, mapping: str, said: str
) -> None:
    found = run(*mapped(tmp_path, data, mapping))
    assert (found.exit_code, endpoint.url) == (1, "")
    assert said in found.stderr
    assert not (tmp_path / "providers.json").exists()


def test_a_provider_with_an_adapter_needs_no_mapping(endpoint: Endpoint, tmp_path: Path) -> None:
    words = mapped(tmp_path, "sku\n")
    found = run("--provider", "netflix", *words[2:])
    assert "netflix has an adapter of its own" in found.stderr
