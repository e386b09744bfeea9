"""Weights learned from files that nobody labelled, and entity resolution by several sets of weights in one table."""

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bootstrap.commands.measure import evaluate
from bootstrap.mappings.notation import MappingError
from proofs.evaluation import compared, learning, manifest, patterns
from schemas.types.catalog import Kind
from streams.processors.entity_resolution import artefact

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
FIELDS = {"name": "title", "year": "year", "runtime": "minutes", "genres": {"column": "genre", "split": ","}}
WORDS = ("Amber", "Birch", "Cedar", "Dune", "Elm", "Fjord", "Grove", "Harbour", "Isle", "Juniper", "Kelp", "Lane")


def catalogs(folder: Path, works: int = 400) -> Path:
    """Two catalogues that have half of their films in common, and whose years and lengths differ a little."""
    source = random.Random(7)
    sides: tuple[list[str], list[str]] = ([], [])
    for number in range(works):
        name = " ".join(source.sample(WORDS, 2))
        year, minutes, genre = (
            source.randrange(1950, 2020),
            source.randrange(80, 160),
            source.choice(("drama", "comedy")),
        )
        for at in (0, 1) if number % 2 else (number // 2 % 2,):
            shift = source.choice((0, 0, 0, 0, 1))
            sides[at].append(f"{number};{name};{year + shift};{minutes + 7 * shift};{genre}")
    for file, rows in zip(("left.csv", "right.csv"), sides, strict=True):
        (folder / file).write_text("\n".join(["id;title;year;minutes;genre", *rows]) + "\n")
    shape: dict[str, Any] = {
        "name": "two",
        "files": [
            {"path": "left.csv", "provider": "l", "id": "id", "kind": "movie", "fields": FIELDS},
            {"path": "right.csv", "provider": "r", "id": "id", "kind": "movie", "fields": FIELDS, "label": "id"},
        ],
        "gold": {"path": "nobody-reads.csv"},
    }
    path = folder / "two.yaml"
    path.write_text(json.dumps(shape))
    return path


def test_no_gold_is_read_and_the_same_files_give_the_same_artefact(tmp_path: Path) -> None:
    path, out = catalogs(tmp_path), tmp_path / "weights" / "learned-3.json"
    learning.evaluate([path], out, now=MOMENT)
    first = out.read_bytes()
    learning.evaluate([path], out, now=MOMENT)
    assert out.read_bytes() == first
    made = artefact.decode(first)
    assert (made.version, made.made_at) == ("learned-3", "2026-01-01T00:00:00+00:00")
    assert [(one.manifest, one.rows, one.items) for one in made.inputs] == [("two", 300, 300)] * 2
    assert [one.file for one in made.inputs] == [f"{tmp_path.name}/{side}.csv" for side in ("left", "right")]
    assert made.left.keys() == {"series", "season", "episode", "track", "album"}
    film = made.kinds["movie"]
    assert film.sets.keys() == {"two: l, r"}
    assert film.sets["two: l, r"].of_one_work == pytest.approx(200, rel=0.1)
    assert film.fields["year"]["same"].bits > 0 > film.fields["year"]["1 apart"].bits
    assert film.fields["runtime"]["same"].bits > 0 > film.fields["runtime"]["further apart"].bits


def test_each_item_has_one_vote(tmp_path: Path) -> None:
    data = manifest.load(catalogs(tmp_path), labelled=False)
    assert not data.labels, "of a column of labels neither"
    seen: dict[Kind, patterns.Seen] = {}
    patterns.observe(data, {"movie": ("name", "year")}, seen)
    votes = sum(sum(counts.values()) for counts in seen["movie"].observed.blocked.values())
    assert votes == pytest.approx(round(votes))
    assert votes <= len([one for one in data.items if one.provider == "l"])
    assert seen["movie"].namesakes >= 1.0


def run(*words: str) -> Result:
    return CliRunner().invoke(evaluate, list(words), catch_exceptions=False)


def test_the_command(tmp_path: Path) -> None:
    path, out = catalogs(tmp_path), tmp_path / "learned-4.json"
    found = run("learn-weights", str(path), "--out", str(out), "--sample", "blocked", "--json")
    assert found.exit_code == 0
    assert {one["name"].partition(":")[0] for one in json.loads(found.stdout)} == {"movie"}
    assert artefact.decode(out.read_bytes()).command == "mg eval learn-weights two.yaml --sample blocked"


def songs(folder: Path) -> Path:
    record = "COL Name VAL {} COL Artist VAL {} "
    same, other = record.format("Quiet Harbour", "Bea Noor"), record.format("Loud Street", "Cy Oram")
    (folder / "pairs.txt").write_text(f"{same}\t{same}\t1\n{same}\t{other}\t0\n")
    mapping = {"id": [], "kind": "track", "fields": {"name": "Name", "people": {"artist": "Artist"}}}
    path = folder / "songs.yaml"
    path.write_text(json.dumps({"name": "songs", "pairs": {"path": "pairs.txt", "mapping": mapping}}))
    return path


def test_two_sets_of_weights_in_one_table(tmp_path: Path) -> None:
    found = run("entity-resolution", str(songs(tmp_path)), "--weights", "hand", "--weights", "learned", "--json")
    names = [one["name"] for one in json.loads(found.stdout)]
    assert names[:2] == ["songs: F1 (hand)", "songs: F1 (learned)"]
    assert compared.evaluate([songs(tmp_path)], choices=["hand"])[0].name == "songs: F1"
    by = {figure.name: figure.value for figure in compared.evaluate([songs(tmp_path)], choices=["hand"], link=1.0)}
    assert by["songs: F1"] == 0.0, "nothing is that certain"


def test_nothing_stands_in_for_weights_that_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise FileNotFoundError("no such file")

    monkeypatch.setattr("proofs.evaluation.compared.read", missing)
    with pytest.raises(MappingError, match=r"the weights \(learned\) cannot be read: no such file"):
        compared.evaluate([songs(tmp_path)], choices=["learned"])
