"""Records of a state topic, without one."""

from pathlib import Path
from typing import Any

import pytest

from streams.engine.changelog import Changelog, Record
from streams.engine.outcome import FatalError
from streams.engine.table import Partition
from streams.processors import title_trends
from streams.processors.title_trends.state import Plays
from tests.support.stateful import event, received
from tests.support.stateful_run import state_of
from tests.support.webhooks import settings

SPEC = title_trends.SPEC


class Delivered:
    """As a consumer gives it."""

    def __init__(self, key: bytes | None, value: bytes | None, headers: Any = None) -> None:
        self.key, self.value, self.headers = (lambda: key), (lambda: value), (lambda: headers)

    def partition(self) -> int:
        return 3

    def offset(self) -> int:
        return 7

    def topic(self) -> str:
        return "title-trends-state"


@pytest.fixture
def log(tmp_path: Path) -> Changelog:
    return Changelog(SPEC, state_of(SPEC), settings(tmp_path, topic_prefix="t-"))


def decoded(log: Changelog, messages: list[Any]) -> list[Record]:
    delivered: list[Any] = [Delivered(m.key, m.value, list(m.headers)) for m in messages]
    return [log.decode(one) for one in delivered]


def test_what_follows_is_written_before_what_it_follows_from_and_reads_back(log: Changelog) -> None:
    partition = Partition(state_of(SPEC))
    partition.apply(received(event(kind="started"), 41))
    steps = log.steps(3, partition)
    assert {(m.topic, m.partition) for step in steps for m in step} == {("t-title-trends-state", 3)}
    plays, viewers, position = (decoded(log, step) for step in steps)
    assert [(one.table, one.key, one.next, one.turn) for one in plays] == [("plays", b"DE/film", 42, 1)]
    assert isinstance(plays[0].state, Plays)
    assert [(one.table, one.key, one.next) for one in viewers] == [("viewers", b"ann", 42)]
    assert [(one.table, one.next, one.turn) for one in position] == [("", 42, partition.now)]
    assert log.steps(3, partition) == [[], [], []]


def test_a_tombstone_keeps_its_version(log: Changelog) -> None:
    partition = Partition(state_of(SPEC))
    partition.apply(received(event(kind="started"), 41))
    log.steps(3, partition)
    partition.tick(partition.now + 30 * 86_400_000)
    forgotten = decoded(log, log.steps(3, partition)[0])
    assert [(one.key, one.next, one.turn, one.state) for one in forgotten] == [(b"DE/film", 42, 2, None)]


@pytest.mark.parametrize(
    "record",
    [
        Delivered(b"plays/DE/film", b"\xff"),
        Delivered(b"plays/DE/film", b"\x93\x01\x01\xa3abc"),
        Delivered(b"plays/DE/film", None),
        Delivered(b"plays/DE/film", None, [("mg-version", b"x.y")]),
        Delivered(b"plays/DE/film", None, [("mg-version", b"1")]),
        Delivered(b"/", b""),
        Delivered(b"/", None),
        Delivered(None, None),
    ],
)
def test_state_that_cannot_be_read_is_not_taken_for_none(log: Changelog, record: Any) -> None:
    with pytest.raises(FatalError, match="title-trends-state:3:7 holds no state that this version can read"):
        log.decode(record)


def test_a_table_of_a_later_version_is_left_alone(log: Changelog) -> None:
    [found] = decoded(log, [log._message(0, b"new/key", 1, 1, 5)])
    assert (found.table, found.state) == ("new", None)
