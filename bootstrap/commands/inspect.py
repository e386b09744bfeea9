"""`mg tap` and `mg lag`: looking at the log."""

import base64
import json
import sys
from datetime import datetime
from typing import Any

import click
import msgspec

from bootstrap.lag import consumers
from bootstrap.log_reader import LogReader, Record
from bootstrap.terminal import moment, table
from runtime import settings as settings_module
from schemas import codec, loader
from streams.topology import PIPELINE


@click.command()
@click.argument("topic")
@click.option("--from", "start", default="latest", help="earliest, latest or an ISO 8601 time.  [default: latest]")
@click.option("--key", help="Only records with this key.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line (the default when piped).")
@click.option("--follow/--no-follow", default=None, help="Wait for more (default: only with --from latest).")
@click.option("--limit", type=click.IntRange(1), help="Stop after so many records.")
def tap(topic: str, start: str, key: str | None, as_json: bool, follow: bool | None, limit: int | None) -> None:
    """Decoded events of TOPIC."""
    known = [found.topic for found in loader.topics()]
    dead = [loader.dead_letter_topic(unit.name) for unit in PIPELINE]
    if topic not in known + dead:
        raise click.BadParameter(f"no topic {topic!r}; there are: {', '.join(known + dead)}", param_hint="TOPIC")
    reader = LogReader(settings_module.load())
    plain = as_json or not sys.stdout.isatty()
    shown = 0
    try:
        for record in reader.read([topic], _time(start), follow=start == "latest" if follow is None else follow):
            if key is not None and record.key != key.encode():
                continue
            shape = shown_record(record)
            click.echo(json.dumps(shape, ensure_ascii=False) if plain else _line(shape))
            shown += 1
            if limit is not None and shown >= limit:
                return
    finally:
        reader.close()


def _time(text: str) -> str | datetime:
    if text in ("earliest", "latest"):
        return text
    try:
        return moment(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not earliest, latest or an ISO 8601 time", param_hint="--from") from None


def shown_record(record: Record) -> dict[str, Any]:
    """A record for people: position, key, headers and the decoded event, or why it does not decode."""
    shape: dict[str, Any] = {
        "position": f"{record.topic}:{record.partition}:{record.offset}",
        "at": record.at.isoformat(),
        "key": (record.key or b"").decode("utf-8", "replace"),
        "headers": {name: value.decode("utf-8", "replace") for name, value in record.headers},
    }
    try:
        event = codec.decode(record.value or b"")
    except codec.SchemaError as error:
        shape["undecodable"] = str(error)
        shape["raw"] = base64.b64encode(record.value or b"").decode()
    else:
        shape["type"] = type(event).__name__
        shape["event"] = _readable(msgspec.to_builtins(event, builtin_types=(bytes,)))
    return shape


def _readable(value: Any) -> Any:
    """Bytes as JSON or text where they are that, else as base64."""
    if isinstance(value, dict):
        return {name: _readable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_readable(inner) for inner in value]
    if isinstance(value, bytes):
        try:
            return json.loads(value) if value else ""
        except ValueError:
            return base64.b64encode(value).decode()
    return value


def _line(shape: dict[str, Any]) -> str:
    what = shape.get("type", "undecodable")
    body = json.dumps(shape.get("event", shape.get("undecodable")), ensure_ascii=False)
    return f"{shape['at']}  {shape['position']:28}  {what}  {shape['key']}\n    {body[:400]}"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def lag(as_json: bool) -> None:
    """How far each consumer is behind, in events and in seconds."""
    found = consumers(settings_module.load())
    if as_json:
        click.echo(json.dumps([msgspec.to_builtins(one) for one in found]))
        return
    table(
        ("consumer", "topic", "events", "seconds", "position", "end"),
        [(c.consumer, c.topic, str(c.events), f"{c.seconds:.1f}", str(c.position), str(c.end)) for c in found],
    )
