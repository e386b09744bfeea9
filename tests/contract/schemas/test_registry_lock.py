"""Registering shapes, and reading messages of older ones, on a copy of the lock and the baseline."""

import copy
import io
import shutil
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import fastavro
import msgspec
import pytest

from schemas import codec, loader, registry
from schemas.registry import Entry
from schemas.types import catalog

RECORD = "media_gateway.catalog.v1.TitleChanged"
_CACHES = (registry.entries, registry.latest, loader.record_schemas, codec._parsed, codec._writer, codec._readers)


def clear() -> None:
    for cache in _CACHES:
        cache.cache_clear()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of lock and baseline that the registry uses during a test."""
    shutil.copytree(registry.BASELINE, tmp_path / "baseline")
    shutil.copy(registry.LOCK, tmp_path / "registry.lock.json")
    monkeypatch.setattr(registry, "BASELINE", tmp_path / "baseline")
    monkeypatch.setattr(registry, "LOCK", tmp_path / "registry.lock.json")
    clear()
    yield tmp_path
    clear()


def without(*fields: str) -> loader.JSON:
    schema = copy.deepcopy(loader.record_schemas()[RECORD])
    schema["fields"] = [field for field in schema["fields"] if field["name"] not in fields]
    return schema


def test_nothing_new_adds_nothing(folder: Path) -> None:
    before = registry.LOCK.read_bytes()
    assert registry.lock() == []
    assert registry.LOCK.read_bytes() == before


def test_new_shape_gets_the_next_version_and_a_new_id(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = {entry.id for entry in registry.entries()}
    last = registry.latest()[RECORD]
    schemas = loader.record_schemas() | {RECORD: without("overview")}
    monkeypatch.setattr(loader, "record_schemas", lambda: schemas)
    [added] = registry.lock()
    assert (added.subject, added.version) == (RECORD, last.version + 1)
    assert added.id not in ids
    assert registry.latest()[RECORD] == added
    assert msgspec.json.decode((folder / "baseline" / added.file).read_bytes()) == schemas[RECORD]
    assert [entry for entry in registry.entries() if entry != added] == sorted(
        (entry for entry in registry.entries() if entry.id in ids), key=lambda entry: entry.id
    )
    assert registry.lock() == []


def test_first_lock_registers_everything(folder: Path) -> None:
    registry.LOCK.unlink()
    clear()
    assert {entry.subject for entry in registry.lock()} == set(loader.record_schemas())


def test_missing_lock_names_the_command(folder: Path) -> None:
    registry.LOCK.unlink()
    clear()
    with pytest.raises(loader.ContractError, match="run `mg schemas lock`"):
        registry.entries()


def test_message_of_an_older_version_becomes_todays_record(folder: Path) -> None:
    """Version 1 knew no overview and offers, had a field that is gone since, and one mood fewer: ours is version 2."""
    old = without("overview", "offers")
    old["fields"].append({"name": "tagline", "type": "string", "doc": "Gone since.", "default": ""})
    current = registry.latest()[RECORD]
    entry = Entry(RECORD, current.version, 900, registry.fingerprint(old), "catalog/title_changed.v1/900.avsc")
    (folder / "baseline" / entry.file).write_text(registry.compact(old))
    newer = msgspec.structs.replace(current, version=current.version + 1)
    entries = [one for one in registry.entries() if one != current] + [entry, newer]
    registry.LOCK.write_bytes(msgspec.json.encode(entries))
    clear()

    moment = datetime(2025, 5, 5, tzinfo=UTC)
    event = catalog.TitleChanged(
        event_id="e",
        occurred_at=moment,
        title_id="t",
        version=4,
        kind="series",
        name="Harbour",
        people=(catalog.Person(name="Ada Quill", role="writer"),),
        sources=(catalog.TitleSource(provider="hulu", native_id="9"),),
        created_at=moment,
    )
    body = io.BytesIO()
    value = msgspec.to_builtins(event, builtin_types=(bytes, datetime)) | {"tagline": "No one lit it."}
    fastavro.schemaless_writer(body, fastavro.parse_schema(old), value)

    assert codec.decode(struct.pack(">bI", 0, 900) + body.getvalue()) == event
    with pytest.raises(codec.SchemaError, match="trailing_bytes"):
        codec.decode(struct.pack(">bI", 0, 900) + body.getvalue() + b"\0")
    # What we write carries the id of the newest version.
    assert struct.unpack(">bI", codec.encode(event)[:5]) == (0, newer.id)


def test_registered_record_without_a_type_is_unknown(folder: Path) -> None:
    """A record that left the contract stays in the lock, so that its id is never used again."""
    gone = {"type": "record", "name": "TitleLost", "namespace": "media_gateway.catalog.v1", "fields": []}
    entry = Entry("media_gateway.catalog.v1.TitleLost", 1, 901, registry.fingerprint(gone), "catalog/gone.avsc")
    (folder / "baseline" / entry.file).write_text(registry.compact(gone))
    registry.LOCK.write_bytes(msgspec.json.encode([*registry.entries(), entry]))
    clear()
    with pytest.raises(codec.SchemaError, match="unknown_schema"):
        codec.decode(struct.pack(">bI", 0, 901))
