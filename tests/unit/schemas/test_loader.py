from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas import loader
from schemas.loader import ContractError

TOPIC = """
topic: films
description: Films.
producer: service:ingestion
consumers: [processor:normalization]
key: [film_id]
events: [FilmShown]
namespace: media_gateway.cinema.v1
compatibility: full_transitive
partitions: 4
config: {cleanup.policy: compact}
"""
CACHES = (loader.topics, loader.topic, loader.topic_of_record, loader.raw_events, loader.raw_types)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty contract."""
    monkeypatch.setattr(loader, "ROOT", tmp_path)
    (tmp_path / "topics").mkdir()
    (tmp_path / "avro" / "cinema").mkdir(parents=True)
    for cache in CACHES:
        cache.cache_clear()
    yield tmp_path
    for cache in CACHES:
        cache.cache_clear()


def test_topic_file(root: Path) -> None:
    (root / "topics" / "films.yaml").write_text(TOPIC)
    [topic] = loader.topics()
    assert topic.records == ("media_gateway.cinema.v1.FilmShown",)
    assert loader.topic("films") is topic
    assert loader.topic_of_record("media_gateway.cinema.v1.FilmShown") is topic


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TOPIC + "colour: red\n", r"films\.yaml: Object contains unknown field `colour`"),
        (TOPIC.replace("partitions: 4", "partitions: four"), r"films\.yaml: Expected `int`"),
        (TOPIC.replace("key: [film_id]\n", ""), r"films\.yaml: Object missing required field `key`"),
        (TOPIC.replace("topic: films", "topic: movies"), "name both alike"),
        ("topic: [", r"films\.yaml: while parsing"),
    ],
)
def test_wrong_topic_file_is_named(root: Path, text: str, message: str) -> None:
    (root / "topics" / "films.yaml").write_text(text)
    with pytest.raises(ContractError, match=message):
        loader.topics()


def test_unknown_topic_and_record_say_what_there_is(root: Path) -> None:
    (root / "topics" / "films.yaml").write_text(TOPIC)
    with pytest.raises(ContractError, match="known topics: films"):
        loader.topic("movies")
    with pytest.raises(ContractError, match="add it to `events`"):
        loader.topic_of_record("media_gateway.cinema.v1.FilmCut")


def test_unreadable_schema_is_named(root: Path) -> None:
    (root / "avro" / "cinema" / "film_shown.v1.avsc").write_text("{")
    with pytest.raises(ContractError, match=r"avro/cinema/film_shown\.v1\.avsc"):
        loader.raw_events()


def test_shared_types_are_defined_at_their_first_mention_only() -> None:
    seat = {"type": "record", "name": "Seat", "namespace": "n", "fields": [{"name": "row", "type": "int"}]}
    event = {
        "type": "record",
        "name": "FilmShown",
        "namespace": "n",
        "fields": [
            {"name": "best", "type": ["null", "n.Seat"]},
            {"name": "all", "type": {"type": "array", "items": "n.Seat"}},
            {"name": "by_name", "type": {"type": "map", "values": "n.Seat"}},
        ],
    }
    found = loader.expanded({"cinema/film_shown.v1.avsc": event}, {"cinema/types/seat.avsc": seat})["n.FilmShown"]
    assert [field["type"] for field in found["fields"]] == [
        ["null", seat],
        {"type": "array", "items": "n.Seat"},
        {"type": "map", "values": "n.Seat"},
    ]


def test_dead_letter_topic_has_hyphens() -> None:
    assert loader.dead_letter_topic("entity_resolution") == "entity-resolution-dlq"
