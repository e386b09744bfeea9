"""Topics on a real broker: differences, what is applied and what is refused."""

from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient

from runtime.connections import topics
from runtime.connections.topics import Difference, TopicsError, TopicSpec
from tests.support.backends import Backends

SPECS = (
    TopicSpec("titles", 3, {"cleanup.policy": "compact", "max.message.bytes": "8388608"}),
    TopicSpec("normalization-dlq", 1, {"cleanup.policy": "delete", "retention.ms": "2592000000"}),
)


@pytest.fixture
def prefix(backends: Backends, topic_prefix: str) -> Iterator[str]:
    """A prefix of this test; its topics are deleted afterwards."""
    yield topic_prefix
    admin = AdminClient({"bootstrap.servers": backends.kafka})
    mine = [name for name in admin.list_topics(timeout=10).topics if name.startswith(topic_prefix)]
    for future in (admin.delete_topics(mine) if mine else {}).values():
        future.result()


def partitions(backends: Backends, topic: str) -> int:
    return len(AdminClient({"bootstrap.servers": backends.kafka}).list_topics(timeout=10).topics[topic].partitions)


def test_missing_topics_are_created_as_specified(backends: Backends, prefix: str) -> None:
    assert [(one.topic, one.kind) for one in topics.diff(backends.kafka, SPECS, prefix)] == [
        (f"{prefix}titles", "missing"),
        (f"{prefix}normalization-dlq", "missing"),
    ]
    lines: list[str] = []
    applied = topics.apply(backends.kafka, SPECS, prefix, lines.append)
    assert lines == [f"created {prefix}titles", f"created {prefix}normalization-dlq"]
    assert [one.kind for one in applied.changed] == ["missing", "missing"]
    assert applied.refused == ()
    assert topics.diff(backends.kafka, SPECS, prefix) == []
    assert partitions(backends, f"{prefix}titles") == 3


def test_second_time_changes_nothing(backends: Backends, prefix: str) -> None:
    topics.apply(backends.kafka, SPECS, prefix)
    lines: list[str] = []
    assert topics.apply(backends.kafka, SPECS, prefix, lines.append) == topics.Applied((), ())
    assert lines == []


def test_differing_setting_is_set_and_others_are_left_alone(backends: Backends, prefix: str) -> None:
    topics.apply(backends.kafka, [TopicSpec("titles", 3, {"retention.ms": "1000000", "segment.ms": "777000"})], prefix)
    changed = [TopicSpec("titles", 3, {"retention.ms": "2000000"})]
    found = topics.diff(backends.kafka, changed, prefix)
    assert found == [Difference(f"{prefix}titles", "config", "1000000", "2000000", "retention.ms")]
    assert str(found[0]) == f"{prefix}titles: retention.ms is 1000000, wanted 2000000"
    topics.apply(backends.kafka, changed, prefix)
    both = [TopicSpec("titles", 3, {"retention.ms": "2000000", "segment.ms": "777000"})]
    assert topics.diff(backends.kafka, both, prefix) == []


def test_partitions_are_added_only_on_request(backends: Backends, prefix: str) -> None:
    topics.apply(backends.kafka, [TopicSpec("titles", 2, {})], prefix)
    more = [TopicSpec("titles", 4, {})]
    lines: list[str] = []
    applied = topics.apply(backends.kafka, more, prefix, lines.append)
    assert [one.kind for one in applied.refused] == ["too_few"]
    why = "more partitions move keys; stop the producers, let consumers catch up, then ask for it"
    assert lines == [f"left alone: {prefix}titles: 2 partitions, wanted 4 ({why})"]
    assert partitions(backends, f"{prefix}titles") == 2
    applied = topics.apply(backends.kafka, more, prefix, add_partitions=True)
    assert [one.kind for one in applied.changed] == ["too_few"]
    assert partitions(backends, f"{prefix}titles") == 4
    assert topics.diff(backends.kafka, more, prefix) == []


def test_partitions_are_never_taken_away(backends: Backends, prefix: str) -> None:
    topics.apply(backends.kafka, [TopicSpec("titles", 4, {})], prefix)
    applied = topics.apply(backends.kafka, [TopicSpec("titles", 2, {})], prefix, add_partitions=True)
    assert [one.kind for one in applied.refused] == ["too_many"]
    assert partitions(backends, f"{prefix}titles") == 4


def test_topics_nobody_specified_stay(backends: Backends, prefix: str) -> None:
    topics.apply(backends.kafka, SPECS, prefix)
    topics.apply(backends.kafka, SPECS[:1], prefix)
    assert partitions(backends, f"{prefix}normalization-dlq") == 1


def test_unknown_setting_is_refused_by_name(backends: Backends, prefix: str) -> None:
    with pytest.raises(TopicsError, match="refused"):
        topics.apply(backends.kafka, [TopicSpec("titles", 1, {"retention.parsecs": "12"})], prefix)


def test_too_many_replicas_are_refused(backends: Backends, prefix: str) -> None:
    with pytest.raises(TopicsError, match="refused"):
        topics.apply(backends.kafka, SPECS, prefix, replication=50)
