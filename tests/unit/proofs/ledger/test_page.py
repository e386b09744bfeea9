"""The page says what the recorded runs say."""

from pathlib import Path

from proofs.figures import Figure
from proofs.ledger import page
from proofs.ledger.checker import Finding
from proofs.ledger.evidence import Evidence, Fault

DOCS = Path(__file__).parents[4] / "docs"
RUNS = page.read(DOCS / "reliability.json")
TEXT = (DOCS / "reliability.md").read_text()


def test_tables_are_those_of_the_recorded_runs() -> None:
    undisturbed = RUNS[page.UNDISTURBED]
    for part in (page.faults_line(undisturbed), page.figures_table(undisturbed), page.mutations_table(RUNS)):
        assert part in TEXT, f"docs/reliability.md must contain:\n{part}"


def test_the_real_system_kept_its_word_and_no_mutation_did() -> None:
    assert RUNS[page.UNDISTURBED].counts == {}
    assert all(figure.holds for figure in RUNS[page.UNDISTURBED].figures)
    assert all(run.counts for name, run in RUNS.items() if name != page.UNDISTURBED)


def test_a_run_is_recorded_in_place_of_the_last_one(tmp_path: Path) -> None:
    evidence = Evidence(seed=1, seconds=60.0, faults=[Fault("kill", "a", 1.0), Fault("kill", "b", 2.0)])
    findings = [Finding("differs", "x"), Finding("lost", "y"), Finding("lost", "z")]
    run = page.recorded(evidence, findings, [Figure.against("lost", 2.0, "", "≤", 0, 5)])
    assert run.faults == {"kill": 2}
    assert run.findings == ["lost: y", "differs: x"]
    assert run.counts == {"lost": 2, "differs": 1}
    path = tmp_path / "runs.json"
    page.add(path, "other", run)
    page.add(path, "one", page.recorded(evidence, [], []))
    page.add(path, "one", run)
    assert page.read(path) == {"one": run, "other": run}
    assert "| `one` | 60 s of load, seed 1: 2 × kill. | 2 × lost; 1 × differs (`lost: y`) |" in page.mutations_table(
        page.read(path)
    )
