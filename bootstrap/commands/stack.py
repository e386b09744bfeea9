"""`mg stack`: the four backends and schema ids on this machine."""

import json
import sys

import click
import msgspec

from bootstrap.supervisor import running_supervisor
from bootstrap.terminal import megabytes, say, table
from devstack.assets import ensure_assets
from devstack.stack import Stack
from runtime import settings as settings_module


@click.group()
def stack() -> None:
    """The local Kafka, PostgreSQL, Valkey, Qdrant engine and schema ids (no containers needed)."""


@stack.command()
def up() -> None:
    """Start what does not run yet; a second call finds the first."""
    home = settings_module.home_from()
    Stack(home).up(say)
    ensure_assets(home)
    for name, address in settings_module.load().describe().items():
        click.echo(f"{name:22} {address}")


def _refuse_under_units() -> None:
    if running_supervisor(settings_module.home_from()) is not None:
        raise click.ClickException("`mg up` runs on this stack; `mg down` ends both")


@stack.command()
def down() -> None:
    """End the processes by pid; the data stays."""
    _refuse_under_units()
    Stack(settings_module.home_from()).down(say)


@stack.command()
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def status(as_json: bool) -> None:
    """Who runs, where, with how much memory. Exit code 1 unless all run."""
    found = Stack(settings_module.home_from()).status()
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found)))
    else:
        table(
            ("backend", "state", "address", "pid", "memory"),
            [(one.name, one.state, one.address, str(one.pid or ""), megabytes(one.rss)) for one in found],
        )
    if any(one.state != "running" for one in found):
        raise SystemExit(1)


@stack.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(yes: bool) -> None:
    """End the processes and delete their data (downloads and secrets stay)."""
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("--yes is needed when nobody can be asked")
    if not yes:
        click.confirm("Delete all data of the local stack?", abort=True)
    _refuse_under_units()
    Stack(settings_module.home_from()).reset(say)
