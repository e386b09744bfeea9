"""A read model is filled anew from the log and switched, under import traffic, and no reader notices."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from proofs import read_models
from proofs.system import System, fresh
from runtime.settings import home_from
from tests.faults.catalog import Catalog, more_films, write_catalog
from tests.faults.running import Import, Scenario

pytestmark = [pytest.mark.backends, pytest.mark.slow, pytest.mark.timeout(600)]

READ_MODELS = ("title_catalog", "availability", "title_search")
_RATE = 30.0  # items a second until the rebuilds are done


@pytest.fixture(scope="module")
def system(run_folder: Path) -> Iterator[System]:
    """Compact, as `mg up` runs by default."""
    with fresh(run_folder / "rebuild", home_from()) as running:
        yield running


@pytest.fixture(scope="module")
def catalog(system: System, tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return write_catalog(tmp_path_factory.mktemp("catalog"), system.home)


class Readers:
    """Ask for known titles in every way the API has, without a pause, and keep every answer that is wrong."""

    def __init__(self, system: System) -> None:
        self._url = system.url("discovery")
        self._stop = threading.Event()
        self.wrong: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self.known: dict[str, str] = {}
        """Title id → name."""

    @contextmanager
    def reading(self) -> Iterator[None]:
        threads = [
            threading.Thread(target=self._read, args=(kind,), daemon=True) for kind in ("title", "offers", "search")
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(30)

    def _read(self, kind: str) -> None:
        with httpx.Client(base_url=self._url, timeout=20) as client:
            while not self._stop.is_set():
                for title_id, name in list(self.known.items()):
                    if self._stop.is_set():
                        return
                    self._ask(client, kind, title_id, name)
                    time.sleep(0.01)

    def _ask(self, client: httpx.Client, kind: str, title_id: str, name: str) -> None:
        path = {
            "title": f"/v1/titles/{title_id}",
            "offers": f"/v1/titles/{title_id}/availability",
            "search": "/v1/search",
        }[kind]
        try:
            answer = client.get(path, params={"q": name, "limit": 20} if kind == "search" else None)
        except httpx.TransportError as error:
            self.wrong[f"{kind}: {error!r}"] += 1
            return
        self.answers[kind] += 1
        if answer.status_code != 200:
            self.wrong[f"{kind}: {answer.status_code} {answer.text[:200]}"] += 1
        elif kind == "search" and title_id not in {hit["titleId"] for hit in answer.json()["items"]}:
            self.wrong[f"search does not find {name!r}"] += 1


def content(system: System, without: frozenset[str] = read_models.OF_WRITING) -> dict[str, read_models.Rows]:
    return {each: read_models.rows(system.settings, each, without=without) for each in READ_MODELS}


def existing(system: System) -> list[list[int]]:
    """The physical versions of each."""
    return [read_models.versions(system.settings, each) for each in READ_MODELS]


def rebuild(system: System) -> None:
    """All three at once, each beside its serving version."""
    with ThreadPoolExecutor(len(READ_MODELS)) as pool:
        for done in [pool.submit(system.mg, "rebuild", read_model) for read_model in READ_MODELS]:
            done.result()


def test_rebuilds_under_traffic(system: System, catalog: Catalog) -> None:
    first = Scenario(system, catalog)
    first.start()
    first.check()
    readers = Readers(system)
    with psycopg.connect(system.settings.postgres_dsn) as connection:
        # Long names are rare ones: a search for them need not show twenty others first.
        query = "SELECT title_id, name FROM title_catalog WHERE length(name) > 12 ORDER BY title_id LIMIT 60"
        readers.known = dict(connection.execute(query).fetchall())
    rebuilt = threading.Event()
    films = list(more_films(system.home))  # the importer reads in a thread, and a database cursor stays in its own
    more = itertools.takewhile(lambda _: not rebuilt.is_set(), films)
    traffic = Import(system, {"wikidata": more}, _RATE)
    with readers.reading():
        traffic.start()
        rebuild(system)
        assert traffic.running, "the rebuilds outlasted the traffic"
        rebuilt.set()
        traffic.check()
        first.until_done()
    assert traffic.sent > 0
    assert readers.wrong == Counter()
    assert min(readers.answers[kind] for kind in ("title", "offers", "search")) > 100
    before = content(system)
    assert len(before["title_search"]) > first.size / 2
    assert existing(system) == [[2], [2], [2]], "the old ones are dropped"
    rebuild(system)
    assert existing(system) == [[3], [3], [3]]
    assert content(system) == before
    as_written = content(system, without=frozenset())
    assert sum(read_models.move_back(system.settings, read_model) for read_model in READ_MODELS) > first.size
    read_models.restart_writers(system)
    first.until_done()
    assert content(system, without=frozenset()) == as_written, "reading the log again changes nothing"
