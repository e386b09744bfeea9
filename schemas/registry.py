"""Schema ids, fixed in `registry.lock.json` and checked in, with every released shape in `baseline/`.

Subjects follow the record name strategy: the subject of a record is its full name, whatever topic carries it.
"""

import hashlib
import json
from functools import cache
from pathlib import Path

import msgspec
from fastavro.schema import to_parsing_canonical_form

from schemas import loader

LOCK = loader.ROOT / "registry.lock.json"
BASELINE = loader.ROOT / "baseline"


class Entry(msgspec.Struct, frozen=True):
    """One registered version. `fingerprint` is the SHA-256 (hex) of the schema's text in `baseline/`."""

    subject: str
    version: int
    id: int
    fingerprint: str
    file: str

    def __str__(self) -> str:
        return f"{self.subject} version {self.version} (id {self.id})"

    def schema_text(self) -> str:
        """The registered schema, as compact JSON."""
        return compact(json.loads((BASELINE / self.file).read_text()))


def compact(schema: loader.JSON) -> str:
    return json.dumps(schema, separators=(",", ":"), ensure_ascii=False)


def fingerprint(schema: loader.JSON) -> str:
    return hashlib.sha256(compact(schema).encode()).hexdigest()


@cache
def entries() -> tuple[Entry, ...]:
    """All registered versions, by id. Raises ContractError when the lock is missing or unreadable."""
    try:
        return tuple(sorted(msgspec.json.decode(LOCK.read_bytes(), type=list[Entry]), key=lambda entry: entry.id))
    except (OSError, msgspec.DecodeError) as error:
        raise loader.ContractError(f"{LOCK.name}: {error}; run `mg schemas lock`") from error


@cache
def latest() -> dict[str, Entry]:
    """Newest version of each subject."""
    return {entry.subject: entry for entry in sorted(entries(), key=lambda entry: entry.version)}


def is_locked(record: str) -> bool:
    """True when today's shape of a record is its newest registered version."""
    newest = latest().get(record)
    return newest is not None and newest.fingerprint == fingerprint(loader.record_schemas()[record])


def lock() -> list[Entry]:
    """Registers every record whose shape is not registered yet; returns what was added and writes lock and baseline.

    Ids are handed out once and never reused. Compatibility is the evolution test's business, not this function's.
    """
    known = list(entries()) if LOCK.exists() else []
    added: list[Entry] = []
    for record, schema in sorted(loader.record_schemas().items()):
        versions = [entry for entry in known if entry.subject == record]
        newest = max(versions, key=lambda entry: entry.version, default=None)
        if newest is not None and newest.fingerprint == fingerprint(schema):
            continue
        version = 1 if newest is None else newest.version + 1
        entry = Entry(
            subject=record,
            version=version,
            id=max((e.id for e in known), default=0) + 1,
            fingerprint=fingerprint(schema),
            file=f"{folder(record)}/{version:03d}.avsc",
        )
        path = BASELINE / entry.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n")
        known.append(entry)
        added.append(entry)
    LOCK.write_bytes(msgspec.json.format(msgspec.json.encode(known), indent=2) + b"\n")
    for memo in (entries, latest):
        memo.cache_clear()
    return added


def folder(record: str) -> str:
    """`media_gateway.catalog.v1.TitleChanged` → `catalog/title_changed.v1`."""
    *_, context, version, name = record.split(".")
    return f"{context}/{snake(name)}.{version}"


def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def same_shape(one: loader.JSON, other: loader.JSON) -> bool:
    """True when two schemas differ in nothing but docs (Avro, "Parsing Canonical Form")."""
    return bool(to_parsing_canonical_form(one) == to_parsing_canonical_form(other))


def baseline_files(subject: str) -> tuple[Path, ...]:
    return tuple(BASELINE / entry.file for entry in entries() if entry.subject == subject)
