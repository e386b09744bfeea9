"""Finds the contract files; nothing else reads them.

An event file (`avro/<context>/<snake>.v<N>.avsc`) may name types that stand beside it in `types/`; the loader
puts each definition at its first use, so that what leaves this module is self-contained Avro.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

ROOT = Path(__file__).parent

JSON = dict[str, Any]


class ContractError(Exception):
    """A contract file is wrong; the message names the file and what to do."""


class Topic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One topic file. `producer` and `consumers` name units (`service:x`, `processor:x`, `materializer:x`)."""

    topic: str
    description: str
    producer: str
    consumers: tuple[str, ...]
    key: tuple[str, ...]
    events: tuple[str, ...]
    namespace: str
    compatibility: str
    partitions: int
    config: dict[str, str | int]

    @property
    def records(self) -> tuple[str, ...]:
        """Full names of the records this topic carries."""
        return tuple(f"{self.namespace}.{event}" for event in self.events)


def full_name(schema: JSON) -> str:
    return f"{schema['namespace']}.{schema['name']}"


@cache
def topics() -> tuple[Topic, ...]:
    """All topic files, by name. Raises ContractError for a file that does not fit."""
    found = []
    for path in sorted((ROOT / "topics").glob("*.yaml")):
        try:
            topic = msgspec.convert(yaml.safe_load(path.read_text()), Topic)
        except (msgspec.ValidationError, yaml.YAMLError) as error:
            raise ContractError(f"{path.name}: {error}") from error
        if topic.topic != path.stem:
            raise ContractError(f"{path.name}: the topic inside is called {topic.topic!r}; name both alike")
        found.append(topic)
    return tuple(found)


@cache
def topic(name: str) -> Topic:
    """The topic file of `name`. Raises ContractError when there is none."""
    for candidate in topics():
        if candidate.topic == name:
            return candidate
    raise ContractError(f"no schemas/topics/{name}.yaml; known topics: {', '.join(t.topic for t in topics())}")


@cache
def topic_of_record(record: str) -> Topic:
    """The one topic that carries a record (full name)."""
    for candidate in topics():
        if record in candidate.records:
            return candidate
    raise ContractError(f"no topic carries {record}: add it to `events` of a file in schemas/topics/")


def dead_letter_topic(consumer: str) -> str:
    """Dead-letter topic of a processor or materializer (`entity_resolution` → `entity-resolution-dlq`)."""
    return consumer.replace("_", "-") + "-dlq"


@cache
def raw_events() -> dict[str, JSON]:
    """Event files as written, by path under `avro/` (`catalog/title_changed.v1.avsc`)."""
    return _read("*/*.avsc")


@cache
def raw_types() -> dict[str, JSON]:
    """Files of shared types, by path under `avro/` (`catalog/types/offer.avsc`)."""
    return _read("*/types/*.avsc")


def _read(pattern: str) -> dict[str, JSON]:
    root = ROOT / "avro"
    found = {}
    for path in sorted(root.glob(pattern)):
        try:
            found[path.relative_to(root).as_posix()] = json.loads(path.read_text())
        except ValueError as error:
            raise ContractError(f"avro/{path.relative_to(root)}: {error}") from error
    return found


@cache
def record_schemas() -> dict[str, JSON]:
    """Self-contained schema of every event, by full record name."""
    return expanded(raw_events(), raw_types())


def expanded(events: dict[str, JSON], types: dict[str, JSON]) -> dict[str, JSON]:
    """The same for any event and type files."""
    named = {full_name(schema): schema for schema in types.values()}
    return {full_name(schema): expand(schema, named, set()) for schema in events.values()}


def expand(schema: Any, named: dict[str, JSON], seen: set[str]) -> Any:
    """Replaces the first mention of each name in `named` by its definition (Avro allows one definition per schema)."""
    if isinstance(schema, str):
        if schema in named and schema not in seen:
            return expand(named[schema], named, seen)
        return schema
    if isinstance(schema, list):
        return [expand(branch, named, seen) for branch in schema]
    result = dict(schema)
    if schema["type"] in ("record", "enum", "fixed"):
        seen.add(full_name(schema))
    if schema["type"] == "record":
        result["fields"] = [field | {"type": expand(field["type"], named, seen)} for field in schema["fields"]]
    elif schema["type"] == "array":
        result["items"] = expand(schema["items"], named, seen)
    elif schema["type"] == "map":
        result["values"] = expand(schema["values"], named, seen)
    return result
