"""Mappings: what is wrong with one is said in one line that names it."""

from pathlib import Path

import pytest

from bootstrap.mappings import notation
from bootstrap.mappings.notation import MappingError

GOOD = """
id: sku
kind: {column: type, values: {Film: movie, "*": series}}
fields:
  name: [title, {column: old title, optional: true}]
  people: {director: {column: directed by, split: ";"}}
offers:
  - {region: DE, when: {on air: "yes"}}
"""


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "shop.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_columns_and_which_are_needed(tmp_path: Path) -> None:
    found = notation.load(written(tmp_path, GOOD)).columns()
    assert found == {
        "sku": True, "type": True, "title": True, "old title": False, "directed by": True, "on air": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("fields:", "feilds:"), "did you mean fields?"),
        (GOOD.replace("  name:", "  nmae:"), "did you mean name?"),
        (GOOD.replace("director:", "driver:"), "driver"),
        (GOOD.replace("id: sku\n", ""), "missing required field `id`"),
        (GOOD.replace("split", "splitt"), "did you mean split?"),
        (GOOD + "  - {region: DE, type: gift}\n", "gift"),
        (
            GOOD.replace("{column: old title, optional: true}", "{column: a, constant: b}"),
            "either a column or a constant",
        ),
        (GOOD.replace("{column: old title, optional: true}", '{column: a, pattern: "("}'), "pattern"),
        (GOOD.replace('split: ";"', 'split: ""'), "split of directed by is empty"),
        ("id: sku\nid: other\n", "id stands here twice"),
        ("a: &a [1]\nb: *a\n", "alias *a: write it out"),
        ("a: &a [*a]\n", "alias *a: write it out"),
        ("!!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("a: [", "shop.yaml:1:"),
        (b"\xff\xfe", "not UTF-8"),
        ("- a list", "Expected `object`"),
        ("[" * 5000, "nested too deeply"),
        (b"#" * (notation.MAX_BYTES + 1), "a mapping has at most"),
    ],
    ids=lambda value: str(value)[:24].strip() if isinstance(value, str) else "bytes",
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(MappingError) as failed:
        notation.load(written(tmp_path, text))
    message = str(failed.value)
    assert said in message
    assert "shop.yaml" in message
    assert "\n" not in message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="No such file"):
        notation.load(tmp_path / "none.yaml")
