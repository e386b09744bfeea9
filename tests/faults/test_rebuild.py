"""A read model is filled anew from the log and switched, under import traffic, and no reader notices."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row
from qdrant_client import QdrantClient

from proofs.system import System, fresh
from runtime.settings import home_from
from tests.faults.catalog import Catalog, more_films, write_catalog
from tests.faults.running import Import, Scenario

pytestmark = [pytest.mark.backends, pytest.mark.slow, pytest.mark.timeout(600)]

TABLES = {
    "title_catalog": ("title_catalog", "title_catalog_external_ids"),
    "availability": ("availability", "availability_titles"),
}
READ_MODELS = (*TABLES, "title_search")
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


def rows(system: System, read_model: str) -> list[Any]:
    """Everything readers see of a read model, without the time of writing."""
    if read_model == "title_search":
        return points(system)
    with psycopg.connect(system.settings.postgres_dsn, row_factory=dict_row) as connection:
        found = [row for table in TABLES[read_model] for row in connection.execute(f"SELECT * FROM {table}".encode())]
    return sorted((dict(row, written_at=None) for row in found), key=repr)


def points(system: System) -> list[Any]:
    client = QdrantClient(url=system.settings.qdrant_url, timeout=30, check_compatibility=False)
    try:
        found, _ = client.scroll("title_search", limit=10_000, with_payload=True, with_vectors=True)
    finally:
        client.close()
    return sorted(([str(one.id), one.payload, _rounded(one.vector)] for one in found), key=repr)


def _rounded(vectors: Any) -> dict[str, Any]:
    """To five decimals: the engine normalizes a dense vector once more each time its point is written."""
    sparse = sorted(zip(vectors["bm25"].indices, vectors["bm25"].values, strict=True))
    return {"dense": [round(number, 5) + 0.0 for number in vectors["dense"]], "bm25": sparse}


def versions(system: System, read_model: str) -> list[int]:
    """The physical versions that exist."""
    if read_model == "title_search":
        client = QdrantClient(url=system.settings.qdrant_url, timeout=30, check_compatibility=False)
        try:
            names = [one.name for one in client.get_collections().collections]
        finally:
            client.close()
    else:
        with psycopg.connect(system.settings.postgres_dsn) as connection:
            names = [name for (name,) in connection.execute("SELECT tablename FROM pg_tables")]
    return sorted(int(n.rpartition("_v")[2]) for n in names if n.rpartition("_v")[0] == read_model)


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
    before = {read_model: rows(system, read_model) for read_model in READ_MODELS}
    assert len(before["title_search"]) > first.size / 2
    assert [versions(system, read_model) for read_model in READ_MODELS] == [[2], [2], [2]], "the old ones are dropped"
    rebuild(system)
    assert [versions(system, read_model) for read_model in READ_MODELS] == [[3], [3], [3]]
    for read_model, expected in before.items():
        assert rows(system, read_model) == expected, read_model
