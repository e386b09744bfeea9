"""Each rule can fail: a contract with one fault gets exactly the message about it."""

import copy
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from schemas import examples, generate, loader, registry, rules
from schemas.rules import Contract

EVENT = "catalog/title_retired.v1.avsc"
TYPE = "catalog/types/person.avsc"
Fault = Callable[[Contract], Contract]


@pytest.fixture
def contract() -> Contract:
    """A copy that a test may spoil."""
    return copy.deepcopy(rules.read())


def only(contract: Contract, rule: rules.Rule) -> str:
    problems = list(rule(contract))
    assert len(problems) == 1, problems
    return problems[0]


def with_topic(contract: Contract, name: str, **changes: object) -> Contract:
    topics = tuple(
        msgspec.structs.replace(topic, **changes) if topic.topic == name else topic for topic in contract.topics
    )
    return msgspec.structs.replace(contract, topics=topics)


def test_file_with_another_name(contract: Contract) -> None:
    contract.events["catalog/title_gone.v1.avsc"] = contract.events.pop(EVENT)
    assert only(contract, rules.names_agree).endswith("call the file title_retired.v1.avsc")


def test_file_with_another_version(contract: Contract) -> None:
    contract.events["catalog/title_retired.v2.avsc"] = contract.events.pop(EVENT)
    assert "write 'media_gateway.catalog.v2'" in only(contract, rules.names_agree)


def test_type_file_with_another_name(contract: Contract) -> None:
    contract.types["catalog/types/people.avsc"] = contract.types.pop(TYPE)
    assert "call the file person.avsc" in only(contract, rules.names_agree)


def test_record_without_doc(contract: Contract) -> None:
    del contract.events[EVENT]["doc"]
    assert "TitleRetired has no doc" in only(contract, rules.documented)


def test_field_without_doc(contract: Contract) -> None:
    contract.types[TYPE]["fields"][0]["doc"] = " "
    assert "Person.name has no doc" in only(contract, rules.documented)


def test_field_in_camel_case(contract: Contract) -> None:
    contract.types[TYPE]["fields"][0]["name"] = "fullName"
    assert "not snake_case" in only(contract, rules.documented)


def test_time_before_id(contract: Contract) -> None:
    fields = contract.events[EVENT]["fields"]
    fields[0], fields[1] = fields[1], fields[0]
    assert "first fields must be event_id" in only(contract, rules.envelope_first)


def test_time_as_plain_number(contract: Contract) -> None:
    contract.events[EVENT]["fields"][1]["type"] = "long"
    assert "occurred_at (timestamp-millis)" in only(contract, rules.envelope_first)


def test_enum_without_default(contract: Contract) -> None:
    del contract.types["catalog/types/kind.avsc"]["default"]
    assert 'needs a symbol as "default"' in only(contract, rules.evolvable)


def test_optional_field_without_default(contract: Contract) -> None:
    del contract.types[TYPE]["fields"][2]["default"]
    assert 'needs "default": null' in only(contract, rules.evolvable)


@pytest.mark.parametrize("union", [["string", "null"], ["null", "string", "int"]])
def test_union_of_another_form(contract: Contract, union: list[str]) -> None:
    contract.types[TYPE]["fields"][2]["type"] = union
    assert 'write ["null", T]' in only(contract, rules.evolvable)


@pytest.mark.parametrize("items", ["null", {"type": "record", "name": "Nothing", "namespace": "n", "fields": []}])
def test_array_elements_of_no_bytes(contract: Contract, items: object) -> None:
    contract.types[TYPE]["fields"][0]["type"] = {"type": "array", "items": items}
    assert "elements of no bytes" in only(contract, rules.evolvable)


def test_event_in_no_topic(contract: Contract) -> None:
    spoiled = with_topic(contract, "titles", events=("TitleChanged", "TitleMerged"))
    assert "no topic carries it" in only(spoiled, rules.placed_once)


def test_event_in_two_topics(contract: Contract) -> None:
    spoiled = with_topic(contract, "title-embeddings", events=("TitleEmbedded", "TitleRetired"))
    assert "carried by title-embeddings and titles" in only(spoiled, rules.placed_once)


def test_topic_with_an_unknown_event(contract: Contract) -> None:
    spoiled = with_topic(contract, "title-embeddings", events=("TitleEmbedded", "TitleLost"))
    assert "there is no media_gateway.catalog.v1.TitleLost" in only(spoiled, rules.placed_once)


def test_key_that_is_no_string_field(contract: Contract) -> None:
    spoiled = with_topic(contract, "title-embeddings", key=("version",))
    assert "key version is not a string field" in only(spoiled, rules.placed_once)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"topic": "catalog.titles"}, "lower-case words with hyphens"),
        ({"topic": "titles-dlq"}, "not ending in -dlq"),
        ({"compatibility": "backward"}, "write full_transitive"),
        ({"partitions": 0}, "at least one partition"),
        ({"description": ""}, "needs a description"),
        ({"key": ()}, "a key"),
        ({"producer": "entity_resolution"}, "is not service:…, processor:… or materializer:…"),
        ({"consumers": ("materializer:title_search", "materializer:title_search")}, "listed twice"),
    ],
)
def test_malformed_topic(contract: Contract, changes: dict[str, object], message: str) -> None:
    assert message in only(with_topic(contract, "title-embeddings", **changes), rules.topics_formed)


def test_consumer_that_does_not_exist(contract: Contract) -> None:
    units = {unit for topic in contract.topics for unit in (topic.producer, *topic.consumers)}
    spoiled = msgspec.structs.replace(contract, units=frozenset(units - {"materializer:availability"}))
    assert "there is no materializer:availability" in only(spoiled, rules.topics_formed)


def test_stale_generated_types(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    path, text = next(iter(generate.render().items()))
    monkeypatch.setattr(generate, "render", lambda: {path: text + "\n# edited\n"})
    assert only(contract, rules.generated_fresh).endswith("is stale; run `make schemas`")


def test_shape_that_is_not_locked(contract: Contract) -> None:
    contract.events[EVENT]["fields"].append({"name": "reason", "type": "string", "doc": "Why.", "default": ""})
    assert only(contract, rules.locked).endswith("run `mg schemas lock`")


def test_new_event_that_is_not_locked(contract: Contract) -> None:
    contract.events["catalog/title_lost.v1.avsc"] = contract.events[EVENT] | {"name": "TitleLost"}
    assert "TitleLost: its present shape is not in registry.lock.json" in only(contract, rules.locked)


def test_id_used_twice(contract: Contract) -> None:
    first, second, *others = contract.entries
    spoiled = msgspec.structs.replace(contract, entries=(first, msgspec.structs.replace(second, id=first.id), *others))
    assert "ids must be unique" in only(spoiled, rules.locked)


def test_versions_with_a_hole(contract: Contract) -> None:
    first, *others = contract.entries
    spoiled = msgspec.structs.replace(contract, entries=(msgspec.structs.replace(first, version=2), *others))
    assert "has versions [2], not 1 to 1" in only(spoiled, rules.locked)


def test_released_shape_that_was_edited(contract: Contract) -> None:
    first, *others = contract.entries
    spoiled = msgspec.structs.replace(contract, entries=(*others, msgspec.structs.replace(first, fingerprint="0" * 64)))
    problems = list(rules.locked(spoiled))
    assert f"baseline/{first.file}: changed after it was registered; restore it from git" in problems


def test_baseline_file_without_an_entry(contract: Contract) -> None:
    spoiled = msgspec.structs.replace(contract, entries=contract.entries[1:])
    assert "not in registry.lock.json" in only(spoiled, rules.baseline_listed)


def test_new_field_without_default(contract: Contract) -> None:
    contract.events[EVENT]["fields"].append({"name": "reason", "type": "string", "doc": "Why."})
    message = only(contract, rules.compatible)
    assert "messages of version 1 cannot be read as the .avsc file: reason is not written and has no default" in message


def test_missing_example(contract: Contract) -> None:
    contract.events["catalog/title_lost.v1.avsc"] = contract.events[EVENT] | {"name": "TitleLost"}
    problems = "\n".join(rules.exemplified(contract))
    assert "examples/catalog/title_lost.v1/minimal.json is missing" in problems
    assert "examples/catalog/title_lost.v1: write two <fault>.invalid.json" in problems


def test_example_of_no_event(contract: Contract) -> None:
    del contract.events[EVENT]
    assert "title_retired.v1/full.json is of no event" in "\n".join(rules.exemplified(contract))


@pytest.mark.parametrize(
    ("source", "name", "message"),
    [
        ("id_is_number.invalid.json", "full.json", "does not fit its schema"),
        ("full.json", "broken.invalid.json", "is accepted"),
    ],
)
def test_example_that_lies(
    contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, name: str, message: str
) -> None:
    record = "media_gateway.catalog.v1.TitleRetired"
    original = examples.ROOT / registry.folder(record) / source
    lying = tmp_path / registry.folder(record) / name
    lying.parent.mkdir(parents=True)
    lying.write_bytes(original.read_bytes())
    monkeypatch.setattr(examples, "ROOT", tmp_path)
    monkeypatch.setattr(loader, "ROOT", tmp_path.parent)
    monkeypatch.setattr(examples, "examples", lambda: (examples.Example(record, lying),))
    assert message in "\n".join(rules.exemplified(contract))


def test_incomplete_full_example(contract: Contract, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    record = "media_gateway.catalog.v1.TitleChanged"
    lying = tmp_path / "full.json"
    lying.write_bytes((examples.ROOT / registry.folder(record) / "minimal.json").read_bytes())
    monkeypatch.setattr(loader, "ROOT", tmp_path)
    monkeypatch.setattr(examples, "examples", lambda: (examples.Example(record, lying),))
    assert "must hold every field; it lacks age_ratings" in "\n".join(rules.exemplified(contract))
