"""`mg catalog import`: a provider's native file, through the front door."""

import asyncio
import json
from collections import Counter
from pathlib import Path

import click
import yaml
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bootstrap import outcomes
from bootstrap.catalog_files import CatalogFileError
from bootstrap.importing import CatalogSource, Imported, Importer, Native
from bootstrap.mappings import guessing
from bootstrap.mappings.mapped_catalog import MappedCatalog
from bootstrap.mappings.notation import MappingError
from bootstrap.serving_addresses import base_url
from devstack.errors import StackError
from devstack.providers import add_provider
from runtime import settings as settings_module
from runtime.settings import ProviderSettings, Settings

_SHOWN_REASONS = 5
_OWN = "providers.json"


@click.group()
def catalog() -> None:
    """Providers' catalogs."""


@catalog.command(name="import")
@click.option("--provider", required=True, help="A configured provider, such as wikidata.")
@click.option("--rate", type=click.FloatRange(min=0.1), help="Items a second (default: as fast as it goes).")
@click.option("--wait", is_flag=True, help="Until the items are in every read model.")
@click.option("--url", help="Ingestion service (default: the local one).")
@click.option(
    "--mapping",
    type=click.Path(path_type=Path),
    help="YAML that says which column is what (docs/mappings.md); makes a provider of any file.",
)
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def import_files(
    provider: str,
    rate: float | None,
    wait: bool,
    url: str | None,
    mapping: Path | None,
    as_json: bool,
    files: tuple[Path, ...],
) -> None:
    """Send FILES as PROVIDER would: signed webhooks, in batches of 500."""
    settings = settings_module.load()
    try:
        source = _mapped(provider, mapping, files) if mapping else Native(provider, files)
        total = source.count()
        settings = _with_secret(settings, provider) if mapping else settings
    except (CatalogFileError, MappingError, StackError) as error:
        raise click.ClickException(str(error)) from None
    known = provider_named(settings, provider)
    before = outcomes.totals(settings)
    result = send(settings, known, source, total, rate, url)
    if isinstance(source, MappedCatalog):
        result.rejected += source.refused
    if wait:
        outcomes.wait_until_done(settings, "waiting for the read models")
    after = outcomes.totals(settings)
    report = {
        "provider": provider,
        "sent": result.sent,
        "accepted": result.accepted,
        "rejected": len(result.rejected),
        "seconds": round(result.seconds, 2),
        "titlesCreated": after.created - before.created,
        "itemsLinked": after.linked - before.linked,
        "titlesMerged": after.merged - before.merged,
        "deadLettered": after.dead_lettered - before.dead_lettered,
    }
    if as_json:
        click.echo(json.dumps(report | {"rejections": result.rejected, "deliveries": result.deliveries}))
    else:
        show(report, result, wait)
    if result.rejected:
        raise SystemExit(1)


@catalog.command()
@click.argument("data", type=click.Path(path_type=Path))
def guess(data: Path) -> None:
    """Draft the mapping (YAML) of a file nobody has described, by its header and values."""
    try:
        mapping, unused = guessing.guess(data)
    except MappingError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"# A draft for {data.name}: read it, correct it, then")
    click.echo("#   mg catalog import --provider NAME --mapping FILE.yaml DATA")
    click.echo(yaml.safe_dump(mapping, sort_keys=False, allow_unicode=True, width=120), nl=False)
    if unused:
        click.echo(yaml.safe_dump({"ignore": unused}, allow_unicode=True, width=120), nl=False)


def _mapped(provider: str, mapping: Path, files: tuple[Path, ...]) -> MappedCatalog:
    """Says on stderr what the mapping says nothing about. Raises MappingError."""
    source = MappedCatalog.open(provider, mapping, files)
    for file, columns in source.unknown.items():
        names = ", ".join(columns)
        click.echo(f"{file}: columns the mapping says nothing about: {names}", err=True)
    return source


def _with_secret(settings: Settings, provider: str) -> Settings:
    """A provider that this machine's own file does not know is added to it; ingestion reads the file again."""
    if any(one.name == provider for one in settings.providers) or settings.providers_file != settings.home / _OWN:
        return settings
    add_provider(settings.home, provider)
    return settings_module.load()


def provider_named(settings: Settings, name: str) -> ProviderSettings:
    for provider in settings.providers:
        if provider.name == name:
            return provider
    names = ", ".join(provider.name for provider in settings.providers) or "none"
    raise click.ClickException(
        f"no provider {name!r} is configured (there are: {names}); see MG_PROVIDERS in README.md"
    )


def send(
    settings: Settings,
    provider: ProviderSettings,
    source: CatalogSource,
    total: int,
    rate: float | None,
    url: str | None = None,
) -> Imported:
    """With a progress bar on stderr."""
    base = (url or base_url(settings, "ingestion")).rstrip("/")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[speed]}"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task(provider.name, total=total, speed="")

        def advance(count: int) -> None:
            progress.advance(task, count)
            speed = progress.tasks[task].speed
            progress.update(task, speed=f"{speed:.0f} items/s" if speed else "")

        return asyncio.run(Importer(base, provider, advance).run(source.items(), rate))


def show(report: dict[str, object], result: Imported, waited: bool) -> None:
    rate = result.accepted / max(result.seconds, 0.001)
    click.echo(f"accepted {result.accepted} of {result.sent} items in {result.seconds:.1f} s ({rate:.0f} items/s)")
    if result.rejected:
        click.echo(f"rejected {len(result.rejected)}:")
        reasons = Counter(reason for _, reason in result.rejected)
        for reason, count in reasons.most_common(_SHOWN_REASONS):
            example = next(native for native, why in result.rejected if why == reason)
            click.echo(f"  {count} × {reason} (for example item {example})")
    so_far = "" if waited else " so far (--wait waits for the rest)"
    click.echo(
        f"titles created {report['titlesCreated']}, items linked to known titles {report['itemsLinked']}, "
        f"titles merged {report['titlesMerged']}, dead letters {report['deadLettered']}{so_far}"
    )
