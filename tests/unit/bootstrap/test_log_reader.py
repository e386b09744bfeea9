from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from bootstrap import log_reader
from bootstrap.log_reader import LogReader
from tests.support.webhooks import settings

LEADERLESS = KafkaException(KafkaError(KafkaError.LEADER_NOT_AVAILABLE))


class _Broker:
    """Two partitions of one topic; says `LEADER_NOT_AVAILABLE` as often as it is told to."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals

    def list_topics(self, topic: str, timeout: float) -> Any:
        found = type("Topic", (), {"error": None, "partitions": {1: None, 0: None}})
        return type("Metadata", (), {"topics": {topic: found}})

    def get_watermark_offsets(self, partition: TopicPartition, timeout: float) -> tuple[int, int]:
        if self.refusals:
            self.refusals -= 1
            raise LEADERLESS
        return 0, partition.partition + 5


def _reader(monkeypatch: pytest.MonkeyPatch, refusals: int) -> LogReader:
    monkeypatch.setattr("bootstrap.log_reader.kafka.consumer", lambda *_: _Broker(refusals))
    monkeypatch.setattr(log_reader, "_PAUSE_SECONDS", 0.0)
    return LogReader(settings(Path("unused")))


def test_a_partition_without_a_leader_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _reader(monkeypatch, refusals=3).ends("titles") == {0: (0, 5), 1: (0, 6)}


def test_a_partition_that_stays_without_one_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_reader, "_SECONDS", 0.05)
    with pytest.raises(ConnectionError, match="does not answer for titles"):
        _reader(monkeypatch, refusals=1_000_000_000).ends("titles")
