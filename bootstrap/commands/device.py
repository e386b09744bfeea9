"""`mg device`: one device of one person, in the terminal."""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import click

from bootstrap.device_shell import Misunderstood, Shell
from devstack.tokens import signer_of
from runtime import settings as settings_module
from runtime.http.identity import usable_id
from runtime.settings import Ports, SettingsError
from sync_client import DeviceCommand, SyncClient

_TOKEN_SECONDS = 3600
_LAST_SECONDS = 5.0
"""What is left may still go out when the commands end."""


@click.command()
@click.option("--user", required=True, help="Whose device.")
@click.option("--name", required=True, help="The device's id; its file is $MG_HOME/devices/USER/NAME.db.")
@click.option("--url", help="Sync service (default: the local one).")
@click.option("--offline", is_flag=True, help="Begin without syncing.")
def device(user: str, name: str, url: str | None, offline: bool) -> None:
    """A device to try things on: reads commands, one a line, from the terminal or a pipe; `help` lists them.

    \b
    mg device --user ann --name tv
    printf 'add t-1\\nwait\\nshow\\n' | mg device --user ann --name phone
    """
    for option, value in (("--user", user), ("--name", name)):
        if not usable_id(value):
            raise click.BadParameter("must be 1 to 128 printable characters without / and :", param_hint=option)
    home = settings_module.home_from()
    path = home / "devices" / quote(user, safe="@") / f"{quote(name, safe='')}.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    failures = asyncio.run(_use(home, path, user, name, url or _local_url(), offline))
    if failures and not sys.stdin.isatty():
        raise SystemExit(1)


async def _use(home: Path, path: Path, user: str, name: str, url: str, offline: bool) -> int:
    """How many commands did not work."""

    async def token() -> str:
        return signer_of(home, settings_module.load_identity()).sign(user, name, seconds=_TOKEN_SECONDS)

    shells: list[Shell] = []

    def changed() -> None:
        for shell in shells:
            shell.changed()

    def told(command: DeviceCommand) -> None:
        for shell in shells:
            shell.told(command)

    async with SyncClient(path, user, name, url, token, on_change=changed, on_command=told) as client:
        shell = Shell(client, click.echo)
        shells.append(shell)
        if not offline:
            await shell.execute("online")
        try:
            async for line in _lines(f"{name}> "):
                await shell.execute(line)
                if shell.quitting:
                    break
            if shell.online and client.status().waiting:
                with contextlib.suppress(Misunderstood):
                    await shell.wait(_LAST_SECONDS)
        finally:
            await shell.go_offline()
        waiting = client.status().waiting
        if waiting:
            click.echo(f"{waiting} operations stay queued until {name} is online again", err=True)
        return shell.failures


async def _lines(prompt: str) -> AsyncIterator[str]:
    """Of standard input, whatever that is. Read in a thread of its own, so that the live channel goes on meanwhile and
    nobody has to press Enter to leave."""
    loop, found = asyncio.get_running_loop(), asyncio.Queue[str | None]()

    def read() -> None:
        rest = b""
        # os.read, since a thread that sits in sys.stdin would hold up the interpreter's end.
        while chunk := os.read(sys.stdin.fileno(), 65_536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                loop.call_soon_threadsafe(found.put_nowait, line.decode(errors="replace"))
        if rest:
            loop.call_soon_threadsafe(found.put_nowait, rest.decode(errors="replace"))
        loop.call_soon_threadsafe(found.put_nowait, None)

    threading.Thread(target=read, daemon=True, name="stdin").start()
    while True:
        if sys.stdin.isatty():
            click.echo(prompt, nl=False, err=True)
        line = await found.get()
        if line is None:
            return
        yield line


def _local_url() -> str:
    """Not by way of `bootstrap.units`, which loads every service: a device should be there at once."""
    try:
        ports = settings_module.load().ports
    except SettingsError:  # no stack: a device works offline all the same
        ports = Ports()
    return f"http://127.0.0.1:{ports.sync}"
