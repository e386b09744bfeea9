"""Offers begin and end while those who tell of it are killed: each is told, in the feed once, to a subscriber at least
once and under one id."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from bootstrap.catalog_files import RawItem
from bootstrap.commands.catalog import provider_named
from bootstrap.importing import Importer
from proofs.system import System, fresh, wait_until
from runtime.settings import home_from
from tests.support.receiver import Receiver, receiving

pytestmark = [pytest.mark.backends, pytest.mark.slow, pytest.mark.timeout(600)]

TITLES = 600
_RATE = 40.0
VICTIMS = ("processor:offer_lifecycle", "materializer:availability_changes", "sender:webhooks")
OTHERS = ("service:ingestion", "service:discovery", "processor:normalization", "processor:entity_resolution")


@pytest.fixture(scope="module")
def system(run_folder: Path) -> Iterator[System]:
    with fresh(run_folder / "offers", home_from(), only=(*OTHERS, *VICTIMS)) as running:
        yield running


@contextmanager
def listening() -> Iterator[Receiver]:
    """A subscriber in a thread of its own."""
    started, stop = threading.Event(), threading.Event()
    found: list[Receiver] = []

    async def serve() -> None:
        async with receiving() as receiver:
            found.append(receiver)
            started.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield found[0]
    finally:
        stop.set()
        thread.join(10)


def show(number: int) -> RawItem:
    body: dict[str, Any] = {
        "show_id": f"s{number}",
        "type": "Movie",
        "title": f"Invention number {number} of many",
        "release_year": str(1960 + number % 60),
        "duration": "97 min",
        "listed_in": "Dramas",
        "country": "Norway",
        "date_added": "2024-05-01",
    }
    return RawItem(f"s{number}", body)


def changes(system: System) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 1000}
    with httpx.Client(base_url=system.url("discovery"), timeout=10) as client:
        while True:
            page = client.get("/v1/availability/changes", params=query).json()
            found += page["changes"]
            if not page["more"]:
                return found
            query["since"] = page["cursor"]


def test_sigkill_of_whoever_tells_of_offers(system: System) -> None:
    with listening() as receiver:
        system.mg("webhooks", "add", "acme", receiver.url, "--private")
        wait_until(lambda: '"acme"' in system.mg("webhooks", "list", "--json"), 30, "the subscriber")
        time.sleep(2)  # until the sender has read the file and the subscriber stands at the end of the feed
        provider = provider_named(system.settings, "netflix")
        importer = Importer(system.url("ingestion"), provider, lambda _: None)
        killing = threading.Thread(target=kill_one_after_another, args=(system,))
        killing.start()
        sent = asyncio.run(importer.run([show(number) for number in range(TITLES)], _RATE))
        killing.join(120)
        assert sent.accepted == TITLES
        wait_until(lambda: len(changes(system)) >= TITLES, 120, "the feed")
        wait_until(lambda: len(set(receiver.ids)) >= TITLES, 120, "the subscriber to hear of all")
        time.sleep(3)  # what would come twice
        told = changes(system)
        assert {each["change"] for each in told} == {"started"}
        assert len(told) == len({each["titleId"] for each in told}) == TITLES
        assert set(receiver.ids) == {each["eventId"] for each in told}
        bodies = {body for _, body in receiver.got}
        assert len(bodies) == TITLES, "a message that is repeated says the same"
        assert msgspec.json.decode(receiver.got[0][1])["type"] == "availability.started"


def kill_one_after_another(system: System) -> None:
    for _ in range(2):
        for unit in VICTIMS:
            time.sleep(1.5)
            system.kill_unit(unit)
            wait_until(partial(is_back, system, unit), 60, f"{unit} to come back")


def is_back(system: System, unit: str) -> bool:
    return unit in system.processes()
