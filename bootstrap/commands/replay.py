"""`mg replay ratings`: what many people did, once more, through the front door."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bootstrap import outcomes
from bootstrap.catalog_files import CatalogFileError
from bootstrap.replaying import Replayed, Replayer, plan, read_ratings
from bootstrap.serving_addresses import base_url
from devstack.tokens import signer_of
from runtime import settings as settings_module
from runtime.http.identity import WRITE_USERS
from runtime.settings import Settings

_REPLAYER = "mg-replay"
_TOKEN_SECONDS = 86_400


@click.group()
def replay() -> None:
    """What people did, once more."""


@replay.command()
@click.option("--speed", type=click.FloatRange(min=0.001), help="Times as fast as it happened (default: all at once).")
@click.option("--provider", default="movielens", show_default=True, help="Whose item ids the file has.")
@click.option("--most", type=click.IntRange(min=1), help="Only the newest so many ratings.")
@click.option("--wait", is_flag=True, help="Until everything is in the read models.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@click.argument("file", type=click.Path(path_type=Path))
def ratings(file: Path, speed: float | None, provider: str, most: int | None, wait: bool, as_json: bool) -> None:
    """Post the ratings in FILE as playback of the people who gave them, moved in time so that the newest is now."""
    settings = settings_module.load()
    result = replay_ratings(settings, file, speed=speed, provider=provider, most=most)
    if wait:
        outcomes.wait_until_done(settings, "waiting for the read models")
    rate = (result.events + result.ratings) / max(result.seconds, 0.001)
    report = {
        "people": len(result.people),
        "events": result.events,
        "ratings": result.ratings,
        "seconds": round(result.seconds, 2),
        "eventsPerSecond": round(rate),
    }
    if as_json:
        click.echo(json.dumps(report))
    else:
        show(result)


def show(result: Replayed) -> None:
    rate = (result.events + result.ratings) / max(result.seconds, 0.001)
    click.echo(
        f"accepted {result.events} playback events and {result.ratings} ratings of {len(result.people)} people "
        f"in {result.seconds:.1f} s ({rate:.0f} events/s)"
    )


def replay_ratings(
    settings: Settings, file: Path, *, speed: float | None, provider: str, most: int | None = None
) -> Replayed:
    """With a progress bar on stderr."""
    try:
        found = read_ratings(file)
    except CatalogFileError as error:
        raise click.ClickException(str(error)) from None
    if most is not None:
        found = sorted(found, key=lambda one: one.at)[-most:]
    acts = plan(found, outcomes.title_ids(settings, provider), datetime.now(UTC))
    signer = signer_of(settings.home, settings_module.load_identity())
    token = signer.sign(_REPLAYER, _REPLAYER, (WRITE_USERS,), seconds=_TOKEN_SECONDS)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[speed]}"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task("replay", total=len(acts), speed="")

        def advance(count: int) -> None:
            progress.advance(task, count)
            pace = progress.tasks[task].speed
            progress.update(task, speed=f"{pace:.0f} events/s" if pace else "")

        return asyncio.run(Replayer(base_url(settings, "playback"), token, advance).run(acts, speed))
