"""Topics as the contract says, and ports that are free."""

import socket
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bootstrap import flow
from runtime.connections.topics import TopicSpec
from schemas import loader
from streams.topology import PIPELINE, PROCESSORS
from tests.support import webhooks


def test_every_topic_and_a_dead_letter_topic_for_every_consumer() -> None:
    specs = {spec.name: spec for spec in flow.topic_specs()}
    assert len(specs) == len(flow.topic_specs())
    assert {topic.topic for topic in loader.topics()} <= set(specs)
    states = {unit.state_topic: unit for unit in PROCESSORS if unit.state is not None}
    for name, unit in states.items():
        assert specs[name].partitions == loader.topic(unit.inputs[0]).partitions, "state goes with its input"
        assert specs[name].config["cleanup.policy"] == "compact"
    dead = set(specs) - {topic.topic for topic in loader.topics()} - set(states)
    assert dead == {loader.dead_letter_topic(unit.name) for unit in PIPELINE}
    for name in dead:
        assert specs[name].partitions == 1, "`mg dlq` counts them with one number"
        assert specs[name].config["cleanup.policy"] == "delete"
    titles = loader.topic("titles")
    assert (specs["titles"].partitions, specs["titles"].config["cleanup.policy"]) == (titles.partitions, "compact")
    assert all(isinstance(value, str) for spec in specs.values() for value in spec.config.values())


def test_a_record_that_fits_its_topic_fits_the_dead_letter_topic() -> None:
    limits = {spec.name: int(spec.config.get("max.message.bytes", 1_048_588)) for spec in flow.topic_specs()}
    for unit in PIPELINE:
        assert all(limits[name] <= limits[loader.dead_letter_topic(unit.name)] for name in unit.inputs)


def test_preparing_migrates_first_and_says_what_was_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []

    class Done:
        refused = ("titles has 8 partitions",)

    def apply_migrations(dsn: str, phase: str, _say: Any) -> None:
        steps.append(f"{dsn} {phase}")

    def apply_topics(bootstrap: str, specs: Sequence[TopicSpec], prefix: str) -> Done:
        steps.append(f"{bootstrap} {len(specs) > 0} {prefix}")
        return Done()

    monkeypatch.setattr("bootstrap.flow.runner.apply", apply_migrations)
    monkeypatch.setattr("bootstrap.flow.kafka_topics.apply", apply_topics)
    flow.prepare(webhooks.settings(tmp_path, topic_prefix="t-"), steps.append)
    assert steps == [
        "postgresql://127.0.0.1:1/none all",
        "127.0.0.1:1 True t-",
        "not changed by itself: titles has 8 partitions",
    ]


def test_the_preferred_port_when_it_is_free_else_another() -> None:
    free = flow.free_port(0)
    assert flow.free_port(free) == free
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", free))
        taken.listen()
        other = flow.free_port(free)
    assert other not in (free, 0)
