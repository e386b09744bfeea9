"""`mg resolve explain`: the score of two items in words."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bootstrap.commands.resolve import resolve
from tests.support import webhooks
from tests.support.canonical_items import an_item

ITEMS = {
    ("here", "1"): an_item("Amber Road by the Sea", 1999),
    ("there", "2"): an_item("Amber Road by the Sea", 1999),
    ("there", "3"): an_item("Amber Road by the Sea", 1999, "series"),
}


@pytest.fixture(autouse=True)
def _registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("runtime.settings.load", lambda: webhooks.settings(tmp_path))
    monkeypatch.setattr("bootstrap.outcomes.item", lambda _, provider, native: ITEMS.get((provider, native)))


def run(*words: str) -> Result:
    return CliRunner().invoke(resolve, ["explain", *words], catch_exceptions=False)


def test_in_words() -> None:
    found = run("here:1", "there:2")
    assert found.exit_code == 0
    assert "here:1: movie, Amber Road by the Sea (1999)" in found.stdout
    assert "+3.0" in found.stdout, "the year"
    assert "one work by what they say" in found.stdout


def test_for_scripts() -> None:
    found = json.loads(run("here:1", "there:3", "--json").stdout)
    assert (found["score"], found["verdict"]) == (0.0, "two works")
    assert found["evidence"] == [{"field": "kind", "level": "movie and series", "weight": None}]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [(("here", "there:2"), 2, "is not PROVIDER:ID"), (("here:9", "there:2"), 1, "no item here:9")],
)
def test_what_is_not_there(words: tuple[str, ...], code: int, said: str) -> None:
    found = run(*words)
    assert (found.exit_code, said in found.output) == (code, True)
