import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from bootstrap.commands.device import device
from bootstrap.device_shell import Shell, clock_of
from sync_client import DeviceCommand, SyncClient
from tests.support.sync_service import SyncService


@pytest.fixture
def service() -> SyncService:
    return SyncService()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
async def shell(tmp_path: Path, service: SyncService, said: list[str]) -> AsyncIterator[Shell]:
    async def token() -> str:
        return "ann:tv"

    # Nobody listens at the port: the live channel stays closed, requests go to the service in memory.
    async with SyncClient(
        tmp_path / "tv.db", "ann", "tv", "http://127.0.0.1:9", token, transport=httpx.MockTransport(service.handle)
    ) as client:
        found = Shell(client, said.append)
        yield found
        await found.go_offline()


async def test_commands_do_what_they_say(shell: Shell, said: list[str]) -> None:
    for line in (
        "add a", "add b", 'add "c d" 1', "move b 1", "remove a", "watch film 1:30 2:00:00", "watch other 45",
        "watched old", "unwatched older", "prefer subtitles.language de", "prefer volume 7", "  # a remark", "", "SHOW",
    ):  # fmt: skip
        await shell.execute(line)
    assert said == [
        "watchlist: 1 b, 2 c d",
        "continue: other at 0:45, film at 1:30 of 2:00:00",
        "watched: old",
        'prefers: subtitles.language = "de"',
        "prefers: volume = 7",
        "offline; 11 to send, 0 sent and not seen yet",
    ]
    assert shell.failures == 0


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("dance", "! no command 'dance'; `help` lists them"),
        ("move a", "! use: move TITLE PLACE to number PLACE"),
        ("move a 1", "! 'a' is not on the watchlist"),
        ("add a 0", "! '0' is no place: 1 is the first"),
        ("add a x", "! 'x' is no place: 1 is the first"),
        ("watch film soon", "! 'soon' is no time: seconds, m:ss or h:mm:ss"),
        ("watch film 10 5", "! cannot be queued: the position is beyond the title's 5000 ms"),
        ("watch film -5", "! '-5' is no time: seconds, m:ss or h:mm:ss"),
        ('add "a', "! No closing quotation"),
        ("wait", "! offline; `online` first"),
        ("prefer , 1", "! cannot be queued"),
    ],
)
async def test_what_does_not_work_says_why(shell: Shell, said: list[str], line: str, answer: str) -> None:
    await shell.execute(line)
    assert len(said) == 1
    assert said[0].startswith(answer)
    assert shell.failures == 1


async def test_online_sends_and_shows_what_others_do(shell: Shell, service: SyncService, said: list[str]) -> None:
    await shell.execute("add mine")
    await shell.execute("online")
    await shell.execute("wait")
    assert [each["titleId"] for each in service.log] == ["mine"]
    await shell.execute("offline")
    service.from_elsewhere("ann", "watchlist.add", titleId="theirs", rank="a5")
    await shell.execute("sync")
    assert said[-1] == "sent 0; up to date"
    await shell.execute("show")
    assert "watchlist: 1 mine, 2 theirs" in said


async def test_refused_credentials_end_syncing_and_say_so(shell: Shell, service: SyncService, said: list[str]) -> None:
    service.accepted_tokens = set()
    await shell.execute("add mine")
    await shell.execute("online")
    async with asyncio.timeout(60):
        while shell.online:  # noqa: ASYNC110 - it ends by itself
            await asyncio.sleep(0.01)
    assert said[0].startswith("! offline: the service does not accept the token")


async def test_rejections_show_and_can_be_dismissed(shell: Shell, service: SyncService, said: list[str]) -> None:
    service.refuse = lambda _: "is bad"
    await shell.execute("add mine")
    await shell.execute("sync")
    await shell.execute("show")
    await shell.execute("dismiss")
    await shell.execute("show")
    assert [line for line in said if "reject" in line] == [
        "sent 0, 1 rejected; up to date", "rejected: mine (invalid-content: is bad)",
    ]  # fmt: skip


def test_what_another_device_asks_is_told(tmp_path: Path, said: list[str]) -> None:
    async def token() -> str:
        return ""

    client = SyncClient(tmp_path / "x.db", "ann", "tv", "http://127.0.0.1:9", token)
    shell = Shell(client, said.append)
    asked = DeviceCommand("c", "phone", "tv", "load", "2999-01-01T00:00:00Z", 1, "film", 65_000)
    shell.told(asked)
    shell.told(DeviceCommand("c", "phone", "tv", "pause", "2999-01-01T00:00:00Z", 1))
    asyncio.run(client.close())
    assert said == ["~ phone asks: load film 1:05", "~ phone asks: pause"]


@pytest.mark.parametrize(("milliseconds", "text"), [(0, "0:00"), (59_999, "0:59"), (3_600_000, "1:00:00")])
def test_times_for_people(milliseconds: int, text: str) -> None:
    assert clock_of(milliseconds) == text


def test_a_name_that_no_device_may_have_is_wrong_usage() -> None:
    found = CliRunner().invoke(device, ["--user", "ann", "--name", "a/b"])
    assert found.exit_code == 2
    assert "printable characters without / and :" in found.output
