"""The AsyncAPI document and the page of events say what the contract says."""

import json

import pytest

from schemas import asyncapi, documents, loader

ROOT = loader.ROOT.parent


@pytest.mark.parametrize("path", [path.relative_to(ROOT).as_posix() for path in documents.render()])
def test_document_is_fresh(path: str) -> None:
    stale = [found.relative_to(ROOT).as_posix() for found in documents.stale()]
    assert path not in stale, f"{path} is stale: run `make schemas`, then look at its diff"


def test_changed_contract_makes_documents_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    topics = loader.topics()[:-1]
    monkeypatch.setattr(loader, "topics", lambda: topics)
    assert len(documents.stale()) == 2


def test_check_names_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["documents", "--check"])
    assert documents.main() == 0
    monkeypatch.setattr(documents, "events_page", lambda: "# Something else\n")
    assert documents.main() == 1
    assert capsys.readouterr().err == "docs/events.md is stale: run `make schemas`\n"


def test_every_reference_leads_somewhere() -> None:
    document = asyncapi.document()
    references = [part.split('"')[0] for part in json.dumps(document).split('"$ref": "')[1:]]
    assert len(references) > 20
    for reference in references:
        place = document
        for step in reference.removeprefix("#/").split("/"):
            assert step in place, reference
            place = place[step]


def test_every_topic_event_and_unit_is_in_it() -> None:
    document = asyncapi.document()
    assert set(document["channels"]) == {topic.topic for topic in loader.topics()}
    assert {message["name"] for message in document["components"]["messages"].values()} == set(loader.record_schemas())
    sends = {name for name, operation in document["operations"].items() if operation["action"] == "send"}
    assert sends == {f"{topic.producer.replace(':', '.')}.send.{topic.topic}" for topic in loader.topics()}
    receives = len(document["operations"]) - len(sends)
    assert receives == sum(len(topic.consumers) for topic in loader.topics())
