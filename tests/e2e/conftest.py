"""One running system for all of this folder, with a small real catalog in it."""

import base64
import json
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bootstrap.catalog_files import RawItem, read_native
from devstack import assets
from proofs.system import fresh
from runtime.settings import home_from
from schemas.read_models.text import name_key
from tests.support.running import Running, SmallCatalog

FILMS, OVERLAPPING, ONLY_MOVIELENS = 400, 80, 20


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.backends)


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    home = Path(tempfile.mkdtemp(prefix="mg-e2e-"))
    home.chmod(0o755)  # root starts PostgreSQL as somebody else, who has to get there
    _write_providers(home)
    try:
        with fresh(home, home_from()) as system:
            found = Running(system)
            yield found
            found.close()
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def catalog(running: Running, tmp_path_factory: pytest.TempPathFactory) -> SmallCatalog:
    """400 films of Wikidata and 100 items of MovieLens, 80 of them the same films, imported with `mg`."""
    films, items, pairs = _chosen(running.system.home)
    folder = tmp_path_factory.mktemp("catalog")
    reports = {}
    for provider, rows in (("wikidata", films), ("movielens", items)):
        path = folder / f"{provider}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        done = running.mg("catalog", "import", "--provider", provider, str(path), "--wait", "--json")
        assert done.code == 0, done.err
        reports[provider] = json.loads(done.out)
    return SmallCatalog(films, items, pairs, reports)


def _chosen(
    home: Path,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[tuple[dict[str, Any], dict[str, Any]]]]:
    """Films and items with one name and year pair up; unpaired items follow, and the films most written about."""
    films = list(read_native("wikidata", assets.movies_db(home)))
    by_name: dict[tuple[str, str], list[RawItem]] = {}
    for film in films:
        by_name.setdefault(_name_and_year(film.body, "Title", "Year"), []).append(film)
    pairs: list[tuple[dict[str, Any], dict[str, Any]]] = []
    alone: list[dict[str, Any]] = []
    for item in read_native("movielens", assets.movielens_items(home)):
        # Only where the name and year are of one film: what else happens is the evaluation's subject.
        same = by_name.get(_name_and_year(item.body, "movie_title", "release_year"), [])
        if len(same) == 1 and len(pairs) < OVERLAPPING and same[0].body.get("imdbID"):
            pairs.append((same[0].body, item.body))
        elif not same and len(alone) < ONLY_MOVIELENS:
            alone.append(item.body)
    chosen = {film["ID"]: film for film, _ in pairs}
    for film in sorted(films, key=lambda one: -(one.body.get("Reviews") or 0)):
        if len(chosen) == FILMS:
            break
        chosen.setdefault(film.body["ID"], film.body)
    return list(chosen.values()), [item for _, item in pairs] + alone, pairs


def _name_and_year(body: dict[str, Any], name: str, year: str) -> tuple[str, str]:
    return name_key(str(body.get(name, ""))), str(body.get(year, ""))


def _write_providers(home: Path) -> None:
    """As the stack would, but: netflix rotates its secret, hulu may post little, nobody adapts `newcomer`."""
    generous = {"ratePerSecond": 5000, "burst": 20000}
    table: dict[str, dict[str, Any]] = {
        name: {"secrets": [_secret()], **generous}
        for name in ("wikidata", "movielens", "disney_plus", "justwatch", "newcomer")
    }
    table["netflix"] = {"secrets": [_secret(), _secret()], **generous}
    table["hulu"] = {"secrets": [_secret()], "ratePerSecond": 0.5, "burst": 3}
    path = home / "providers.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(table))


def _secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
