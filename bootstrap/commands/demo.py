"""`mg demo`: the whole thing on real films, from nothing."""

import asyncio
import time
from pathlib import Path
from typing import Any

import click
import httpx

from bootstrap import lag, outcomes
from bootstrap.catalog_files import RawItem
from bootstrap.commands.catalog import provider_named, send, show
from bootstrap.commands.demo_people import show_people
from bootstrap.commands.up import start_detached, stop_everything
from bootstrap.importing import Importer, Native
from bootstrap.serving_addresses import base_url
from bootstrap.supervisor import running_supervisor
from bootstrap.terminal import say, table
from devstack import assets
from devstack.stack import Stack
from runtime import settings as settings_module
from runtime.settings import Settings
from streams.topology import MATERIALIZERS

_SEARCHES: tuple[dict[str, Any], ...] = (
    {"q": "The Matrix"},
    {"q": "star wa"},
    {"q": "amelie"},
    {"q": "films by hitchcock about suspense"},
    {"q": "space adventure with robots", "yearFrom": 1970, "yearTo": 1989},
    {"q": "romantic comedy in paris", "genre": "romance"},
)
# What a streaming service would post when a film arrives there; the point is the path it takes, not the fact.
_ARRIVAL = {
    "show_id": "demo-1",
    "type": "Movie",
    "title": "Casablanca",
    "director": "Michael Curtiz",
    "cast": "Humphrey Bogart, Ingrid Bergman, Paul Henreid",
    "country": "United States",
    "date_added": "2026-01-01",
    "release_year": "1942",
    "rating": "PG",
    "duration": "102 min",
    "listed_in": "Classic Movies, Dramas, Romantic Movies",
    "description": "A cafe owner in wartime Morocco meets the woman who left him in Paris.",
}


@click.command()
@click.option("--keep", is_flag=True, help="Leave the system running afterwards.")
def demo(keep: bool) -> None:
    """Start everything, push two real catalogs through signed webhooks, let people watch, and show what came of it."""
    started = time.monotonic()
    home = settings_module.home_from()
    say("# starting Kafka, PostgreSQL, Valkey, the Qdrant engine and all units")
    Stack(home).up(say)
    assets.ensure_assets(home)
    ours = running_supervisor(home) is None
    if ours:
        start_detached(home, per_unit=False)
    settings = settings_module.load()
    try:
        _import(settings, "wikidata", assets.movies_db(home))
        _import(settings, "movielens", assets.movielens_items(home))
        waited = outcomes.wait_until_done(settings, "embedding the rest")
        click.echo(f"\nall read models complete {waited:.1f} s later")
        with httpx.Client(base_url=base_url(settings, "discovery"), timeout=10.0) as client:
            _show_merged(settings, client)
            _show_searches(client)
            _show_arrival(settings, client)
        show_people(settings, home)
        _show_freshness(settings)
    finally:
        if ours and not keep:
            stop_everything(home)
    click.echo(f"\ndemo done in {time.monotonic() - started:.0f} s; `make up` starts the system to play with")


def _import(settings: Settings, provider: str, path: Path) -> None:
    click.echo(f"\n# {provider}: {path.name}")
    known = provider_named(settings, provider)
    source = Native(provider, (path,))
    total = source.count()
    before = outcomes.totals(settings)
    started = time.monotonic()
    result = send(settings, known, source, total, None)
    outcomes.wait_until_done(
        settings, "resolving", ("normalization", "entity_resolution", "title_catalog", "availability")
    )
    seconds = time.monotonic() - started
    after = outcomes.totals(settings)
    report: dict[str, object] = {
        "titlesCreated": after.created - before.created,
        "itemsLinked": after.linked - before.linked,
        "titlesMerged": after.merged - before.merged,
        "deadLettered": after.dead_lettered - before.dead_lettered,
    }
    show(report, result, waited=True)
    click.echo(
        f"visible in title_catalog after {seconds:.1f} s ({result.accepted / seconds:.0f} items/s through everything)"
    )


def _show_merged(settings: Settings, client: httpx.Client) -> None:
    click.echo("\n# what was merged: one title, several providers' items")
    rows = []
    for title_id in outcomes.merged_examples(settings, 6):
        title = client.get(f"/v1/titles/{title_id}").raise_for_status().json()
        sources = ", ".join(f"{source['provider']}:{source['nativeId']}" for source in title["sources"])
        rows.append((title["name"], str(title.get("year", "")), sources, title_id))
    table(("title", "year", "items", "id"), rows)


def _show_searches(client: httpx.Client) -> None:
    for query in _SEARCHES:
        began = time.perf_counter()
        answer = client.get("/v1/search", params={**query, "limit": 5}).raise_for_status().json()
        spent = (time.perf_counter() - began) * 1000
        filters = ", ".join(f"{name}={value}" for name, value in query.items() if name != "q")
        click.echo(f"\n# search “{query['q']}” {filters}: {answer['total']} found, {spent:.0f} ms")
        rows = [
            (item["name"], str(item.get("year") or ""), ", ".join(item.get("genres", [])[:3]))
            for item in answer["items"]
        ]
        table(("title", "year", "genres"), rows)


def _show_arrival(settings: Settings, client: httpx.Client) -> None:
    click.echo("\n# Netflix posts that a film arrived; how long until it shows?")
    ingestion = base_url(settings, "ingestion")
    importer = Importer(ingestion, provider_named(settings, "netflix"), lambda _: None)
    item = RawItem(native_id=str(_ARRIVAL["show_id"]), body=dict(_ARRIVAL))
    asyncio.run(importer.run([item], None))
    accepted = time.monotonic()
    while time.monotonic() - accepted < 30:
        answer = client.get("/v1/search", params={"q": "Casablanca", "provider": "netflix", "region": "US"})
        found = answer.raise_for_status().json()["items"]
        if found:
            break
        time.sleep(0.02)
    else:
        raise click.ClickException("it did not show within 30 s; see `mg lag` and `mg dlq list`")
    click.echo(f"found by search with provider=netflix after {(time.monotonic() - accepted) * 1000:.0f} ms")
    title_id = found[0]["titleId"]
    offers = client.get(f"/v1/titles/{title_id}/availability", params={"region": "US"}).raise_for_status().json()
    rows = [(found[0]["name"], o["provider"], o["type"], o.get("link") or "") for o in offers["offers"]]
    table(("title", "where", "how", "link"), rows)


def _show_freshness(settings: Settings) -> None:
    click.echo("\n# how fresh the read models are")
    rows = [
        (one.consumer, one.topic, str(one.events), f"{one.seconds:.1f} s")
        for one in lag.consumers(settings)
        if one.consumer in {spec.name for spec in MATERIALIZERS}
    ]
    table(("read model", "topic", "behind", "oldest waiting"), rows)
