"""Old and new versions read each other: by the rules of Avro, and by sending data through fastavro."""

import copy
import io
import random
from typing import Any

import fastavro
import msgspec
import pytest
from fastavro.read import SchemaResolutionError
from fastavro.utils import generate_many

from schemas import evolution, loader, registry

SAMPLES = 25
RECORDS = sorted(loader.record_schemas())
TITLE = "media_gateway.catalog.v1.TitleChanged"


def reread(writer: loader.JSON, reader: loader.JSON) -> None:
    """Raises what fastavro raises when messages of one schema cannot be read as the other."""
    random.seed(7)
    written, read = fastavro.parse_schema(copy.deepcopy(writer)), fastavro.parse_schema(copy.deepcopy(reader))
    for value in generate_many(copy.deepcopy(writer), SAMPLES):
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, written, value)
        buffer.seek(0)
        fastavro.schemaless_reader(buffer, written, read)


def can_reread(writer: loader.JSON, reader: loader.JSON) -> bool:
    try:
        reread(writer, reader)
    except (SchemaResolutionError, TypeError):
        return False
    return True


def changed(record: str, **fields: loader.JSON | None) -> loader.JSON:
    """The present schema with fields added (a definition) or removed (None)."""
    schema = copy.deepcopy(loader.record_schemas()[record])
    schema["fields"] = [field for field in schema["fields"] if field["name"] not in fields]
    schema["fields"] += [{"name": name, "doc": "New."} | field for name, field in fields.items() if field is not None]
    return schema


@pytest.mark.parametrize("record", RECORDS)
def test_every_registered_version_and_the_present_shape_read_each_other(record: str) -> None:
    present = loader.record_schemas()[record]
    baselines = [msgspec.json.decode(path.read_bytes()) for path in registry.baseline_files(record)]
    assert baselines, f"{record} is not registered: run `mg schemas lock`"
    for baseline in baselines:
        reread(baseline, present)
        reread(present, baseline)


COMPATIBLE: dict[str, Any] = {
    "optional field": changed(TITLE, tagline={"type": ["null", "string"], "default": None}),
    "field with default": changed(TITLE, tagline={"type": "string", "default": ""}),
    "field with a default removed": changed(TITLE, overview=None),
}
INCOMPATIBLE: dict[str, Any] = {
    "field without default": (changed(TITLE, tagline={"type": "string"}), "tagline is not written"),
    "required field removed": (changed(TITLE, created_at=None), "created_at is not written"),
    "another type": (changed(TITLE, version={"type": "string"}), "version is"),
    "wider type, one way only": (
        changed(TITLE, version={"type": "double"}),
        "version is double, the reader wants long",
    ),
    "narrower union": (changed(TITLE, overview={"type": "string", "default": ""}), "overview is null"),
    "other element": (
        changed(TITLE, genres={"type": {"type": "array", "items": "long"}, "default": []}),
        "genres[] is",
    ),
}


@pytest.mark.parametrize("kind", COMPATIBLE)
def test_compatible_change(kind: str) -> None:
    present = loader.record_schemas()[TITLE]
    assert evolution.incompatible([("old", present), ("new", COMPATIBLE[kind])]) == []
    reread(present, COMPATIBLE[kind])
    reread(COMPATIBLE[kind], present)


@pytest.mark.parametrize("kind", INCOMPATIBLE)
def test_incompatible_change_is_noticed(kind: str) -> None:
    present = loader.record_schemas()[TITLE]
    schema, message = INCOMPATIBLE[kind]
    assert message in "\n".join(evolution.incompatible([("old", present), ("new", schema)]))
    assert not (can_reread(present, schema) and can_reread(schema, present))


def with_symbols(symbols: list[str], **rest: str) -> loader.JSON:
    mood = {"type": "enum", "name": "Mood", "namespace": "n", "symbols": symbols} | rest
    return {"type": "record", "name": "R", "namespace": "n", "fields": [{"name": "mood", "type": mood}]}


def test_new_symbol_needs_a_default_in_the_old_reader() -> None:
    new = with_symbols(["unknown", "glad", "sad"], default="unknown")
    assert evolution.unreadable(new, with_symbols(["unknown", "glad"], default="unknown")) == []
    assert evolution.unreadable(new, with_symbols(["unknown", "glad"])) == [
        "mood may be sad, unknown to the reader, which has no default symbol"
    ]


def test_change_inside_a_shared_type_is_noticed_where_it_stands() -> None:
    present = loader.record_schemas()[TITLE]
    schema = copy.deepcopy(present)
    person = dict(evolution.named_types(schema))["media_gateway.catalog.v1.Person"]
    person["fields"].append({"name": "born", "type": "int", "doc": "Year."})
    assert evolution.unreadable(present, schema) == ["people[].born is not written and has no default: give it one"]
    assert evolution.unreadable(schema, present) == []


def test_lost_meaning_of_a_number_is_noticed() -> None:
    present = loader.record_schemas()[TITLE]
    schema = changed(TITLE, created_at={"type": "long"})
    assert evolution.unreadable(present, schema) == ["created_at means timestamp-millis, the reader wants None"]


def test_renamed_record_is_noticed() -> None:
    present = loader.record_schemas()[TITLE]
    assert evolution.unreadable(present, present | {"name": "TitleUpdated"}) == [
        "the record is called TitleChanged, the reader wants TitleUpdated"
    ]


def test_maps_and_fixed_are_compared() -> None:
    def record(kind: Any) -> loader.JSON:
        return {"type": "record", "name": "R", "namespace": "n", "fields": [{"name": "f", "type": kind}]}

    fixed = {"type": "fixed", "name": "F", "namespace": "n", "size": 4}
    assert evolution.unreadable(record(fixed), record(fixed | {"size": 5})) == ["f has 4 bytes, the reader wants 5"]
    maps = [record({"type": "map", "values": kind}) for kind in ("int", "string")]
    assert evolution.unreadable(maps[0], maps[1]) == ["f{} is int, the reader wants string"]


def test_transitive_means_every_pair() -> None:
    """1 → 2 adds a field with a default, 2 → 3 takes the default away: neighbours agree, the ends do not."""
    first = changed(TITLE)
    second = changed(TITLE, tagline={"type": "string", "default": ""})
    third = changed(TITLE, tagline={"type": "string"})
    assert evolution.incompatible([("1", first), ("2", second)]) == []
    assert evolution.incompatible([("2", second), ("3", third)]) == []
    assert evolution.incompatible([("1", first), ("2", second), ("3", third)]) == [
        "messages of 1 cannot be read as 3: tagline is not written and has no default: give it one"
    ]
