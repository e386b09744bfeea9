"""`mg webhooks`: who is told what happens to offers, and how that goes."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast, get_args
from urllib.parse import urlsplit

import click
import msgspec

from bootstrap.terminal import moment, say, table
from devstack.providers import new_secret
from devstack.record import locked, write_private
from runtime import settings as settings_module
from runtime.connections.outgoing import Outgoing, Refused, Unreachable, addresses_of
from runtime.settings import Settings
from schemas.envelope import new_event_id
from schemas.read_models.availability_changes import Change
from streams.senders.webhooks.administration import Administration, State
from streams.senders.webhooks.message import test_body
from streams.senders.webhooks.posting import attempt
from streams.senders.webhooks.subscribers import (
    MOST_SECRETS,
    Entry,
    SubscribersError,
    read_entries,
    subscribers_of,
)

_HTTPS = 443
# Of the table of messages: what follows from the rest, so that ids stay whole on a narrow terminal.
_NOT_SHOWN = frozenset({"created_at", "milliseconds"})


@click.group()
def webhooks() -> None:
    """Subscribers of what happens to offers; see docs/availability.md. The sender is the unit `sender:webhooks`."""


@webhooks.command()
@click.argument("name")
@click.argument("url")
@click.option("--change", "changes", multiple=True, type=click.Choice(get_args(Change)), help="Only these; repeat.")
@click.option("--region", "regions", multiple=True, metavar="CC", help="Only offers of this region; repeat.")
@click.option("--provider", "providers", multiple=True, metavar="NAME", help="Only this provider's; repeat.")
@click.option("--private", is_flag=True, help="The address may be of this machine or network, and plain http.")
def add(
    name: str,
    url: str,
    changes: tuple[str, ...],
    regions: tuple[str, ...],
    providers: tuple[str, ...],
    private: bool,
) -> None:
    """Tell URL from now on, and print the secret that it can check the signatures with."""
    settings = settings_module.load()
    secret = new_secret()
    entry = Entry(url, (secret,), cast("tuple[Change, ...]", changes), regions, providers, private)
    with _entries(settings) as entries:
        if name in entries:
            raise click.ClickException(f"there is a subscriber {name}; `mg webhooks remove {name}` removes it")
        subscribers_of({name: entry})
        _check_address(entry)
        entries[name] = entry
    say(f"{name} is told from now on; its secret, shown this once:")
    click.echo(secret)


@webhooks.command()
@click.argument("name")
@click.option("--finish", is_flag=True, help="Forget all secrets but the newest.")
def rotate(name: str, finish: bool) -> None:
    """A new secret beside the old ones, which go on signing until `--finish`."""
    with _entries(settings_module.load()) as entries:
        entry = _known(entries, name)
        if finish:
            entries[name] = msgspec.structs.replace(entry, secrets=entry.secrets[:1])
            say(f"{name}: {len(entry.secrets) - 1} old secrets forgotten")
            return
        if len(entry.secrets) == MOST_SECRETS:
            raise click.ClickException(f"{name} has {MOST_SECRETS} secrets; `mg webhooks rotate {name} --finish` first")
        secret = new_secret()
        entries[name] = msgspec.structs.replace(entry, secrets=(secret, *entry.secrets))
    say("messages are signed with this one too from now on:")
    click.echo(secret)


@webhooks.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_subscribers(as_json: bool) -> None:
    """Every subscriber and how it stands."""
    settings = settings_module.load()
    entries = read_entries(settings.subscribers_file)
    with _administration(settings) as administration:
        standing = {each.name: each for each in administration.overview()}
    names = sorted(entries.keys() | standing.keys())
    rows = []
    for name in names:
        entry, known = entries.get(name), standing.get(name)
        shown = {
            "name": name,
            "url": entry.url if entry else None,
            "state": "removed" if entry is None else "disabled" if known and known.disabled_at else "active",
            "why": known.disabled_why if known else None,
            "waiting": known.waiting if known else 0,
            "delivered": known.delivered if known else 0,
            "failed": known.failed if known else 0,
            "oldest": known.oldest.astimezone(UTC).isoformat() if known and known.oldest else None,
        }
        rows.append(shown)
    if as_json:
        for row in rows:
            click.echo(msgspec.json.encode(row).decode())
    elif rows:
        table(tuple(rows[0]), [tuple(map(_cell, row.values())) for row in rows])
    else:
        click.echo("no subscribers; `mg webhooks add NAME URL` adds one")


@webhooks.command()
@click.argument("name")
@click.argument("event_id", required=False)
@click.option("--state", type=click.Choice(get_args(State)), help="Only these.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def log(name: str, event_id: str | None, state: State | None, limit: int, as_json: bool) -> None:
    """The newest messages to NAME, or every attempt at one of them."""
    settings = settings_module.load()
    with _administration(settings) as administration:
        if event_id is None:
            lines: list[msgspec.Struct] = list(administration.recent(name, state, limit))
        else:
            found = administration.attempts(name, event_id)
            if found is None:
                raise click.ClickException(f"{name} has no message {event_id}; `mg webhooks log {name}` shows them")
            lines = list(found)
    if as_json:
        for line in lines:
            click.echo(msgspec.json.encode(line).decode())
    elif lines:
        shown = [
            {name: value for name, value in msgspec.structs.asdict(line).items() if name not in _NOT_SHOWN}
            for line in lines
        ]
        table(tuple(shown[0]), [tuple(map(_cell, row.values())) for row in shown])
    else:
        click.echo("nothing yet")


@webhooks.command()
@click.argument("name")
def disable(name: str) -> None:
    """Send nothing to NAME; what happens meanwhile is sent after `enable`, for up to a month."""
    with _administration(settings_module.load()) as administration:
        if not administration.disable(name, "an operator said so"):
            raise click.ClickException(f"{name} is disabled, or was never sent to; see `mg webhooks list`")
    say(f"{name} is disabled")


@webhooks.command()
@click.argument("name")
def enable(name: str) -> None:
    """Send to NAME again, what waited first."""
    with _administration(settings_module.load()) as administration:
        if name not in {each.name for each in administration.overview()}:
            raise click.ClickException(f"{name} was never sent to; see `mg webhooks list`")
        say(f"{name} is enabled; {administration.enable(name)} messages waited")


@webhooks.command()
@click.argument("name")
def remove(name: str) -> None:
    """Tell NAME nothing more, and forget what it was told."""
    settings = settings_module.load()
    with _entries(settings) as entries:
        was_there = entries.pop(name, None) is not None
    with _administration(settings) as administration:
        if not (administration.forget(name) or was_there):
            raise click.ClickException(f"no subscriber {name}; see `mg webhooks list`")
    say(f"{name} is removed")


@webhooks.command()
@click.argument("name")
@click.argument("event_id", nargs=-1)
@click.option("--failed", is_flag=True, help="What nobody took in 75 hours.")
@click.option("--since", metavar="TIME", help="Everything made since then (ISO 8601).")
def replay(name: str, event_id: tuple[str, ...], failed: bool, since: str | None) -> None:
    """Send messages again, with the ids that they had: EVENT_ID…, --failed, or all --since TIME (kept for 30 days)."""
    if not (event_id or failed or since):
        raise click.UsageError("give EVENT_ID…, --failed or --since")
    with _administration(settings_module.load()) as administration:
        count = administration.send_again(name, event_id, "failed" if failed else None, _moment(since))
    if not count:
        raise click.ClickException(f"{name} has no such messages; `mg webhooks log {name}` shows them")
    say(f"{count} messages are sent again")


@webhooks.command(name="test")
@click.argument("name")
def send_test(name: str) -> None:
    """Post a `webhooks.test` to NAME now and say what came of it."""
    subscriber = subscribers_of({name: _known(read_entries(settings_module.load().subscribers_file), name)})[name]

    async def post() -> str:
        outgoing = Outgoing(private=subscriber.private)
        now = datetime.now(UTC)
        try:
            outcome = await attempt(outgoing, subscriber, new_event_id(), test_body(now), now)
        finally:
            await outgoing.close()
        took = f"{outcome.attempt.milliseconds} ms"
        if outcome.attempt.trouble:
            raise click.ClickException(f"{outcome.name} in {took}: {outcome.attempt.trouble}")
        return f"delivered in {took}"

    say(asyncio.run(post()))


def _check_address(entry: Entry) -> None:
    """Now, so that a mistake shows at once; the sender looks again at each connection."""
    parts = urlsplit(entry.url)
    try:
        asyncio.run(addresses_of(parts.hostname or "", parts.port or _HTTPS, private=entry.private))
    except Refused as error:
        raise click.ClickException(f"{error}; --private allows it") from None
    except Unreachable as error:
        raise click.ClickException(str(error)) from None


@contextmanager
def _entries(settings: Settings) -> Iterator[dict[str, Entry]]:
    """The file's, written back unless something raises."""
    path: Path = settings.subscribers_file
    with locked(path.with_suffix(".lock"), lambda _: None):
        entries = read_entries(path)
        yield entries
        write_private(path, msgspec.json.format(msgspec.json.encode(entries), indent=2).decode() + "\n")


@contextmanager
def _administration(settings: Settings) -> Iterator[Administration]:
    administration = Administration(settings.postgres_dsn)
    try:
        yield administration
    finally:
        administration.close()


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return "" if value is None else str(value)


def _known(entries: dict[str, Entry], name: str) -> Entry:
    if name not in entries:
        raise SubscribersError(f"no subscriber {name}; `mg webhooks list` shows them")
    return entries[name]


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return moment(text)
    except ValueError:
        raise click.UsageError(f"--since {text!r} is no ISO 8601 time") from None
