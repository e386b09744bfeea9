"""Which tests one worker runs together (`pytest -n`): those of a file, because what its fixtures start is dear.

A pytest plugin. Not by xdist's groups: their names no longer reach the scheduler with pytest 9.2 and xdist 3.8.
"""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped] # no types shipped

# One running system for the whole folder; one alias in one engine, which the one file moves and the other reads.
TOGETHER = {
    "tests/e2e/": "e2e",
    "tests/integration/query_api/discovery/test_discovery.py": "title_search",
    "tests/integration/streams/materializers/test_title_search_store.py": "title_search",
}


def group_of(nodeid: str) -> str:
    file = nodeid.partition("::")[0]
    return next((group for start, group in TOGETHER.items() if file.startswith(start)), file)


class ByFile(LoadScopeScheduling):  # type: ignore[misc] # the same
    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)
