"""The `mg` command. Errors a person can mend are one line on stderr and exit code 1; wrong usage is exit code 2."""

import sys

import click

from bootstrap.commands import catalog, dead_letters, demo, inspect, measure, operate, run, stack
from bootstrap.units import UnknownUnit
from devstack.errors import StackError
from runtime.connections.kafka import ProduceError
from runtime.settings import SettingsError
from schemas.loader import ContractError

# What an operator can do something about; anything else is a bug and keeps its traceback.
MENDABLE = (SettingsError, StackError, ContractError, UnknownUnit, ProduceError, ConnectionError)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="media-gateway", prog_name="mg")
def mg() -> None:
    """Media Gateway: where every film, series and track can be watched."""


for group in (stack, run, operate, catalog, inspect, dead_letters, measure, demo):
    for command in group.COMMANDS:
        mg.add_command(command)


def main() -> None:
    try:
        mg(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except MENDABLE as error:
        click.echo(f"mg: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
