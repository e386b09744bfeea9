"""The same channel as Server-Sent Events."""

import time
from typing import Any

import httpx
import pytest

from tests.support.live_channel import Writer, listening
from tests.support.tokens import bearer, token


def titles(message: dict[str, Any] | None) -> list[str]:
    assert message is not None
    return [state["titleId"] for state in message["watchStates"]]


async def test_it_resumes_from_the_last_event_id(address: str, writer: Writer, user: str) -> None:
    async with listening(address, user) as events:
        assert events.answer.status_code == 200
        assert events.answer.headers["content-type"].startswith("text/event-stream")
        hello = await events.message()
        assert hello is not None
        assert hello == {"type": "hello", "cursor": events.last_id}
        writer.watch(user, "one")
        first = await events.message()
        assert titles(first) == ["one"]
        assert first is not None
        assert first["cursor"] == events.last_id
    writer.watch(user, "two")
    async with listening(address, user, last_id=events.last_id, query=f"?since={hello['cursor']}") as again:
        await again.message()
        assert titles(await again.message()) == ["two"]  # not "one": the header goes before the parameter
        writer.watch(user, "three")
        assert titles(await again.message()) == ["three"]


async def test_the_cursor_may_stand_in_the_address_and_so_may_the_token(
    address: str, writer: Writer, user: str
) -> None:
    async with listening(address, user) as events:
        hello = await events.message()
    assert hello is not None
    writer.watch(user, "one")
    async with listening(address, user, query=f"?since={hello['cursor']}&access_token={token(user)}") as events:
        await events.message()
        assert titles(await events.message()) == ["one"]


async def test_it_ends_when_the_token_does(address: str, user: str) -> None:
    async with listening(address, user, given=token(user, exp=int(time.time()) + 2)) as events:
        await events.message()
        assert await events.message() == {"type": "expired"}
        assert await events.message() is None


@pytest.mark.parametrize(
    ("headers", "query", "status", "slug"),
    [
        ({}, "", 401, "unauthenticated"),
        ({"Authorization": "Bearer x.y.z"}, "", 401, "unauthenticated"),
        (bearer("bob"), "", 403, "forbidden"),
        (bearer("ann"), "?since=nonsense", 400, "invalid-cursor"),
        ({**bearer("ann"), "Last-Event-ID": "nonsense"}, "", 400, "invalid-cursor"),
        (bearer("ann"), "?until=x", 400, "unknown-parameter"),
    ],
)
async def test_bad_requests(address: str, headers: dict[str, str], query: str, status: int, slug: str) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://{address}/v1/users/ann/live{query}", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}")
