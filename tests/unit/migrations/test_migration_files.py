"""Names and numbers of migration files."""

from pathlib import Path

import pytest

from migrations import runner


def test_ours_are_numbered_without_a_gap() -> None:
    found = runner.migrations()
    assert [each.number for each in found] == list(range(1, len(found) + 1))


@pytest.mark.parametrize("name", ["1_pre_x.sql", "0001_x.sql", "0001_during_x.sql", "0001_pre_X.sql", "0001_pre_.sql"])
def test_a_name_of_another_form_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("SELECT 1")
    with pytest.raises(runner.MigrationError, match="a migration is called"):
        runner.migrations(tmp_path)


def test_a_number_cannot_be_used_twice(tmp_path: Path) -> None:
    (tmp_path / "0001_pre_a.sql").write_text("SELECT 1")
    (tmp_path / "0001_post_b.sql").write_text("SELECT 1")
    with pytest.raises(runner.MigrationError, match="0001 is taken by 0001_post_b"):
        runner.migrations(tmp_path)


def test_the_end_state_is_no_migration(tmp_path: Path) -> None:
    (tmp_path / "schema.sql").write_text("SELECT 1")
    assert runner.migrations(tmp_path) == []
