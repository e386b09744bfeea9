"""Manifests of labelled data, and the figures that come of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from bootstrap.mappings.notation import MappingError
from proofs.evaluation import manifest, resolution
from proofs.evaluation.manifest import Data
from proofs.evaluation.quality import blocking, measure

SHAPE = {"id": "id", "kind": "movie"}
LEFT = "id;title;year\n1;Cedar;1999\n2;Birch;2001\n3;;2001\n"
RIGHT = "id,name,when,label\na,Cedar,1999,x\nb,Cedar,1999,y\nc,Oak,1980,z\n"


def written(folder: Path, **changes: Any) -> Path:
    (folder / "left.csv").write_text(LEFT)
    (folder / "right.csv").write_text(RIGHT)
    (folder / "gold.csv").write_text("l,r\n1,a\n2,c\n3,b\n9,9\n")
    shape: dict[str, Any] = {
        "name": "two",
        "files": [
            {"path": "left.csv", "provider": "l", **SHAPE, "fields": {"name": "title", "year": "year"}},
            {"path": "right.csv", "provider": "r", **SHAPE, "fields": {"name": "name", "year": "when"}},
        ],
        "gold": {"path": "gold.csv", "columns": ["l", "r"]},
    }  # fmt: skip
    path = folder / "two.yaml"
    path.write_text(json.dumps(shape | changes))  # JSON is YAML
    return path


def titles(data: Data, *groups: str) -> dict[tuple[str, str], str]:
    found = {one.key: f"alone {one.key}" for one in data.items}
    for group in groups:
        for name in group.split():
            provider, _, native = name.partition(":")
            found[(provider, native)] = group
    return found


def test_pairs_of_ids(tmp_path: Path) -> None:
    data = manifest.load(written(tmp_path))
    assert (len(data.items), data.refused, data.lost) == (5, 1, 2), "a row without a name; two pairs with nobody there"
    quality = measure(data, titles(data, "l:1 r:a r:b"))
    assert quality.true_pairs == 4
    assert (quality.precision, quality.recall) == (0.5, 0.25)
    assert quality.false_merges == pytest.approx(2 / 5)
    assert [(one.native_id, other.native_id) for one, other in quality.missed] == [("2", "c")]


def test_labels_are_hidden_from_the_matcher(tmp_path: Path) -> None:
    shape = {
        "id": "id",
        "kind": "movie",
        "fields": {"name": "name", "external_ids": {"shop": {"column": "label", "optional": True}}},
    }
    files = [{"path": "right.csv", "provider": name, "label": "label", **shape} for name in ("p", "q")]
    data = manifest.load(written(tmp_path, files=files, gold=None))
    assert all(not one.item.external_ids for one in data.items)
    quality = measure(data, titles(data, "p:a q:a", "p:b q:b", "p:c q:c"))
    assert (quality.f1, quality.b_cubed_f1, quality.false_merges) == (1.0, 1.0, 0.0)
    assert blocking(data).recall == 1.0


def test_labelled_pairs(tmp_path: Path) -> None:
    record = "COL Name VAL {} COL Artist VAL {} "
    same, other = record.format("Quiet Harbour", "Bea Noor"), record.format("Loud Street", "Cy Oram")
    (tmp_path / "pairs.txt").write_text(f"{same}\t{same}\t1\n{same}\t{other}\t0\n{other}\t{same}\t1\n")
    mapping = {"id": [], "kind": "track", "fields": {"name": "Name", "people": {"artist": "Artist"}}}
    path = tmp_path / "pairs.yaml"
    path.write_text(
        json.dumps({"name": "songs", "pairs": {"path": "pairs.txt", "mapping": mapping}, "bars": {"f1": 0.9}})
    )
    found = {figure.name: figure for figure in resolution.evaluate([path])}
    assert found["songs: precision"].value == 1.0
    assert found["songs: recall"].value == 0.5
    assert (found["songs: F1"].bar, found["songs: F1"].holds) == ("≥ 0.9", False)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"files": []}, "names neither files nor pairs"),
        ({"files": [{"path": "none.csv"}]}, "no file"),
        ({"files": [{"provider": "l"}]}, "no path"),
        ({"files": [{"path": "left.csv", "id": "id", "kind": "movie", "fields": {"name": "nome"}}]}, "no column nome"),
        ({"files": [{"path": "left.csv", "id": "id", "kind": "movie", "fields": {"nome": "a"}}]}, "did you mean name?"),
        ({"gold": {"path": "gold.csv", "columns": ["l", "rr"]}}, "no column rr"),
        ({"gold": {"path": "none.csv"}}, "No such file"),
        ({"gold": None}, "no two items are labelled as one work"),
        ({"gould": 1}, "gould"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(MappingError, match=said):
        manifest.load(written(tmp_path, **changes))


def test_our_own_manifests_are_well_formed() -> None:
    assert len(list(resolution.FOLDER.glob("*.yaml"))) >= 5
    for path in resolution.FOLDER.glob("*.yaml"):
        assert manifest.is_here(path) in {True, False}
