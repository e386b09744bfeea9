"""`mg rebuild`: a read model anew from the log."""

import click
import msgspec

from bootstrap.rebuilding import rebuild_read_model
from bootstrap.terminal import say
from runtime import interpreter, logging
from runtime import settings as settings_module
from streams.topology import MATERIALIZERS


@click.command()
@click.argument("read_model", type=click.Choice([spec.name for spec in MATERIALIZERS]))
@click.option("--keep-old", is_flag=True, help="Do not drop the version that served until now.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def rebuild(read_model: str, keep_old: bool, as_json: bool) -> None:
    """Fill the next version of READ_MODEL from the log beside the serving one, then switch; readers see no gap."""
    settings = settings_module.load()
    logging.configure("warning", settings.log_format)
    interpreter.tune()
    done = rebuild_read_model(read_model, settings, say, keep_old=keep_old)
    if as_json:
        click.echo(msgspec.json.encode(done).decode())
