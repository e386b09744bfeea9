"""What a group committed, asked by somebody who is no member."""

import pytest
from confluent_kafka import KafkaException, TopicPartition

from runtime.connections import kafka, topics
from runtime.connections.topics import TopicSpec
from tests.support.backends import Backends


def test_nothing_then_what_was_committed_and_the_group_stays_empty(backends: Backends, topic_prefix: str) -> None:
    name, group = f"{topic_prefix}committed", f"{topic_prefix}group"
    topics.apply(backends.kafka, (TopicSpec("committed", 2, {}),), topic_prefix, lambda _: None)
    wanted = [TopicPartition(name, partition) for partition in (0, 1)]
    assert all(place.offset < 0 for place in kafka.committed(backends.kafka, group, wanted, 10))
    member = kafka.consumer(backends.kafka, group, "test")
    member.commit(offsets=[TopicPartition(name, 1, 7)], asynchronous=False)
    member.close()
    found = {place.partition: place.offset for place in kafka.committed(backends.kafka, group, wanted, 10)}
    assert found[0] < 0
    assert found[1] == 7


def test_a_broker_that_is_away() -> None:
    with pytest.raises(KafkaException):
        kafka.committed("127.0.0.1:1", "nobody", [TopicPartition("none", 0)], 0.5)
