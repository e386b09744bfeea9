"""What every contract file must obey. `mg schemas check` prints the problems; a contract test runs each rule.

A rule yields one line per problem that names the file and the command or edit that mends it.
"""

import re
from collections.abc import Callable, Collection, Iterator
from typing import Any

import msgspec

from schemas import codec, evolution, examples, generate, loader, registry
from schemas.loader import JSON, Topic
from schemas.registry import Entry

_TOPIC_NAME = re.compile(r"[a-z]+(-[a-z]+)*")
_UNIT_NAME = re.compile(r"(service|processor|materializer):[a-z]+(_[a-z]+)*")
_SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_TIMESTAMP = {"type": "long", "logicalType": "timestamp-millis"}


class Contract(msgspec.Struct, frozen=True):
    """The files as read. `events` and `types` map `avro/…` paths to what the file holds, unexpanded."""

    events: dict[str, JSON]
    types: dict[str, JSON]
    topics: tuple[Topic, ...]
    entries: tuple[Entry, ...]
    units: frozenset[str] | None = None
    """Every unit there is (`processor:embedding`); None when only their form can be checked."""


def read(units: Collection[str] | None = None) -> Contract:
    """Reads the checked-in files. Raises ContractError when one cannot be read at all."""
    return Contract(
        events=loader.raw_events(),
        types=loader.raw_types(),
        topics=loader.topics(),
        entries=registry.entries(),
        units=None if units is None else frozenset(units),
    )


def names_agree(contract: Contract) -> Iterator[str]:
    """File, name and namespace say the same: catalog/title_changed.v1.avsc is media_gateway.catalog.v1.TitleChanged."""
    for path, schema in contract.events.items():
        context, file = path.split("/")
        stem, version = file.removesuffix(".avsc").rsplit(".", 1)
        wanted = f"media_gateway.{context}.{version}"
        if schema.get("namespace") != wanted:
            yield f"avro/{path}: namespace is {schema.get('namespace')!r}; write {wanted!r}"
        if registry.snake(schema["name"]) != stem:
            yield f"avro/{path}: holds {schema['name']}; call the file {registry.snake(schema['name'])}.{version}.avsc"
    for path, schema in contract.types.items():
        if registry.snake(schema["name"]) != path.rsplit("/", 1)[-1].removesuffix(".avsc"):
            yield f"avro/{path}: holds {schema['name']}; call the file {registry.snake(schema['name'])}.avsc"


def documented(contract: Contract) -> Iterator[str]:
    """Every record, enum and field has a doc; fields are snake_case."""
    for path, schema in _all_files(contract):
        for name, found in evolution.named_types(schema):
            if not str(found.get("doc", "")).strip():
                yield f"avro/{path}: {name} has no doc; add one"
            for field in found.get("fields", ()):
                if not str(field.get("doc", "")).strip():
                    yield f"avro/{path}: {name}.{field['name']} has no doc; add one"
                if not _SNAKE.fullmatch(field["name"]):
                    yield f"avro/{path}: {name}.{field['name']} is not snake_case; rename it"


def envelope_first(contract: Contract) -> Iterator[str]:
    """Every event starts with event_id (string) and occurred_at (timestamp-millis)."""
    wanted = [("event_id", "string"), ("occurred_at", _TIMESTAMP)]
    for path, schema in contract.events.items():
        if [(field["name"], field["type"]) for field in schema["fields"][:2]] != wanted:
            yield f"avro/{path}: the first fields must be event_id (string) and occurred_at (timestamp-millis)"


def evolvable(contract: Contract) -> Iterator[str]:
    """Enums have a default symbol, optional fields a default, array elements cost at least a byte."""
    for path, schema in _all_files(contract):
        for name, found in evolution.named_types(schema):
            if found["type"] == "enum" and found.get("default") not in found["symbols"]:
                yield f'avro/{path}: enum {name} needs a symbol as "default", so that old readers survive a new symbol'
            for field in found.get("fields", ()):
                yield from _field_problems(f"avro/{path}: {name}.{field['name']}", field)


def _field_problems(where: str, field: JSON) -> Iterator[str]:
    kind = field["type"]
    if isinstance(kind, list):
        if kind[0] != "null" or len(kind) != 2:
            yield f'{where}: write ["null", T]; other unions have no Python type here'
        if "default" not in field or field["default"] is not None:
            yield f'{where}: an optional field needs "default": null'
    if isinstance(kind, dict) and kind["type"] == "array":
        items = kind["items"]
        if items == "null" or (isinstance(items, dict) and items.get("fields") == []):
            yield f"{where}: elements of no bytes let ten bytes claim a billion elements; give the element a field"


def placed_once(contract: Contract) -> Iterator[str]:
    """Every event is in exactly one topic, every topic's events exist and carry its key."""
    schemas = {loader.full_name(schema): (path, schema) for path, schema in contract.events.items()}
    for record, (path, _) in schemas.items():
        carrying = [topic.topic for topic in contract.topics if record in topic.records]
        if not carrying:
            yield f"avro/{path}: no topic carries it; add it to `events` of a file in topics/"
        if len(carrying) > 1:
            yield f"avro/{path}: carried by {' and '.join(carrying)}; leave it in one"
    for topic in contract.topics:
        for record in topic.records:
            if record not in schemas:
                yield f"topics/{topic.topic}.yaml: there is no {record}; write its .avsc or correct `events`"
                continue
            fields = {field["name"]: field["type"] for field in schemas[record][1]["fields"]}
            for key in topic.key:
                if fields.get(key) != "string":
                    yield f"topics/{topic.topic}.yaml: key {key} is not a string field of {record}"


def topics_formed(contract: Contract) -> Iterator[str]:
    """Topic names, compatibility, partitions, and units from the closed list."""
    for topic in contract.topics:
        where = f"topics/{topic.topic}.yaml"
        # A dot would collide with an underscore in Kafka's metric names; the suffix is for dead letters.
        if not _TOPIC_NAME.fullmatch(topic.topic) or topic.topic.endswith("-dlq"):
            yield f"{where}: call it lower-case words with hyphens, not ending in -dlq"
        if topic.compatibility != "full_transitive":
            yield f"{where}: compatibility {topic.compatibility!r} is enforced by nothing; write full_transitive"
        if topic.partitions < 1 or not topic.key or not topic.events or not topic.description.strip():
            yield f"{where}: needs a description, at least one partition, a key and an event"
        if len(set(topic.consumers)) != len(topic.consumers):
            yield f"{where}: a consumer is listed twice"
        for unit in (topic.producer, *topic.consumers):
            if not _UNIT_NAME.fullmatch(unit):
                yield f"{where}: {unit!r} is not service:…, processor:… or materializer:… in snake_case"
            elif contract.units is not None and unit not in contract.units:
                yield f"{where}: there is no {unit}; known units: {', '.join(sorted(contract.units))} (`mg units`)"


def generated_fresh(_contract: Contract) -> Iterator[str]:
    """The Python types are those of the Avro files."""
    for path in generate.stale():
        yield f"{path.relative_to(loader.ROOT)} is stale; run `make schemas`"


def locked(contract: Contract) -> Iterator[str]:
    """Every record's present shape is registered; ids and versions are sound; baseline files are untouched."""
    newest = {entry.subject: entry for entry in sorted(contract.entries, key=lambda entry: entry.version)}
    for record, schema in loader.expanded(contract.events, contract.types).items():
        if record not in newest or newest[record].fingerprint != registry.fingerprint(schema):
            yield f"{record}: its present shape is not in registry.lock.json; run `mg schemas lock`"
    ids = [entry.id for entry in contract.entries]
    if sorted(set(ids)) != sorted(ids) or any(not 0 < one < 2**31 for one in ids):
        yield "registry.lock.json: ids must be unique and positive; restore the file from git, then `mg schemas lock`"
    for subject in newest:
        versions = sorted(entry.version for entry in contract.entries if entry.subject == subject)
        if versions != list(range(1, len(versions) + 1)):
            yield f"registry.lock.json: {subject} has versions {versions}, not 1 to {len(versions)}; restore the file"
    for entry in contract.entries:
        text = entry.schema_text()
        if registry.fingerprint(msgspec.json.decode(text)) != entry.fingerprint:
            yield f"baseline/{entry.file}: changed after it was registered; restore it from git"


def baseline_listed(contract: Contract) -> Iterator[str]:
    """No baseline file that the lock does not know."""
    known = {entry.file for entry in contract.entries}
    for path in sorted(registry.BASELINE.rglob("*.avsc")):
        if path.relative_to(registry.BASELINE).as_posix() not in known:
            yield f"{path.relative_to(loader.ROOT)}: not in registry.lock.json; delete it, then run `mg schemas lock`"


def compatible(contract: Contract) -> Iterator[str]:
    """Every registered version and the present shape of a record read each other."""
    present = loader.expanded(contract.events, contract.types)
    for record, schema in present.items():
        versions: list[tuple[str, Any]] = [
            (f"version {entry.version}", msgspec.json.decode(entry.schema_text()))
            for entry in contract.entries
            if entry.subject == record
        ]
        for problem in evolution.incompatible([*versions, ("the .avsc file", schema)]):
            yield f"{record}: {problem} (or write a .v2.avsc beside it)"


def exemplified(contract: Contract) -> Iterator[str]:
    """Every event has a minimal and a full example that hold and two that must be refused; none lies about."""
    folders = {registry.folder(loader.full_name(schema)) for schema in contract.events.values()}
    for folder in sorted(folders):
        names = {path.name for path in (examples.ROOT / folder).glob("*.json")}
        for name in sorted({"minimal.json", "full.json"} - names):
            yield f"examples/{folder}/{name} is missing; write it (`minimal`: required fields only, `full`: all)"
        if sum(name.endswith(".invalid.json") for name in names) < 2:
            yield f"examples/{folder}: write two <fault>.invalid.json files with different faults"
    for path in sorted(examples.ROOT.rglob("*.json")):
        if path.parent.relative_to(examples.ROOT).as_posix() not in folders:
            yield f"{path.relative_to(loader.ROOT)} is of no event; move or delete it"
    for example in examples.examples():
        yield from _example_problems(example)


def _example_problems(example: examples.Example) -> Iterator[str]:
    where = f"{example.path.relative_to(loader.ROOT)}"
    try:
        event = example.event()
    except codec.SchemaError as error:
        if example.valid:
            yield f"{where} does not fit its schema ({error}); correct it"
        return
    if not example.valid:
        yield f"{where} is accepted; give it the fault its name promises"
    elif codec.decode(codec.encode(event)) != event:
        yield f"{where} does not come back from the codec as it went in; use milliseconds"
    written = set(msgspec.json.decode(example.path.read_bytes()))
    required = {field.name for field in msgspec.structs.fields(event) if field.required}
    every = set(event.__struct_fields__)
    if example.name == "minimal" and written != required:
        yield f"{where} must hold the required fields only: {', '.join(sorted(required))}"
    if example.name == "full" and written != every:
        yield f"{where} must hold every field; it lacks {', '.join(sorted(every - written))}"


Rule = Callable[[Contract], Iterator[str]]
RULES: tuple[Rule, ...] = (
    names_agree,
    documented,
    envelope_first,
    evolvable,
    placed_once,
    topics_formed,
    generated_fresh,
    locked,
    baseline_listed,
    compatible,
    exemplified,
)


def problems(units: Collection[str] | None = None) -> list[str]:
    """Everything that is wrong with the checked-in contract; empty when nothing is."""
    contract = read(units)
    return [problem for rule in RULES for problem in rule(contract)]


def _all_files(contract: Contract) -> list[tuple[str, JSON]]:
    return [*contract.events.items(), *contract.types.items()]
