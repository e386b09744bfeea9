"""GET …/changes over real PostgreSQL: everything first, then what changed, and when to begin again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg

from query_api.user_changes.cursor import MOST_DAYS, Cursor, Mark
from tests.support import user_rows
from tests.support.tokens import bearer

Client = httpx.AsyncClient
Written = psycopg.Connection[Any]
LISTS = ("watchStates", "watchlist", "ratings", "preferences", "devices", "commands", "sessions")


async def get(client: Client, user: str, query: str = "", **headers: str) -> httpx.Response:
    return await client.get(f"/v1/users/{user}/changes{query}", headers={**bearer(user), **headers})


def one_of_each(written: Written, user: str) -> None:
    user_rows.watch_state(written, user, "heat")
    user_rows.watchlist(written, user, "heat")
    user_rows.rating(written, user, "heat")
    user_rows.preference(written, user, "audio")
    user_rows.device(written, user, "tv")
    user_rows.command(written, user, "now", datetime.now(UTC) + timedelta(minutes=5))
    user_rows.command(written, user, "late", datetime.now(UTC) - timedelta(minutes=5))
    user_rows.session(written, user, "s1")


async def test_everything_then_what_changed(client: Client, written: Written) -> None:
    user_rows.moved(written, "watchlist", "watchlist-changes", 1)
    one_of_each(written, "ann")
    first = (await get(client, "ann")).json()
    assert [len(first[name]) for name in LISTS] == [1, 1, 1, 1, 1, 1, 1]
    assert (first["more"], first["commands"][0]["commandId"]) == (False, "now")
    assert first["asOf"]
    assert set(first) == {*LISTS, "cursor", "more", "asOf"}
    user_rows.watchlist(written, "ann", "heat", removed=True)
    then = (await get(client, "ann", f"?since={first['cursor']}")).json()
    assert [len(then[name]) for name in LISTS] == [0, 1, 0, 0, 0, 0, 0]
    assert then["watchlist"][0]["present"] is False
    again = (await get(client, "ann", f"?since={then['cursor']}")).json()
    assert not any(again[name] for name in LISTS)


async def test_pages(client: Client, written: Written) -> None:
    one_of_each(written, "paged")
    seen: list[str] = []
    query = "?limit=2"
    while True:
        page = (await get(client, "paged", query)).json()
        here = [name for name in LISTS for _ in page[name]]
        assert len(here) <= 2
        seen += here
        if not page["more"]:
            break
        query = f"?limit=2&since={page['cursor']}"
    assert sorted(seen) == sorted(LISTS)


async def test_when_to_begin_again(client: Client, written: Written) -> None:
    user_rows.rating(written, "old", "heat")
    now = int(datetime.now(UTC).timestamp())
    for cursor in (
        Cursor(now - MOST_DAYS * 86_400 - 60, {"ratings": Mark(1, 1)}),
        Cursor(now, {"ratings": Mark(1, 2**60)}),
    ):
        answer = await get(client, "old", f"?since={cursor.encode('old')}")
        assert (answer.status_code, answer.json()["type"]) == (410, "/problems/cursor-too-old")
    fresh = Cursor(now - MOST_DAYS * 86_400 + 60, {"ratings": Mark(1, 0)}).encode("old")
    assert len((await get(client, "old", f"?since={fresh}")).json()["ratings"]) == 1


async def test_a_cursor_is_one_person_s(client: Client) -> None:
    cursor = (await get(client, "ann")).json()["cursor"]
    answer = await get(client, "bob", f"?since={cursor}")
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "since")


async def test_positions_of_all_topics_are_waited_for(client: Client, written: Written) -> None:
    for read_model, topic in [("ratings", "ratings"), ("devices", "device-changes")]:
        user_rows.moved(written, read_model, topic, 8)
    after = {"MG-After": "ratings:0:7, device-changes:0:7"}
    assert (await get(client, "ann", **after)).status_code == 200
    after = {"MG-After": "ratings:0:7, device-changes:0:8"}
    assert (await get(client, "ann", **after)).status_code == 503
