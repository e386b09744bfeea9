"""`mg run`: units in this process."""

import click

from bootstrap import flow, host, units
from runtime import settings as settings_module


@click.command()
@click.argument("unit", nargs=-1, required=True)
@click.option(
    "--admin-port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port of /status, /health and /metrics (0: any free one).",
)
def run(unit: tuple[str, ...], admin_port: int) -> None:
    """Run units in this process: processor:NAME, materializer:NAME, service:NAME, or a whole kind."""
    raise SystemExit(host.main(units.select(unit), settings_module.load(), flow.free_port(admin_port)))
