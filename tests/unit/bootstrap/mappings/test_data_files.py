"""Rows of files as they really come; a file that is none is refused with its line."""

from pathlib import Path

import pytest

from bootstrap.mappings import data_files
from bootstrap.mappings.notation import FileShape, MappingError


def rows(path: Path, **shape: object) -> list[dict[str, object]]:
    return [dict(row) for _, row in data_files.read(path, FileShape(**shape))]  # type: ignore[arg-type] # as a test says it


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "shop.csv"
    path.write_text(f"\ufeffsku{separator}title\n1{separator}Cedar\n\n2{separator}Birch\n", encoding="utf-8")
    assert rows(path) == [{"sku": "1", "title": "Cedar"}, {"sku": "2", "title": "Birch"}]
    assert data_files.header(path, FileShape()) == ["sku", "title"]


def test_other_shapes(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"sku": 1}\n\n{"sku": 2}\n')
    (tmp_path / "b.json").write_text('[{"sku": 1}]')
    (tmp_path / "c.txt").write_bytes("1;Amélie\n".encode("latin-1"))
    (tmp_path / "d.csv").write_text('sku|title\n1|He said "no\n')
    assert rows(tmp_path / "a.jsonl") == [{"sku": 1}, {"sku": 2}]
    assert rows(tmp_path / "b.json") == [{"sku": 1}]
    found = rows(tmp_path / "c.txt", encoding="latin-1", columns=["sku", "title"], separator=";")
    assert found == [{"sku": "1", "title": "Amélie"}]
    assert rows(tmp_path / "d.csv", quote="") == [{"sku": "1", "title": 'He said "no'}]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.csv", b"sku,title\n1,Ced\0ar\n", "a.csv:2: a NUL"),
        ("a.csv", b"sku,title\n1,x\n2,a,b\n", "a.csv:3: 3 columns where the header has 2"),
        ("a.csv", b"sku,title\n1,Am\xe9lie\n", "not utf-8"),
        ("a.csv", b"sku,sku\n", "column 'sku' stands there twice"),
        ("a.csv", b"sku,title\n1," + b"x" * (data_files.MAX_LINE + 10), "a.csv:2: a line of more than"),
        ("a.jsonl", b'{"sku": 1}\n[1]\n', "a.jsonl:2: a line is one JSON object, not list"),
        ("a.jsonl", b'{"sku": \n', "a.jsonl:1:"),
        ("a.json", b'{"sku": 1}', "a list of items, not dict"),
        ("a.json", b"[1]", "item 1 is no object"),
        ("a.xyz", b"", "say file.format"),
    ],
)
def test_what_is_no_such_file(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(MappingError) as failed:
        rows(path)
    assert said in str(failed.value)
    assert "\n" not in str(failed.value)


def test_encodings_and_separators_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("sku,title\n")
    with pytest.raises(MappingError, match="no encoding 'klingon'"):
        rows(path, encoding="klingon")
    with pytest.raises(MappingError, match="a separator is one character"):
        rows(path, separator="||")
    with pytest.raises(MappingError, match="No such file"):
        rows(tmp_path / "none.csv")
