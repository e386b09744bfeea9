"""`mg pull`: a provider that has to be asked."""

import asyncio
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import click
import httpx

from bootstrap.catalog_files import RawItem
from bootstrap.commands.catalog import provider_named
from bootstrap.importing import Imported, Importer
from bootstrap.pulling.aggregator import StreamingAvailability
from bootstrap.pulling.bookmarks import Bookmarks, LeadershipLost
from bootstrap.pulling.configuration import PullConfiguration, read
from bootstrap.pulling.fetching import Fetcher
from bootstrap.pulling.puller import Puller, Round
from bootstrap.serving_addresses import base_url
from bootstrap.terminal import say
from runtime import settings as settings_module
from runtime.backoff import Backoff
from runtime.clock import SystemClock
from runtime.connections import postgres
from runtime.http import serving
from runtime.http.admin import build_admin
from runtime.http.serving import Listener
from runtime.settings import Secret, Settings

_SHOWN = 5


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--once", is_flag=True, help="One round, for a scheduler; exit code 1 when a stream had trouble.")
@click.option("--url", help="Ingestion service (default: the local one).")
@click.option("--admin-port", type=int, metavar="PORT", help="Serve health and metrics there.")
def pull(file: Path, once: bool, url: str | None, admin_port: int | None) -> None:
    """Ask a provider for its changes, as FILE (YAML) says, and send them on; see docs/providers.md."""
    settings = settings_module.load()
    configuration, keys = read(file)
    importer = Importer(
        (url or base_url(settings, "ingestion")).rstrip("/"),
        provider_named(settings, configuration.provider),
        lambda _: None,
    )
    if once:
        try:
            found = asyncio.run(_pull(settings, configuration, keys, importer, once=True))
        except (postgres.Error, LeadershipLost) as error:
            raise click.ClickException(_line(error)) from None
        raise SystemExit(1 if found.troubles else 0)
    asyncio.run(_for_ever(settings, configuration, keys, importer, admin_port))


async def _for_ever(
    settings: Settings,
    configuration: PullConfiguration,
    keys: tuple[Secret, ...],
    importer: Importer,
    admin_port: int | None,
) -> None:
    """A database that is away, or a lock that was lost, is waited for: then this process stands by again."""
    if admin_port is not None:
        await serving.start([Listener(build_admin(list), admin_port, settings.listen_host)])
    backoff = Backoff(first=1.0, most=30.0)
    while True:
        try:
            await _pull(settings, configuration, keys, importer, once=False)
        except (postgres.Error, LeadershipLost) as error:
            say(_line(error))
            await asyncio.sleep(backoff.next_delay())


async def _pull(
    settings: Settings,
    configuration: PullConfiguration,
    keys: tuple[Secret, ...],
    importer: Importer,
    *,
    once: bool,
) -> Round:
    provider = configuration.provider
    bookmarks = await asyncio.to_thread(Bookmarks, settings.postgres_dsn, provider)
    async with httpx.AsyncClient(base_url=configuration.url) as client:
        with closing(bookmarks):

            async def deliver(items: Sequence[RawItem]) -> Imported:
                return await importer.run(items, None)

            puller = Puller(
                provider,
                StreamingAvailability(configuration.countries),
                Fetcher(client, provider, configuration.header, keys, per_minute=configuration.per_minute).get,
                bookmarks,
                deliver,
                SystemClock(),
            )
            await puller.lead(say)
            while True:
                found = await puller.round()
                _show(found)
                if once:
                    return found
                await asyncio.sleep(60 * configuration.every_minutes)


def _show(found: Round) -> None:
    say(f"{found.pages} pages, {found.items} items accepted, {len(found.rejected)} rejected")
    for native_id, reason in found.rejected[:_SHOWN]:
        say(f"  rejected {native_id}: {reason}")
    for trouble in found.troubles:
        say(f"  {trouble}")


def _line(error: Exception) -> str:
    if isinstance(error, LeadershipLost):
        return str(error)
    return f"PostgreSQL: {' '.join(str(error).split())}"
