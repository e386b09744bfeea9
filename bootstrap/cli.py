"""The `mg` command. Errors a person can mend are one line on stderr and exit code 1; wrong usage is exit code 2."""

import importlib
import os
import sys

import click

from runtime import logging

# Where each command lives. Loaded when called: `mg tap` should not pay for embedding models and web frameworks.
COMMANDS = {
    "stack": "bootstrap.commands.stack:stack",
    "run": "bootstrap.commands.run:run",
    "up": "bootstrap.commands.up:up",
    "down": "bootstrap.commands.up:down",
    "units": "bootstrap.commands.units:list_units",
    "migrate": "bootstrap.commands.operate:migrate",
    "topics": "bootstrap.commands.operate:topics",
    "schemas": "bootstrap.commands.operate:schemas",
    "sql": "bootstrap.commands.operate:sql",
    "rebuild": "bootstrap.commands.rebuild:rebuild",
    "catalog": "bootstrap.commands.catalog:catalog",
    "pull": "bootstrap.commands.pull:pull",
    "webhooks": "bootstrap.commands.webhooks:webhooks",
    "resolve": "bootstrap.commands.resolve:resolve",
    "token": "bootstrap.commands.token:token",
    "device": "bootstrap.commands.device:device",
    "replay": "bootstrap.commands.replay:replay",
    "tap": "bootstrap.commands.inspect:tap",
    "lag": "bootstrap.commands.inspect:lag",
    "dlq": "bootstrap.commands.dead_letters:dlq",
    "bench": "bootstrap.commands.measure:bench",
    "eval": "bootstrap.commands.measure:evaluate",
    "ledger": "bootstrap.commands.ledger:ledger",
    "load": "bootstrap.commands.load:load",
    "demo": "bootstrap.commands.demo:demo",
}
HELP = {
    "stack": "The local Kafka, PostgreSQL, Valkey, Qdrant engine and schema ids.",
    "run": "Run units in this process.",
    "up": "Stack, migrations, topics and all units, watched.",
    "down": "End what `mg up` started, then the stack.",
    "units": "Every unit with its topics and stores.",
    "migrate": "Bring PostgreSQL to this version's schema.",
    "topics": "Kafka topics as the contract says.",
    "schemas": "The Avro contract and its ids.",
    "sql": "Named statements against the database and the lock.",
    "rebuild": "Fill a read model anew from the log and switch.",
    "catalog": "Providers' catalogs: import a file.",
    "pull": "Catalogs of a provider that has to be asked.",
    "webhooks": "Who is told what happens to offers, and how that goes.",
    "resolve": "Why two items are one work, or are not; decide it.",
    "token": "A token for a user's device, on the local stack.",
    "device": "A device to try sync on, in the terminal.",
    "replay": "Ratings as the playback they came from.",
    "tap": "Decoded events of a topic.",
    "lag": "How far each consumer is behind.",
    "dlq": "Dead letters: list, show, retry, drop.",
    "bench": "Speed and freshness against their bars.",
    "eval": "Quality on labelled data.",
    "ledger": "Nothing lost, nothing twice: load, faults, verdict.",
    "load": "All traffic at once: an evening of it, or too much.",
    "demo": "The whole thing on real films, from nothing.",
}
# Named, not imported, for the same reason. Anything that is not one of these is a bug and keeps its traceback.
MENDABLE = {
    "SettingsError", "StackError", "ContractError", "UnknownUnit", "ProduceError", "ImportFailed", "RebuildError",
    "MigrationError", "TopicsError", "RegistryError", "StatementError", "SystemFailed", "PortTaken", "CatalogFileError",
    "EmbeddingUnavailable", "VersionError", "SyncClientError", "PullError", "SubscribersError",
}  # fmt: skip


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - same
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - same
        with formatter.section("Commands"):
            formatter.write_dl(list(HELP.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="media-gateway", prog_name="mg")
def mg() -> None:
    """Media Gateway: where every film, series and track can be watched."""


def main() -> None:
    """`mg` as a process of its own."""
    logging.configure("warning", "console")  # to stderr: what a command prints is for a script
    invoke()


def invoke() -> None:
    """`mg` with the words of `sys.argv`. Whatever is wrong ends it with one line and an exit code; a bug raises."""
    try:
        # Named, or `python -m` would show up in usage lines as whatever module was run.
        mg(prog_name="mg", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else ""
        click.echo(f"mg: {error.format_message()}" + (f" (see `{path} --help`)" if path else ""), err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # `mg tap … | head` has seen enough. Nothing more can be written, not even by the interpreter when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        text = _one_line(error)
        if text is None:
            raise
        click.echo(f"mg: {text}", err=True)
        sys.exit(1)


def _one_line(error: Exception) -> str | None:
    """What a person can do something about; None for a bug."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    text = " ".join(str(error).split())
    if isinstance(error, ConnectionError) or kinds & MENDABLE:
        return text or type(error).__name__
    if "OperationalError" in kinds:  # psycopg's; its further lines are the client library's advice
        return f"PostgreSQL does not answer: {(str(error).strip().splitlines() or [type(error).__name__])[0]}"
    if "TransportError" in kinds:  # httpx's
        return f"the service does not answer ({text or type(error).__name__}); is `mg up` running?"
    return None


if __name__ == "__main__":
    main()
