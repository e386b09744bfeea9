"""A few seconds of an evening, thinned out, on a whole system: everything that is sent is right and is answered."""

import math
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from proofs.load import evening
from proofs.load.plan import EVENING, KINDS
from runtime.settings import home_from


@pytest.fixture
def folder() -> Iterator[Path]:
    found = Path(tempfile.mkdtemp(prefix="mg-load-"))
    found.chmod(0o755)  # root starts PostgreSQL as somebody else, who has to get there
    yield found
    shutil.rmtree(found, ignore_errors=True)


def test_a_few_seconds_of_an_evening(folder: Path) -> None:
    lines: list[str] = []
    thin = [flow.times(0.2) for flow in EVENING]
    ran = evening.run(home_from(), 0.15, 7, lines.append, flows=thin, folder=folder)
    figures = {figure.name: figure for figure in ran.figures}
    assert {kind: figures[f"{kind}, errors"].value for kind in KINDS} == dict.fromkeys(KINDS, 0)
    assert all(figures[f"{kind}, errors"].samples > 0 for kind in KINDS)
    asked = {name for name in figures if name.startswith("query ")}
    assert len(asked) == 6, asked
    assert not math.isnan(figures["until every consumer has everything"].value)
    assert [minute.at for minute in ran.minutes] == [9.0]
    assert lines[-1].startswith("  0.1 min | webhooks ") or lines[-1].startswith("  0.2 min | webhooks ")
