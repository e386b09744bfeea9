"""Commands that look at things: `mg units`, `mg tap`, `mg lag`, `mg dlq`, without a broker."""

import base64
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bootstrap import units
from bootstrap.commands import dead_letters, inspect
from bootstrap.commands.units import list_units
from bootstrap.lag import Lag
from bootstrap.log_reader import Record
from runtime.connections.kafka import Message
from schemas import codec
from schemas.envelope import Position
from streams.engine import dead_letter
from streams.engine.dead_letter import RawRecord
from streams.engine.outcome import InvalidEvent
from tests.support import canonical_items, webhooks

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EVENT = canonical_items.upserted("wikidata:Q1", canonical_items.an_item("[rec] Amélie"))


def run(command: Any, *words: str) -> Result:
    return CliRunner().invoke(command, words, catch_exceptions=False)


def record(
    offset: int, key: bytes = b"wikidata:Q1", value: bytes | None = None, topic: str = "provider-items"
) -> Record:
    return Record(
        topic, 0, offset, AT, key, codec.encode(EVENT) if value is None else value, (("traceparent", b"00-a"),)
    )


def letter(offset: int, consumer: str = "entity_resolution", value: bytes = b"\0bad") -> Record:
    raw = RawRecord(Position("provider-items", 2, 40 + offset), b"key", value, (("traceparent", b"00-a"),))
    message = dead_letter.to_message(consumer, raw, InvalidEvent("no_title", "[/b] blank"))
    return Record(message.topic, 0, offset, AT, message.key, message.value, message.headers)


class Log:
    """What stands in for Kafka: records to read, messages sent, records deleted."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.asked: list[tuple[Sequence[str], str | datetime, bool]] = []
        self.closed = 0
        self.sent: list[Message] = []
        self.deleted: list[tuple[str, int]] = []

    def reader(self, _settings: Any) -> "Log":
        return self

    def read(self, topics: Sequence[str], start: str | datetime, *, follow: bool) -> Iterator[Record]:
        self.asked.append((topics, start, follow))
        yield from (one for one in self.records if one.topic in topics)

    def record(self, topic: str, _partition: int, offset: int) -> Record | None:
        return next((one for one in self.records if (one.topic, one.offset) == (topic, offset)), None)

    def ends(self, topic: str) -> dict[int, tuple[int, int]]:
        offsets = [one.offset for one in self.records if one.topic == topic]
        return {0: (min(offsets), max(offsets) + 1) if offsets else (0, 0)}

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Log:
    log = Log()

    class Producer:
        def __init__(self, *_: Any) -> None: ...

        def send_and_wait(self, messages: Sequence[Message]) -> None:
            log.sent += messages

        def close(self) -> None:
            log.closed += 1

    class Done:
        def result(self, _seconds: float) -> None: ...

    class Admin:
        def __init__(self, _config: Any) -> None: ...

        def delete_records(self, places: Sequence[Any]) -> dict[int, Done]:
            log.deleted += [(place.topic, place.offset) for place in places]
            return {0: Done()}

    for module in (inspect, dead_letters):
        monkeypatch.setattr(module, "LogReader", log.reader)
    monkeypatch.setattr(dead_letters, "EventProducer", Producer)
    monkeypatch.setattr(dead_letters, "AdminClient", Admin)
    monkeypatch.setattr("runtime.settings.load", lambda: webhooks.settings(tmp_path, topic_prefix="t-"))
    return log


def test_units_as_table_json_and_pictures() -> None:
    shown = run(list_units).stdout
    assert all(name in shown for name in units.every().names)
    rows = json.loads(run(list_units, "--json").stdout)
    assert {row["unit"] for row in rows} == set(units.every().names)
    assert all(set(row) == {"unit", "reads", "writes", "stores", "description"} for row in rows)
    assert run(list_units, "--mermaid").stdout == units.mermaid()
    assert run(list_units, "--markdown").stdout == units.markdown()


def test_tap_writes_a_json_object_a_line_when_piped(log: Log) -> None:
    log.records = [record(5), record(6)]
    lines = [json.loads(line) for line in run(inspect.tap, "provider-items", "--from", "earliest").stdout.splitlines()]
    assert [line["position"] for line in lines] == ["provider-items:0:5", "provider-items:0:6"]
    first = lines[0]
    assert (first["type"], first["key"], first["at"]) == ("ProviderItemNormalized", "wikidata:Q1", AT.isoformat())
    assert first["headers"] == {"traceparent": "00-a"}
    assert first["event"]["item"]["name"] == "[rec] Amélie"
    assert log.closed == 1


def test_tap_shows_what_does_not_decode(log: Log) -> None:
    log.records = [record(5, value=b"\0\xffbad")]
    (line,) = run(inspect.tap, "provider-items", "--from", "earliest").stdout.splitlines()
    shown = json.loads(line)
    assert shown["undecodable"]
    assert base64.b64decode(shown["raw"]) == b"\0\xffbad"


def test_tap_takes_one_key_and_a_limit(log: Log) -> None:
    log.records = [record(number, key=b"a" if number % 2 else b"b") for number in range(10)]
    words = ("provider-items", "--from", "earliest", "--key", "a", "--limit", "2")
    lines = run(inspect.tap, *words).stdout.splitlines()
    assert [json.loads(line)["position"].split(":")[2] for line in lines] == ["1", "3"]


@pytest.mark.parametrize(
    ("words", "start", "follow"),
    [
        ((), "latest", True),
        (("--from", "earliest"), "earliest", False),
        (("--from", "earliest", "--follow"), "earliest", True),
        (("--no-follow",), "latest", False),
        (("--from", "2026-01-02T03:04:05"), AT, False),
        (("--from", "2026-01-02T04:04:05+01:00"), AT, False),
        (("--from", "2026-01-02"), datetime(2026, 1, 2, tzinfo=UTC), False),
    ],
)
def test_where_tap_begins(log: Log, words: tuple[str, ...], start: str | datetime, follow: bool) -> None:
    assert run(inspect.tap, "titles", *words).exit_code == 0
    assert log.asked == [(["titles"], start, follow)]


@pytest.mark.parametrize("words", [("nonsense",), ("titles", "--from", "yesterday"), ("titles", "--limit", "0")])
def test_wrong_words_for_tap(log: Log, words: tuple[str, ...]) -> None:
    found = run(inspect.tap, *words)
    assert found.exit_code == 2
    assert log.asked == []


def test_tap_reads_dead_letter_topics_too(log: Log) -> None:
    log.records = [letter(0)]
    (line,) = run(inspect.tap, "entity-resolution-dlq", "--from", "earliest").stdout.splitlines()
    assert json.loads(line)["headers"]["mg-reason"] == "no_title"


def test_a_record_for_people_has_two_lines() -> None:
    shown = inspect._line(inspect.shown_record(record(5)))
    assert len(shown.splitlines()) == 2
    assert "ProviderItemNormalized" in shown
    assert max(map(len, shown.splitlines())) < 500


def test_bytes_in_events_are_json_or_base64() -> None:
    assert inspect._readable({"a": b'{"b":1}', "c": [b"\xff"], "d": b"", "e": 1}) == {
        "a": {"b": 1},
        "c": ["/w=="],
        "d": "",
        "e": 1,
    }


def test_lag(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Lag("availability", "titles", 3, 1.25, 97, 100)]
    monkeypatch.setattr(inspect, "consumers", lambda _: found)
    assert json.loads(run(inspect.lag, "--json").stdout) == [
        {"consumer": "availability", "topic": "titles", "events": 3, "seconds": 1.25, "position": 97, "end": 100}
    ]
    assert "1.2" in run(inspect.lag).stdout


def test_dead_letters_of_one_consumer_or_of_all(log: Log) -> None:
    log.records = [letter(0), letter(1, "embedding"), record(2, topic="availability-dlq")]
    rows = [json.loads(line) for line in run(dead_letters.dlq, "list", "--json").stdout.splitlines()]
    assert {(row["consumer"], row["number"], row["reason"]) for row in rows} == {
        ("entity_resolution", "0", "no_title"),
        ("embedding", "1", "no_title"),
        ("availability", "2", "not_a_dead_letter"),
    }
    one = run(dead_letters.dlq, "list", "embedding", "--json").stdout.splitlines()
    assert [json.loads(line)["position"] for line in one] == ["provider-items:2:41"]
    shown = run(dead_letters.dlq, "list").stdout
    assert "[/b] blank" in shown


def test_no_dead_letters(log: Log) -> None:
    assert run(dead_letters.dlq, "list").stdout == "no dead letters\n"
    assert run(dead_letters.dlq, "list", "--json").stdout == ""


def test_one_dead_letter_in_full(log: Log) -> None:
    log.records = [letter(3)]
    shown = json.loads(run(dead_letters.dlq, "show", "entity_resolution", "3").stdout)
    assert shown["headers"]["mg-detail"] == "[/b] blank"
    missing = run(dead_letters.dlq, "show", "entity_resolution", "4")
    assert missing.exit_code == 1
    assert "has no dead letter 4" in missing.stderr
    assert run(dead_letters.dlq, "show", "nobody", "4").exit_code == 2


def test_a_retry_is_the_record_as_it_was_on_its_own_topic(log: Log) -> None:
    log.records = [letter(0), letter(1), letter(2)]
    found = run(dead_letters.dlq, "retry", "entity_resolution", "0", "2")
    assert found.stdout.startswith("2 sent again")
    assert log.sent == [Message("t-provider-items", b"key", b"\0bad", (("traceparent", b"00-a"),))] * 2
    run(dead_letters.dlq, "retry", "entity_resolution", "--all")
    assert len(log.sent) == 5


def test_nothing_is_retried_when_one_of_them_cannot_be(log: Log) -> None:
    log.records = [letter(0), record(1, topic="entity-resolution-dlq")]
    found = run(dead_letters.dlq, "retry", "entity_resolution", "--all")
    assert found.exit_code == 1
    assert "number 1 cannot be retried" in found.stderr
    assert run(dead_letters.dlq, "retry", "entity_resolution").exit_code == 2
    assert log.sent == []


@pytest.mark.parametrize(
    ("words", "deleted", "said"),
    [
        (("--yes",), 8, "3 dropped\n"),
        (("--yes", "--up-to", "6"), 7, "2 dropped\n"),
        (("--yes", "--up-to", "600"), 8, "3 dropped\n"),
    ],
)
def test_dropping(log: Log, words: tuple[str, ...], deleted: int, said: str) -> None:
    log.records = [letter(number) for number in (5, 6, 7)]
    found = run(dead_letters.dlq, "drop", "entity_resolution", *words)
    assert (found.stdout, log.deleted) == (said, [("t-entity-resolution-dlq", deleted)])


@pytest.mark.parametrize(("words", "code"), [(("--yes", "--up-to", "4"), 0), ((), 2)])
def test_dropping_nothing(log: Log, words: tuple[str, ...], code: int) -> None:
    log.records = [letter(5)]
    assert run(dead_letters.dlq, "drop", "entity_resolution", *words).exit_code == code
    assert log.deleted == []
