"""Who may follow, until when, and what they may say."""

import json
import time
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.support.live_channel import Writer, following
from tests.support.tokens import token

TOLD = ("changes", "command")


async def refused(address: str, user: str, given: str, query: str = "") -> tuple[int, dict[str, Any]]:
    """Status and problem of a handshake that is refused."""
    with pytest.raises(InvalidStatus) as caught:
        async with following(address, user, given=given, since=query):
            pass
    answer = caught.value.response
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, json.loads(answer.body or b"")


async def test_the_token_decides_before_the_handshake(address: str, user: str) -> None:
    stale = token(user, exp=int(time.time()) - 3600)
    for given, path, status, slug in (
        ("", user, 401, "unauthenticated"),
        ("nonsense", user, 401, "unauthenticated"),
        (stale, user, 401, "unauthenticated"),
        (token("somebody-else"), user, 403, "forbidden"),
    ):
        found, problem = await refused(address, path, given)
        assert (found, problem["type"]) == (status, f"/problems/{slug}")


async def test_a_cursor_must_be_this_users(address: str, user: str) -> None:
    async with following(address, "bob") as client:
        other = (await client.message())["cursor"]
    for cursor in ("nonsense", other, other + "x"):
        status, problem = await refused(address, user, token(user), cursor)
        assert (status, problem["type"]) == (400, "/problems/invalid-cursor")
    status, problem = await refused(address, user, token(user), "x&page=2")
    assert (status, problem["type"]) == (400, "/problems/unknown-parameter")


async def test_it_ends_when_the_token_does(address: str, user: str, writer: Writer) -> None:
    async with following(address, user, given=token(user, exp=int(time.time()) + 2)) as client:
        assert (await client.message())["type"] == "hello"
        assert (await client.message())["type"] == "expired"
        assert await client.closed() == 4401


async def test_another_token_goes_on(address: str, user: str, writer: Writer) -> None:
    soon = int(time.time()) + 3
    async with following(address, user, given=token(user, exp=soon)) as client:
        await client.message("hello")
        await client.socket.send(json.dumps({"type": "auth", "token": token(user)}))
        while time.time() < soon + 3:
            assert (await client.socket.ping()) is not None
            await client.socket.send('{"type":"pong"}')
            writer.watch(user, "still", int(time.time()))
            assert (await client.message())["type"] == "changes"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("not json", 4400),
        ("", 4400),
        ("null", 4400),
        (b"\x00\xff", 4400),
        ('{"type":"subscribe"}', 4400),
        ('{"type":"auth"}', 4400),
        ('{"type":"auth","token":7}', 4400),
        ("[" * 60_000, 4400),
        ('{"type":"auth","token":"x.y.z"}', 4401),
        ("x" * 65_537, 1009),
        ("x" * 1_000_000, 1009),
    ],
    ids=lambda value: str(value)[:30] + f"-{len(value)}" if isinstance(value, str | bytes) else str(value),
)
async def test_garbage_ends_it(address: str, user: str, said: Any, code: int) -> None:
    async with following(address, user) as client:
        await client.message("hello")
        await client.socket.send(said)
        assert await client.closed() == code


@pytest.mark.parametrize("given", [("bob", "tv"), ("", "phone")])
async def test_a_token_of_somebody_else_does_not_go_on(address: str, user: str, given: tuple[str, str]) -> None:
    async with following(address, user) as client:
        await client.message("hello")
        await client.socket.send(json.dumps({"type": "auth", "token": token(given[0] or user, given[1])}))
        assert await client.closed() == 4403


async def test_a_command_is_for_its_target_alone_and_not_after_its_time(
    address: str, writer: Writer, user: str
) -> None:
    async with following(address, user, "tv") as tv, following(address, user, "phone") as phone:
        cursor = (await tv.message("hello"))["cursor"]
        await phone.message("hello")
        writer.command(user, "void", seconds=-1.0)
        writer.command(user, "pause-it")
        found = await tv.message()
        assert (found["type"], found["commandId"], found["command"]) == ("command", "pause-it", "seek")
        writer.watch(user, "after")
        for client in (tv, phone):
            told = await client.message()
            assert (told["type"], told.get("commands")) == ("changes", None)
    async with following(address, user, "tv", since=cursor) as again:
        assert {(await again.message(*TOLD))["type"] for _ in TOLD} == set(TOLD)
    async with following(address, user, "tv", since=tv.cursor) as again:
        writer.watch(user, "later")
        assert (await again.message(*TOLD))["type"] == "changes"  # carried out once: its cursor is past the command


async def test_somebody_who_may_read_gets_changes_but_no_commands(address: str, writer: Writer, user: str) -> None:
    async with following(address, user, given=token("analyst", "tv", "users:read")) as client:
        await client.message("hello")
        writer.command(user, "pause-it")
        writer.watch(user, "heat")
        assert (await client.message())["type"] == "changes"


async def test_the_token_shows_in_no_log(
    address: str, user: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    given = token(user)
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://{address}/v1/users/{user}/live?access_token={given[:-4]}&x=1")
        assert answer.status_code in (400, 401)
        assert given[:-4] not in answer.text
    assert given[:-4] not in "".join(
        record.getMessage() for record in caplog.records if not record.name.startswith(("http", "websockets.client"))
    )
    assert given[:-4] not in "".join(capfd.readouterr())
