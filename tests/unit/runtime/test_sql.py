from pathlib import Path

import pytest

from runtime import sql
from runtime.sql import Statements

QUERIES = """\
-- Comments may stand before the first statement.

-- name: one
-- What it is for.
SELECT 1 AS "a--b"
FROM title_catalog_v{v};

-- name: two_2
  -- indented comment
SELECT 2;
"""


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    path = tmp_path / "queries.sql"
    path.write_text(QUERIES)
    return path


def test_statements_by_name_without_comments_and_semicolons(queries: Path) -> None:
    found = Statements(queries)
    assert found.names() == ("one", "two_2")
    assert found["one"] == 'SELECT 1 AS "a--b"\nFROM title_catalog_v{v}'
    assert found["two_2"] == "SELECT 2"


def test_the_version_is_the_only_substitution_and_a_whole_number(queries: Path) -> None:
    assert Statements(queries, 3)["one"].endswith("FROM title_catalog_v3")
    with pytest.raises(ValueError, match="invalid literal"):
        Statements(queries, "1; DROP TABLE titles")  # type: ignore[arg-type] # what the type forbids is refused, too


def test_an_unknown_name_says_in_which_file(queries: Path) -> None:
    with pytest.raises(KeyError, match=r"queries\.sql: no statement named 'three'"):
        Statements(queries)["three"]


def test_beside_a_module(queries: Path) -> None:
    assert sql.beside(str(queries.with_name("store.py")), 1)["one"].endswith("_v1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT 1;\n-- name: a\nSELECT 2", "text before"),
        ("-- name: a\nSELECT 1;\n-- name: a\nSELECT 2", "defined twice"),
        ("-- name: a\nSELECT 1;\n-- name: B\nSELECT 2", "name: B"),
        ("-- name: a\nSELECT 1;\n--name: b\nSELECT 2", "--name: b"),
        ("-- name: a\nSELECT 1;\n -- name: b-c\nSELECT 2", "name: b-c"),
    ],
)
def test_files_that_would_be_misread_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "queries.sql"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        Statements(path)
