"""A kept run can be judged again."""

from pathlib import Path

import pytest

from proofs.ledger import checker, run
from proofs.ledger.evidence import Evidence, Fault
from proofs.system import SystemFailed


def test_history_survives_its_file(tmp_path: Path) -> None:
    evidence = Evidence(seed=5, seconds=2.0, faults=[Fault("kill", "service:sync", 1.5), Fault("kafka", "kafka", None)])
    path = tmp_path / "kept" / "run.json"
    run.save(path, evidence)
    assert run.load(path) == evidence
    figures = {figure.name: figure for figure in run.figures(evidence, checker.judge(run.load(path)))}
    assert figures["recovery after kill, max"].value == 1.5
    assert not figures["not recovered"].holds
    assert figures["lost"].holds


@pytest.mark.parametrize("content", [None, b"", b"[]", b'{"seed": "x"}'])
def test_what_is_no_history_is_said_in_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "run.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SystemFailed, match="is no history of the ledger") as refused:
        run.load(path)
    assert "\n" not in str(refused.value)


def test_every_mutation_says_what_it_breaks() -> None:
    found = run.mutations()
    assert {"ack_before_write", "no_fence", "position_first"} <= found.keys()
    assert all(what.endswith(".") for what in found.values())
