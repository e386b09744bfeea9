"""The page says what the recorded runs say."""

from pathlib import Path

from bootstrap.commands.load import PROFILES
from proofs.benchmarks import page, suite
from proofs.figures import Figure

ROOT = Path(__file__).parents[4]
RUNS = page.read(ROOT / "docs" / "performance.json")
TEXT = (ROOT / page.PAGE).read_text()


def test_every_recorded_run_is_on_the_page_as_it_was() -> None:
    assert RUNS
    for name, run in RUNS.items():
        assert page.section(name, run) in TEXT, f"{page.PAGE} must contain:\n{page.section(name, run)}"


def test_every_figure_on_the_page_comes_from_a_run_that_can_be_repeated() -> None:
    for name, run in RUNS.items():
        profile = name.removeprefix("load-")
        if profile == name:
            assert name in {**suite.RUNS, **suite.ON_REQUEST}
            assert not run.command
        else:
            assert profile in PROFILES
            assert run.command.startswith(f"mg load --profile {profile}")
    commands = TEXT.count("`mg bench ") - TEXT.count("`mg bench NAME") + TEXT.count("`mg load ")
    assert commands >= len(RUNS)


def test_a_run_is_recorded_in_place_of_the_last_one(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    page.add(path, "one", [Figure.against("speed", 1.0, "events/s", "≥", 2.0, 5)])
    page.add(path, "other", [Figure.information("size", 1234567.0, "MB", 1)])
    page.add(path, "one", [Figure.against("speed", 3.0, "events/s", "≥", 2.0, 5)])
    found = page.read(path)
    assert list(found) == ["one", "other"]
    assert "| speed | 3 events/s | ≥ 2 | holds | 5 |" in page.section("one", found["one"])
    assert "| size | 1,234,567 MB |  |  | 1 |" in page.section("other", found["other"])
    assert page.section("one", found["one"]).startswith("`mg bench one`, ")
