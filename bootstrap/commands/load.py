"""`mg load`: the whole system under mixed traffic; figures with bars, exit code 0 only when every bar holds."""

import math
from pathlib import Path

import click

from bootstrap.terminal import say
from proofs import figures
from proofs.benchmarks import page
from proofs.load import evening, overload, picture
from runtime import settings as settings_module

PROFILES = ("evening", "overload")


@click.command()
@click.option(
    "--profile", default="evening", show_default=True, type=click.Choice(PROFILES), help="Usual rates, or too much."
)
@click.option("--minutes", default=30.0, show_default=True, type=click.FloatRange(0, min_open=True), help="Of evening.")
@click.option("--seed", default=7, show_default=True, help="Chooses what is sent when.")
@click.option("--record", metavar="FILE", type=click.Path(path_type=Path), help="Put it into docs/performance.json.")
@click.option(
    "--picture", "image", metavar="FILE", type=click.Path(path_type=Path), help="Draw the minutes of an evening."
)
@click.option("--json", "as_json", is_flag=True, help="A list of {name, value, unit, bar, holds, samples}.")
def load(profile: str, minutes: float, seed: int, record: Path | None, image: Path | None, as_json: bool) -> None:
    """Catalog changes, playback, edits and queries at once, on a system of its own."""
    if not math.isfinite(minutes):
        raise click.BadParameter("not a number of minutes", param_hint="--minutes")
    home = settings_module.home_from()
    command = f"mg load --profile {profile}"
    if profile == "evening":
        if image is not None:
            picture.require()
        ran = evening.run(home, minutes, seed, say)
        found, command = ran.figures, f"{command} --minutes {minutes:g}"
        if image is not None:
            picture.draw(ran.minutes, image)
    elif image is not None:
        raise click.BadParameter("there is one of an evening only", param_hint="--picture")
    else:
        found = overload.run(home, seed, say)
    if record is not None:
        page.add(record, f"load-{profile}", found, command)
    raise SystemExit(figures.report(found, as_json=as_json, title=command))
