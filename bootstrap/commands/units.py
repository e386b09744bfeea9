"""`mg units`: what there is to run."""

import json

import click
import msgspec

from bootstrap import units
from bootstrap.terminal import table


@click.command(name="units")
@click.option("--mermaid", is_flag=True, help="Draw the flow.")
@click.option("--markdown", is_flag=True, help="The table of the README.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def list_units(mermaid: bool, markdown: bool, as_json: bool) -> None:
    """Every unit with its topics and stores."""
    if mermaid:
        click.echo(units.mermaid(), nl=False)
    elif markdown:
        click.echo(units.markdown(), nl=False)
    elif as_json:
        click.echo(json.dumps([msgspec.to_builtins(row) for row in units.table()]))
    else:
        table(
            ("unit", "reads", "writes", "stores", ""),
            [(r.unit, "\n".join(r.reads), "\n".join(r.writes), r.stores, r.description) for r in units.table()],
        )
