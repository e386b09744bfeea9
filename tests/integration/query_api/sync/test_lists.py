"""Watchlist, progress, history, ratings, preferences and devices of one person, joined with the catalog."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import psycopg
import pytest

from query_api.services.sync import SPEC
from runtime.connections import redis
from runtime.http.app import build_app
from runtime.http.identity import READ_USERS
from runtime.settings import Settings
from schemas.read_models.devices import heartbeat_key
from tests.support import user_rows
from tests.support.tokens import bearer
from tests.support.user_rows import AT
from tests.support.webhooks import serving

Client = httpx.AsyncClient
Written = psycopg.Connection[Any]


async def get(client: Client, user: str, path: str, **more: Any) -> dict[str, Any]:
    answer = await client.get(f"/v1/users/{user}/{path}", headers={**bearer(user), **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def pages(client: Client, user: str, path: str, member: str, limit: int) -> list[list[dict[str, Any]]]:
    found = [await get(client, user, f"{path}?limit={limit}")]
    while found[-1]["nextCursor"]:
        found.append(await get(client, user, f"{path}?limit={limit}&cursor={found[-1]['nextCursor']}"))
    return [page[member] for page in found]


def ids(found: list[list[dict[str, Any]]], name: str = "titleId") -> list[str]:
    return [item[name] for page in found for item in page]


async def test_a_watchlist_is_in_list_order(client: Client, written: Written) -> None:
    for rank, title in [("b", "heat"), ("a", "zorro"), ("a", "ran"), ("aZ", "nobody"), ("B", "twin"), ("c", "gone")]:
        user_rows.watchlist(written, "list", title, rank)
    user_rows.watchlist(written, "list", "away", "a", removed=True)
    user_rows.watchlist(written, "other", "other", "a")
    expected = ["twin", "ran", "zorro", "nobody", "heat", "gone"]
    for limit in (1, 2, 6, 100):
        found = await pages(client, "list", "watchlist", "items", limit)
        assert ids(found) == expected
        assert all(len(page) == limit for page in found[:-1])
    assert (await get(client, "list", "watchlist?limit=1"))["total"] == 6


async def test_watchlist_items_show_their_titles(client: Client, written: Written) -> None:
    for place, title in enumerate(["heat", "twin", "orphan", "gone", "nobody"]):
        user_rows.watchlist(written, "cards", title, f"a{place}")
    heat, twin, orphan, gone, nobody = (await get(client, "cards", "watchlist"))["items"]
    card = {
        "name": "Heat",
        "kind": "movie",
        "year": 1995,
        "seriesName": None,
        "seasonNumber": None,
        "episodeNumber": None,
        "image": "https://images.example/heat.jpg",
    }
    assert (heat["titleKnown"], heat["title"], heat["successorId"]) == (True, card, None)
    assert (twin["titleKnown"], twin["title"], twin["successorId"]) == (True, card, "heat"), "over two mergers"
    assert (orphan["titleKnown"], orphan["title"], orphan["successorId"]) == (True, None, "not-yet")
    assert (gone["titleKnown"], gone["title"], gone["successorId"]) == (True, None, None)
    assert (nobody["titleKnown"], nobody["title"], nobody["successorId"]) == (False, None, None)
    assert heat["rank"] == {"value": "a0", "hlc": str(2**53 + 1), "deviceId": "tv"}
    assert heat["added"] == {"tag-heat": str(2**53 + 1)}


async def test_paging_while_the_list_grows(client: Client, written: Written) -> None:
    """Nobody who stayed where they were is skipped or shown twice."""
    stay = [f"t{place:03}" for place in range(40)]
    for place, title in enumerate(stay):
        user_rows.watchlist(written, "grows", title, f"m{place:03}")

    async def write() -> None:
        for number in range(60):
            rank = f"{'a' if number % 2 else 'z'}{number}" if number % 3 else f"m{number % 40:03}V"
            await asyncio.to_thread(user_rows.watchlist, written, "grows", f"new{number}", rank)

    writing = asyncio.create_task(write())
    found = ids(await pages(client, "grows", "watchlist", "items", 3))
    await writing
    assert [title for title in found if title in stay] == stay
    assert len(found) == len(set(found))


async def test_progress(client: Client, written: Written) -> None:
    user_rows.watch_state(written, "pro", "heat", position_hlc=2**60, watched_hlc=5, watched_device="phone")
    user_rows.watch_state(
        written, "pro", "new", position_ms=None, duration_ms=None, position_hlc=None, position_device=None,
        watched=True, watched_hlc=9, watched_device="phone", finished=True,
    )  # fmt: skip
    found = await get(client, "pro", "progress/heat")
    assert found["position"] == {"positionMs": 60000, "durationMs": 6000000, "hlc": str(2**60), "deviceId": "tv"}
    assert found["watched"] == {"value": False, "hlc": "5", "deviceId": "phone"}
    assert (found["finished"], found["titleKnown"], found["title"]["name"]) == (False, True, "Heat")
    assert found["updatedAt"] == "2026-03-01T12:00:00Z"
    marked = await get(client, "pro", "progress/new")
    assert (marked["position"], marked["finished"], marked["titleKnown"]) == (None, True, False)
    answer = await client.get("/v1/users/pro/progress/ran", headers=bearer("pro"))
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


async def test_progress_of_merged_titles_is_one(client: Client, written: Written) -> None:
    """`twin` became `between`, which became `heat`."""
    user_rows.watch_state(written, "fol", "twin", position_hlc=50, position_ms=300_000)
    for title in ("twin", "between", "heat"):
        found = await get(client, "fol", f"progress/{title}")
        assert (found["titleId"], found["position"]["positionMs"]) == (title, 300_000)
    user_rows.watch_state(written, "fol", "heat", position_hlc=40, position_ms=100, watched=True, watched_hlc=60,
                          watched_device="phone", finished=True)  # fmt: skip
    found = await get(client, "fol", "progress/between")
    assert (found["position"]["positionMs"], found["watched"]["value"], found["finished"]) == (300_000, True, True)
    user_rows.watch_state(written, "fol", "between", position_hlc=70, position_ms=200)
    found = await get(client, "fol", "progress/twin")
    assert (found["position"]["positionMs"], found["watched"]["value"], found["finished"]) == (200, True, False)
    answer = await client.get("/v1/users/fol/progress/ran", headers=bearer("fol"))
    assert answer.status_code == 404


async def test_history_is_newest_first(client: Client, written: Written) -> None:
    for number in range(7):
        begun = AT - timedelta(days=20 * (number // 2))  # in several months, and pairs of the same time
        ended = {"ended_at": begun + timedelta(hours=1), "reason": "stopped"} if number % 2 else {}
        user_rows.session(written, "his", f"s{number}", started_at=begun, **ended)
    expected = ["s1", "s0", "s3", "s2", "s5", "s4", "s6"]
    for limit in (1, 3, 100):
        assert ids(await pages(client, "his", "history", "sessions", limit), "sessionId") == expected
    newest = (await get(client, "his", "history?limit=1"))["sessions"][0]
    assert (newest["reason"], newest["title"]["name"], newest["endedAt"]) == ("stopped", "Heat", "2026-03-01T13:00:00Z")


async def test_ratings_are_newest_first(client: Client, written: Written) -> None:
    for number, title in enumerate(["heat", "ran", "nobody", "gone", "twin"]):
        user_rows.rating(written, "rat", title)
        written.execute(
            "UPDATE ratings_v1 SET rated_at = %s WHERE user_id = 'rat' AND title_id = %s",
            (AT + timedelta(minutes=number // 2), title),
        )
    for limit in (1, 2, 100):
        found = await pages(client, "rat", "ratings", "ratings", limit)
        assert ids(found) == ["twin", "gone", "nobody", "heat", "ran"]
    assert found[0][3]["title"]["name"] == "Heat"


async def test_preferences_that_were_taken_back_are_gone(client: Client, written: Written) -> None:
    user_rows.preference(written, "pref", "subtitles", '{"size": 2}')
    user_rows.preference(written, "pref", "audio", "null")
    user_rows.preference(written, "pref", "away", None)
    found = (await get(client, "pref", "preferences"))["preferences"]
    assert [(each["name"], each["value"], each["present"]) for each in found] == [
        ("audio", None, True),
        ("subtitles", {"size": 2}, True),
    ]


async def test_devices_are_online_while_heard_of(client: Client, written: Written, settings: Settings) -> None:
    for name in ("phone", "tv"):
        user_rows.device(written, "dev", name)
    user_rows.device(written, "dev", "old", removed=True)
    heartbeats = redis.client(settings.redis_url, "test")
    try:
        await heartbeats.set(heartbeat_key("dev", "tv"), 1, ex=60)
        found = (await get(client, "dev", "devices"))["devices"]
        assert [(each["deviceId"], each["online"]) for each in found] == [("phone", False), ("tv", True)]
        assert found[1]["capabilities"] == ["play", "seek"]
    finally:
        await heartbeats.delete(heartbeat_key("dev", "tv"))
        await heartbeats.aclose()


async def test_nobody_can_tell_who_is_online_without_redis(written: Written, settings: Settings) -> None:
    user_rows.device(written, "dark", "tv")
    without = msgspec.structs.replace(settings, redis_url="redis://127.0.0.1:1")
    async with serving(build_app("sync", [SPEC], without)) as client:
        assert [each["online"] for each in (await get(client, "dark", "devices"))["devices"]] == [None]


@pytest.mark.parametrize("path", ["watchlist", "continue-watching", "history", "ratings", "changes", "devices"])
async def test_an_empty_person(client: Client, path: str) -> None:
    found = await get(client, "empty", path)
    assert [value for value in found.values() if isinstance(value, list) and value] == []


async def test_read_your_writes(client: Client, written: Written) -> None:
    """A position that is not in yet is waited for; those of topics that feed something else are passed over."""
    user_rows.moved(written, "watchlist", "watchlist-changes", 5)
    await get(client, "mine", "watchlist", **{"MG-After": "watchlist-changes:0:4, progress-changes:3:99, titles:0:1"})

    async def write_later() -> None:
        await asyncio.sleep(0.05)
        with written.transaction():
            user_rows.watchlist(written, "mine", "heat")
            user_rows.moved(written, "watchlist", "watchlist-changes", 6)

    writing = asyncio.create_task(write_later())
    found = await get(client, "mine", "watchlist", **{"MG-After": "watchlist-changes:0:5"})
    assert [item["titleId"] for item in found["items"]] == ["heat"]
    await writing


@pytest.mark.parametrize(
    ("path", "after", "status", "slug"),
    [
        ("watchlist", "watchlist-changes:0:999", 503, "read-model-behind"),
        ("watchlist", "provider-items:0:0", 400, "invalid-position"),
        ("watchlist", "nonsense", 400, "invalid-position"),
        ("history", "playback-events:0:0", 400, "invalid-position"),
        ("changes", "playback-events:0:999", 503, "read-model-behind"),
        ("changes", "titles:0:0", 400, "invalid-position"),
    ],
)
async def test_positions_nobody_can_wait_for(client: Client, path: str, after: str, status: int, slug: str) -> None:
    answer = await client.get(f"/v1/users/ann/{path}", headers={**bearer(), "MG-After": after})
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}")


@pytest.mark.parametrize("path", ["watchlist", "continue-watching", "progress/heat", "history", "ratings",
                                  "preferences", "devices", "changes"])  # fmt: skip
async def test_whose_path_it_is(client: Client, written: Written, path: str) -> None:
    user_rows.watch_state(written, "bob", "heat")
    assert (await client.get(f"/v1/users/bob/{path}")).status_code == 401
    assert (await client.get(f"/v1/users/bob/{path}", headers=bearer("ann"))).status_code == 403
    assert (await client.get(f"/v1/users/bob/{path}", headers=bearer("ann", "tv", READ_USERS))).status_code == 200


@pytest.mark.parametrize(
    ("path", "slug"),
    [
        ("watchlist?limit=0", "invalid-request"),
        ("watchlist?limit=101", "invalid-request"),
        ("watchlist?limit=x", "invalid-request"),
        ("watchlist?cursor=nonsense", "invalid-cursor"),
        ("watchlist?cursor=", "invalid-cursor"),
        ("watchlist?page=2", "unknown-parameter"),
        ("continue-watching?cursor=AAAA", "invalid-cursor"),
        ("continue-watching?limit=101", "invalid-request"),
        ("history?cursor=AAAA", "invalid-cursor"),
        ("history?limit=-1", "invalid-request"),
        ("ratings?cursor=AAAA", "invalid-cursor"),
        ("ratings?limit=101", "invalid-request"),
        ("devices?limit=1", "unknown-parameter"),
        ("preferences?limit=1", "unknown-parameter"),
        ("progress/heat?x=1", "unknown-parameter"),
        ("progress/" + "x" * 201, "invalid-request"),
        ("progress/a%00b", "invalid-request"),
        ("changes?since=nonsense", "invalid-cursor"),
        ("changes?since=", "invalid-cursor"),
        ("changes?limit=1001", "invalid-request"),
        ("changes?limit=0", "invalid-request"),
        ("changes?since=a&since=b", "invalid-request"),
    ],
)
async def test_bad_requests(client: Client, path: str, slug: str) -> None:
    answer = await client.get(f"/v1/users/ann/{path}", headers=bearer())
    assert (answer.status_code, answer.json()["type"]) == (400, f"/problems/{slug}")


async def test_cursors_belong_to_their_list_and_person(client: Client, written: Written) -> None:
    for user in ("cur", "sor"):
        for number in range(3):
            user_rows.watchlist(written, user, f"t{number}", f"a{number}")
    cursor = (await get(client, "cur", "watchlist?limit=1"))["nextCursor"]
    for user, path in (("sor", "watchlist"), ("cur", "ratings")):
        answer = await client.get(f"/v1/users/{user}/{path}?cursor={cursor}", headers=bearer(user))
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid-cursor")
