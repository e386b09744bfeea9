"""A device that is killed again and again: `python -m tests.support.sync_device FILE URL KILLS SEED`.

One process loads the code; each life is a fork of it that uses the file, tells on stdout what was acknowledged to it
(`done OPERATION_ID TITLE KIND`), and gets SIGKILL at a random point, which may be while it opens the file, commits,
sends, or takes in an answer.
"""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from random import Random

import httpx

from sync_client import SyncClient

MOST_STEPS = 16
MOST_SECONDS_AFTER = 0.02


def tell(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def transport() -> httpx.AsyncHTTPTransport:
    """Without certificates, which take longer to read than such a life lasts."""
    return httpx.AsyncHTTPTransport(verify=False)


async def live(path: Path, url: str, random: Random, steps: int) -> None:
    """Writes a byte to `steps` after each step."""

    async def token() -> str:
        return "u:tv"

    async with SyncClient(path, "u", "tv", url, token, transport=transport()) as client:
        syncing = asyncio.create_task(sync_always(client, steps))
        while not syncing.done():
            act(client, random)
            os.write(steps, b".")
            await asyncio.sleep(random.choice([0, 0, 0.001, 0.005]))
        await syncing


async def sync_always(client: SyncClient, steps: int) -> None:
    while True:
        await client.flush()
        os.write(steps, b".")
        await client.pull()
        os.write(steps, b".")
        await asyncio.sleep(0.001)


def act(client: SyncClient, random: Random) -> None:
    title, listed = f"t{random.randrange(8)}", client.watchlist()
    match random.randrange(7):
        case 0 | 1:
            operation, kind = client.add(title, random.choice([None, 0, 3])), "add"
        case 2 if listed:
            title = random.choice(listed)
            operation, kind = client.remove(title), "remove"
        case 3 if listed:
            title = random.choice(listed)
            operation, kind = client.move(title, random.randrange(len(listed))), "move"
        case 4:
            operation, kind = client.mark_watched(title), "mark"
        case 5:
            operation, kind = client.mark_unwatched(title), "unmark"
        case _:
            operation, kind = client.set_progress(title, random.randrange(100), 100), "progress"
    tell(f"done {operation} {title} {kind}")


async def warm_up(url: str) -> None:
    """Loads what is loaded with the first request, so that no life has to."""
    async with httpx.AsyncClient(transport=transport()) as client:
        await client.get(f"{url}/v1/users/u/changes", headers={"Authorization": "Bearer u:tv"})


def main(path: Path, url: str, kills: int, seed: int) -> None:
    asyncio.run(warm_up(url))
    for life in range(kills):
        random = Random(seed + life)
        watching, steps = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                asyncio.run(live(path, url, random, steps))
            except BaseException as error:  # noqa: BLE001 - told to the parent
                tell(f"failed in life {life}: {type(error).__name__}: {error}")
            finally:
                os._exit(3)
        os.close(steps)
        # By what it has done and then by time, so that lives are as full on a slow machine.
        for _ in range(random.randrange(MOST_STEPS)):
            os.read(watching, 1)
        time.sleep(random.uniform(0, MOST_SECONDS_AFTER))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        os.close(watching)
        tell("killed" if os.WIFSIGNALED(status) else "ended by itself")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
