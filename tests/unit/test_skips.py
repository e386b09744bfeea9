"""`--no-skips` turns a skip into a failure that says why, and lets everything else be."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.support import skips


def judged(outcome: Any, *, asked: bool, **more: Any) -> pytest.TestReport:
    """A report as `pytest.skip("no data")` makes it, after the plugin has seen it."""
    longrepr = ("test_x.py", 3, "Skipped: no data") if outcome == "skipped" else None
    report = pytest.TestReport("test_x.py::test_y", ("test_x.py", 3, "test_y"), {}, outcome, longrepr, "call", **more)
    item: Any = SimpleNamespace(config=SimpleNamespace(getoption=lambda name: asked and name == "no_skips"))
    around = skips.pytest_runtest_makereport(item)
    next(around)
    with pytest.raises(StopIteration) as done:
        around.send(report)
    seen: pytest.TestReport = done.value.value
    return seen


def test_a_skip_fails_where_none_is_wanted() -> None:
    report = judged("skipped", asked=True)
    assert report.failed
    assert report.longrepr == "test_x.py::test_y must not be skipped here (--no-skips): Skipped: no data"


@pytest.mark.parametrize(
    ("outcome", "asked", "more"),
    [
        ("skipped", False, {}),
        ("skipped", True, {"wasxfail": "known"}),
        ("passed", True, {}),
        ("failed", True, {}),
    ],
)
def test_everything_else_stays(outcome: str, asked: bool, more: dict[str, str]) -> None:
    assert judged(outcome, asked=asked, **more).outcome == outcome
