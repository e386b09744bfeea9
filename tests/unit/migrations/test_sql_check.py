"""`mg sql check`: the real checkout agrees with its lock, and each kind of disagreement is found."""

from pathlib import Path

import pytest

from migrations import statements, usage
from runtime import sql

GOOD_SQL = "-- name: one\nSELECT %(a)s::int, %(b)s::text, 100 %% 7\n\n-- name: two\nSELECT 1\n"
GOOD_CODE = """
from runtime.sql import beside
_SQL = beside(__file__)
def f(cursor, x):
    cursor.execute(_SQL["one"], {"a": 1, "b": x})
    cursor.execute(_SQL["two"])
"""


def problems(tmp_path: Path, code: str, text: str = GOOD_SQL) -> list[str]:
    folder = tmp_path / "query_api"
    folder.mkdir(exist_ok=True)
    (folder / "reader.py").write_text(code)
    (folder / "queries.sql").write_text(text)
    found = {name: statements.parameter_names(body) for name, body in sql.read(folder / "queries.sql").items()}
    sql.read.cache_clear()
    return usage.problems(tmp_path, [folder], {"query_api/queries.sql": found})


def test_code_statements_and_lock_of_this_checkout_agree() -> None:
    assert statements.check() == []


def test_good_code_has_no_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, GOOD_CODE) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('_SQL["two"]', '_SQL["tow"]', "query_api/reader.py:6: query_api/queries.sql has no statement named 'tow'"),
        ('    cursor.execute(_SQL["two"])\n', "", "query_api/queries.sql: two is not used by any code"),
        ('{"a": 1, "b": x}', '{"a": 1, "c": x}', "query_api/reader.py:5: one takes a, b, and gets a, c"),
        (', {"a": 1, "b": x}', "", "query_api/reader.py:5: one takes a, b, and gets no parameters"),
    ],
)
def test_a_disagreement_is_told_with_its_place(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in GOOD_CODE
    assert problem in problems(tmp_path, GOOD_CODE.replace(old, new))


def test_a_variable_with_parameters_is_trusted(tmp_path: Path) -> None:
    assert problems(tmp_path, GOOD_CODE.replace('{"a": 1, "b": x}', "x")) == []


def test_a_statement_chosen_at_run_time_counts_as_used(tmp_path: Path) -> None:
    code = 'from runtime import sql\nS = sql.beside(__file__)\ndef f(c, n): c.execute(S[n])\nf(0, "one")\n'
    assert problems(tmp_path, code) == ["query_api/queries.sql: two is not used by any code"]


def test_a_statements_parameter_stands_for_the_file_beside(tmp_path: Path) -> None:
    code = 'def write(cursor, statements: Statements, writes):\n    cursor.execute(statements["three"])\n'
    assert "query_api/reader.py:2: query_api/queries.sql has no statement named 'three'" in problems(tmp_path, code)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of one statement, with its lock."""
    problems(tmp_path, GOOD_CODE)
    (tmp_path / "lock.json").write_text(
        '{"query_api/queries.sql": {'
        f'"one": {{"sha256": "{statements._sha256("SELECT %(a)s::int, %(b)s::text, 100 %% 7")}", '
        '"parameters": {}, "columns": []}, '
        f'"two": {{"sha256": "{statements._sha256("SELECT 1")}", "parameters": {{}}, "columns": []}}}}}}'
    )
    return tmp_path


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (GOOD_SQL.replace("SELECT 1\n", "SELECT 2\n"), "two has changed since it was described: run `mg sql prepare`"),
        (GOOD_SQL.replace("name: two", "name: three"), "three is not in the lock: run `mg sql prepare`"),
        (GOOD_SQL.replace("name: two", "name: three"), "two is in the lock but gone: run `mg sql prepare`"),
    ],
)
def test_a_stale_lock_names_the_command(checkout: Path, text: str, problem: str) -> None:
    lock = checkout / "lock.json"
    assert statements.check(checkout, lock) == []
    (checkout / "query_api" / "queries.sql").write_text(text)
    sql.read.cache_clear()
    assert f"query_api/queries.sql: {problem}" in statements.check(checkout, lock)
    sql.read.cache_clear()


def test_comments_do_not_make_a_lock_stale(checkout: Path) -> None:
    path = checkout / "query_api" / "queries.sql"
    path.write_text(GOOD_SQL.replace("SELECT 1", "-- why\nSELECT 1"))
    sql.read.cache_clear()
    assert statements.check(checkout, checkout / "lock.json") == []
    sql.read.cache_clear()
