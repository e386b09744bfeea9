"""SIGKILL at random points of a device's life: nothing acknowledged is lost or doubled, and the order is kept."""

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

from sync_client import SyncClient
from sync_laws.watchlist import ordered
from tests.support.sync_service import SyncService

ROOT = Path(__file__).parents[2]


async def survive(folder: Path, kills: int) -> None:
    """Kills a device so often, and then compares: what it acknowledged, what the service has, what it shows."""
    service, path, seed = SyncService(), folder / "tv.db", Random().randrange(10**6)

    async def token() -> str:
        return "u:tv"

    with service.serving() as url:
        arguments = [sys.executable, "-m", "tests.support.sync_device", str(path), url, str(kills), str(seed)]
        device = await asyncio.to_thread(
            subprocess.run, arguments, cwd=ROOT, check=True, capture_output=True, text=True
        )
        lines = device.stdout.splitlines()
        assert lines.count("killed") == kills, [line for line in lines if not line.startswith("done")][:5]
        async with SyncClient(path, "u", "tv", url, token) as client:
            await client.flush()
            await client.pull()
            shown = client.watchlist(), client.watched()
            assert client.status().waiting == client.status().accepted == client.status().rejected == 0

    acknowledged = [line.split()[1:] for line in lines if line.startswith("done")]
    kinds = Counter(kind for _, _, kind in acknowledged)
    figures = (
        f"seed {seed}: {len(acknowledged)} acknowledged, {len(service.log)} in the log, {service.repeated} repeated"
    )
    sys.stdout.write(f"{figures}\n")
    assert len(kinds) == 6, kinds
    assert service.repeated > 0, "no kill came between the service's acceptance and the device's knowing"

    # Nothing lost: each is in the log, or is a progress that a newer one of its title has replaced.
    place = {each["operationId"]: number for number, each in enumerate(service.log)}
    newest_progress = {
        each["titleId"]: number for number, each in enumerate(service.log) if each["op"] == "progress.set"
    }
    last_seen = -1
    for operation_id, title, kind in acknowledged:
        if operation_id not in place:
            assert kind == "progress", f"{kind} of {title} was acknowledged and is lost"
            assert newest_progress.get(title, -1) > last_seen, f"progress of {title} was acknowledged and is lost"
            continue
        # In order.
        assert place[operation_id] > last_seen
        last_seen = place[operation_id]
    stamps = [int(each["hlc"]) for each in service.log]
    assert stamps == sorted(set(stamps))

    # Nothing doubled: what is shown, here and there, is the log read once.
    assert not service.conflicts
    once = SyncService()
    for each in service.log:
        once.apply("u", "tv", each)
    assert once.items == service.items
    assert once.watching == service.watching
    assert shown == (ordered(once.items), sorted(title for title, found in once.watching.items() if found.watched))
