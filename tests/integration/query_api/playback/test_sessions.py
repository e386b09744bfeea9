"""Session look-ups of one person."""

from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest

from runtime.http.identity import READ_USERS
from tests.support import user_rows
from tests.support.tokens import bearer
from tests.support.user_rows import AT

Client = httpx.AsyncClient
Written = psycopg.Connection[Any]


def sessions(written: Written, user: str) -> None:
    """Seven, the odd ones ended, in three months."""
    for number in range(7):
        begun = AT - timedelta(days=15 * number)
        ended = {"ended_at": begun + timedelta(hours=1), "reason": "timed_out"} if number % 2 else {}
        user_rows.session(written, user, f"s{number}", started_at=begun, **ended)


async def page(client: Client, user: str, query: str = "") -> dict[str, Any]:
    answer = await client.get(f"/v1/users/{user}/playback/sessions{query}", headers=bearer(user))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(("state", "expected"), [("", "0123456"), ("&state=open", "0246"), ("&state=ended", "135")])
async def test_pages_by_state(client: Client, written: Written, state: str, expected: str) -> None:
    user = f"ann{len(expected)}"
    sessions(written, user)
    sessions(written, "bob")
    for limit in (1, 2, 7, 100):
        found = await page(client, user, f"?limit={limit}{state}")
        seen = found["sessions"]
        while found["nextCursor"]:
            found = await page(client, user, f"?limit={limit}{state}&cursor={found['nextCursor']}")
            seen += found["sessions"]
        assert [each["sessionId"] for each in seen] == [f"s{number}" for number in expected]


async def test_one_session(client: Client, written: Written) -> None:
    sessions(written, "one")
    answer = await client.get("/v1/users/one/playback/sessions/s1", headers=bearer("one"))
    found = answer.json()
    assert (found["reason"], found["startedAt"], found["endedAt"]) == (
        "timed_out",
        "2026-02-14T12:00:00Z",
        "2026-02-14T13:00:00Z",
    )
    assert (found["hlc"], found["watchedMs"], found["titleKnown"], found["title"]) == ("7", 60_000, False, None)
    for path, user in (("one/playback/sessions/s9", "one"), ("two/playback/sessions/s1", "two")):
        answer = await client.get(f"/v1/users/{path}", headers=bearer(user))
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize("path", ["", "/s1"])
async def test_whose_path_it_is(client: Client, written: Written, path: str) -> None:
    sessions(written, "carl")
    url = f"/v1/users/carl/playback/sessions{path}"
    assert (await client.get(url)).status_code == 401
    assert (await client.get(url, headers=bearer("ann"))).status_code == 403
    assert (await client.get(url, headers=bearer("ann", "tv", READ_USERS))).status_code == 200


@pytest.mark.parametrize(
    ("query", "slug"),
    [
        ("?limit=0", "invalid-request"),
        ("?limit=101", "invalid-request"),
        ("?state=paused", "invalid-request"),
        ("?cursor=AAAA", "invalid-cursor"),
        ("?page=1", "unknown-parameter"),
        ("/s1?limit=1", "unknown-parameter"),
    ],
)
async def test_bad_requests(client: Client, query: str, slug: str) -> None:
    answer = await client.get(f"/v1/users/ann/playback/sessions{query}", headers=bearer())
    assert (answer.status_code, answer.json()["type"]) == (400, f"/problems/{slug}")


async def test_a_cursor_belongs_to_its_state(client: Client, written: Written) -> None:
    sessions(written, "cur")
    cursor = (await page(client, "cur", "?limit=1&state=open"))["nextCursor"]
    answer = await client.get(f"/v1/users/cur/playback/sessions?state=ended&cursor={cursor}", headers=bearer("cur"))
    assert answer.json()["type"] == "/problems/invalid-cursor"


@pytest.mark.parametrize(
    ("after", "status"),
    [
        ("playback-sessions:0:4", 200),
        ("playback-sessions:0:5", 503),
        ("ratings:0:99", 200),
        ("playback-events:0:1", 400),
        ("watchlist-changes:0:1", 400),
    ],
)
async def test_read_your_writes(client: Client, written: Written, after: str, status: int) -> None:
    user_rows.moved(written, "playback_history", "playback-sessions", 5)
    answer = await client.get("/v1/users/ann/playback/sessions", headers={**bearer(), "MG-After": after})
    assert answer.status_code == status, answer.text
