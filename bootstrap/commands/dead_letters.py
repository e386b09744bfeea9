"""`mg dlq`: dead letters, per consumer."""

import json
import sys

import click
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from bootstrap.commands.inspect import shown_record
from bootstrap.log_reader import LogReader, Record
from bootstrap.terminal import table
from runtime import settings as settings_module
from runtime.connections.kafka import EventProducer, Message
from runtime.settings import Settings
from schemas import loader
from schemas.envelope import Position
from streams.engine import dead_letter
from streams.engine.outcome import InvalidEvent
from streams.topology import PIPELINE

_CONSUMERS = click.Choice([unit.name for unit in PIPELINE])


@click.group()
def dlq() -> None:
    """Events that a consumer could not process, kept as they were with the reason."""


def _letters(settings: Settings, consumer: str) -> list[Record]:
    reader = LogReader(settings)
    try:
        return list(reader.read([loader.dead_letter_topic(consumer)], "earliest", follow=False))
    finally:
        reader.close()


@dlq.command(name="list")
@click.argument("consumer", type=_CONSUMERS, required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_letters(consumer: str | None, as_json: bool) -> None:
    """Dead letters of CONSUMER, or of all."""
    settings = settings_module.load()
    rows = []
    for name in [consumer] if consumer else _CONSUMERS.choices:
        for record in _letters(settings, str(name)):
            try:
                letter = dead_letter.read(record.value, record.headers)
            except InvalidEvent as error:
                rows.append((str(name), str(record.offset), record.at.isoformat(), "?", error.reason, error.detail))
                continue
            rows.append(
                (
                    str(name),
                    str(record.offset),
                    record.at.isoformat(),
                    str(letter.position),
                    letter.reason,
                    letter.detail,
                )
            )
    headings = ("consumer", "number", "at", "position", "reason", "detail")
    if as_json:
        for row in rows:
            click.echo(json.dumps(dict(zip(headings, row, strict=True)), ensure_ascii=False))
    elif rows:
        table(headings, [(*row[:5], row[5][:80]) for row in rows])
    else:
        click.echo("no dead letters")


def _one(settings: Settings, consumer: str, number: int) -> Record:
    reader = LogReader(settings)
    try:
        found = reader.record(loader.dead_letter_topic(consumer), 0, number)
    finally:
        reader.close()
    if found is None:
        raise click.ClickException(
            f"{consumer} has no dead letter {number}; `mg dlq list {consumer}` shows what there is"
        )
    return found


@dlq.command()
@click.argument("consumer", type=_CONSUMERS)
@click.argument("number", type=click.IntRange(0))
def show(consumer: str, number: int) -> None:
    """One dead letter in full, as JSON."""
    click.echo(json.dumps(shown_record(_one(settings_module.load(), consumer, number)), indent=2, ensure_ascii=False))


@dlq.command()
@click.argument("consumer", type=_CONSUMERS)
@click.argument("number", type=click.IntRange(0), nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that are there now.")
def retry(consumer: str, number: tuple[int, ...], everything: bool) -> None:
    """Append dead letters to the topic they came from. Consumers that had them ignore them: writes are versioned."""
    if not number and not everything:
        raise click.UsageError("give numbers or --all")
    settings = settings_module.load()
    records = _letters(settings, consumer) if everything else [_one(settings, consumer, n) for n in number]
    messages = [_again(settings, record) for record in records]
    producer = EventProducer(settings.kafka, "mg-dlq")
    try:
        producer.send_and_wait(messages)
    finally:
        producer.close()
    click.echo(f"{len(messages)} sent again; `mg dlq drop {consumer}` forgets them")


def _again(settings: Settings, record: Record) -> Message:
    try:
        position: Position = dead_letter.read(record.value, record.headers).position
    except InvalidEvent as error:
        raise click.ClickException(f"number {record.offset} cannot be retried: {error}") from error
    headers = tuple(header for header in record.headers if not header[0].startswith("mg-"))
    return Message(settings.topic_prefix + position.topic, record.key, record.value, headers)


@dlq.command()
@click.argument("consumer", type=_CONSUMERS)
@click.option("--up-to", type=click.IntRange(0), help="Drop numbers up to this one (default: all).")
@click.option("--yes", is_flag=True, help="Do not ask.")
def drop(consumer: str, up_to: int | None, yes: bool) -> None:
    """Delete dead letters from the start of the topic."""
    settings = settings_module.load()
    topic = settings.topic_prefix + loader.dead_letter_topic(consumer)
    reader = LogReader(settings)
    try:
        low, high = reader.ends(loader.dead_letter_topic(consumer))[0]
    finally:
        reader.close()
    end = high if up_to is None else min(up_to + 1, high)
    if end <= low:
        click.echo("nothing to drop")
        return
    if not yes and sys.stdin.isatty():
        click.confirm(f"Delete {end - low} dead letters of {consumer}?", abort=True)
    elif not yes:
        raise click.UsageError("--yes is needed when nobody can be asked")
    admin = AdminClient({"bootstrap.servers": settings.kafka, "log_level": 3})
    for done in admin.delete_records([TopicPartition(topic, 0, end)]).values():
        done.result(10)
    click.echo(f"{end - low} dropped")
