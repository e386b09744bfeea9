"""Which faults `mg ledger` does."""

import pytest
from click import BadParameter

from bootstrap.commands.ledger import _chosen
from proofs import small_disk
from proofs.ledger.nemesis import FAULTS


def test_all_is_everything_where_a_small_disk_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small_disk, "why_not", str)
    assert _chosen("all") == tuple(FAULTS)


def test_all_says_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(small_disk, "why_not", lambda: "cannot mount a small disk: only root can do that")
    assert set(FAULTS) - set(_chosen("all")) == {"disk-full"}
    said = capsys.readouterr().err
    assert said == "disk-full is left out: cannot mount a small disk: only root can do that\n"


def test_by_name() -> None:
    assert _chosen("none") == ()
    assert _chosen("qdrant, disk-full") == ("qdrant", "disk-full")
    with pytest.raises(BadParameter, match="disk-fool"):
        _chosen("disk-fool")
