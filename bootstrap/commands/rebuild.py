"""`mg rebuild`: a read model anew from the log."""

import click

from bootstrap.rebuilding import rebuild_read_model
from bootstrap.terminal import say
from runtime import settings as settings_module
from streams.topology import MATERIALIZERS


@click.command()
@click.argument("read_model", type=click.Choice([spec.name for spec in MATERIALIZERS]))
@click.option("--keep-old", is_flag=True, help="Do not drop the version that served until now.")
def rebuild(read_model: str, keep_old: bool) -> None:
    """Fill the next version of READ_MODEL from the log beside the serving one, then switch; readers see no gap."""
    rebuild_read_model(read_model, settings_module.load(), say, keep_old=keep_old)
