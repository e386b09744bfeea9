"""Evaluations run the product's own resolution on a database of their own, and leave nothing behind."""

import json
from pathlib import Path

import psycopg
import pytest

from proofs.evaluation import resolution, scratch
from tests.support.backends import Backends

ITEMS = [{"sku": n, "title": title, "year": year} for n, title, year in ((1, "Cedar", 1999), (2, "Amber Road", 2001))]


def test_a_manifest_from_files_to_figures(backends: Backends, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MG_POSTGRES_DSN", backends.postgres_dsn)
    monkeypatch.setattr(scratch, "_BATCH", 1)
    files = []
    for provider in ("here", "there"):
        (tmp_path / f"{provider}.jsonl").write_text("\n".join(json.dumps(item) for item in ITEMS))
        files.append(
            {"path": f"{provider}.jsonl", "provider": provider, "label": "sku", "id": "sku", "kind": "movie",
             "fields": {"name": "title", "year": "year"}}
        )  # fmt: skip
    path = tmp_path / "m.yaml"
    path.write_text(json.dumps({"name": "m", "files": files}))
    found = {figure.name: figure.value for figure in resolution.evaluate([path])}
    assert (found["m: F1"], found["m: B-cubed F1"], found["m: candidate recall"]) == (1.0, 1.0, 1.0)
    with psycopg.connect(backends.postgres_dsn) as connection:
        left = connection.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'mg_eval_%'").fetchone()
    assert left == (0,)
