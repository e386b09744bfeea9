"""Continue watching over a real catalog: one entry a series, the next episode when one was seen to its end."""

from typing import Any

import httpx
import psycopg
import pytest

from tests.support import user_rows
from tests.support.tokens import bearer

Client = httpx.AsyncClient
Written = psycopg.Connection[Any]


def touched(written: Written, user: str, title: str, hlc: int, *, finished: bool = False) -> None:
    user_rows.watch_state(written, user, title, position_hlc=hlc, finished=finished, watched=finished, watched_hlc=hlc)


async def page(client: Client, user: str, query: str = "") -> dict[str, Any]:
    answer = await client.get(f"/v1/users/{user}/continue-watching{query}", headers=bearer(user))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def shown(client: Client, user: str) -> list[tuple[str, str]]:
    return [(item["titleId"], item["reason"]) for item in (await page(client, user))["items"]]


async def test_newest_first_without_what_is_finished(client: Client, written: Written) -> None:
    touched(written, "films", "heat", 5)
    touched(written, "films", "nobody", 9)
    touched(written, "films", "ran", 7, finished=True)
    touched(written, "films", "zorro", 5)
    assert await shown(client, "films") == [("nobody", "resume"), ("heat", "resume"), ("zorro", "resume")]
    nobody, heat, _ = (await page(client, "films"))["items"]
    assert (nobody["titleKnown"], heat["title"]["name"]) == (False, "Heat")
    assert (heat["position"]["hlc"], heat["updatedAt"]) == ("5", "2026-03-01T12:00:00Z")


async def test_pages_join_up(client: Client, written: Written) -> None:
    for number in range(7):
        touched(written, "pages", f"t{number}", 10 - number // 2)
    for limit in (1, 2, 7):
        found, query = [], f"?limit={limit}"
        while True:
            answer = await page(client, "pages", query)
            found += [item["titleId"] for item in answer["items"]]
            if not answer["nextCursor"]:
                break
            query = f"?limit={limit}&cursor={answer['nextCursor']}"
        assert found == [f"t{number}" for number in range(7)]


async def test_a_series_is_one_entry(client: Client, written: Written) -> None:
    touched(written, "one", "tide-1-1", 5)
    touched(written, "one", "tide-1-3", 8)
    touched(written, "one", "tide", 3)  # the series as a title of its own, in other letters
    assert await shown(client, "one") == [("tide-1-3", "resume")]


@pytest.mark.parametrize(
    ("seen", "following"),
    [("tide-1-1", "tide-1-2"), ("tide-1-3", "tide-2-1"), ("tide-0-1", "tide-1-1"), ("plain-1", "plain-2")],
)
async def test_the_next_episode(client: Client, written: Written, seen: str, following: str) -> None:
    user = f"next-{seen}"
    touched(written, user, "heat", 4)
    touched(written, user, seen, 5, finished=True)
    assert await shown(client, user) == [(following, "next_episode"), ("heat", "resume")]
    item = (await page(client, user))["items"][0]
    assert (item["afterTitleId"], item["position"], item["title"]["kind"]) == (seen, None, "episode")


@pytest.mark.parametrize("last", ["tide-2-1", "plain-2"])
async def test_nothing_follows_the_last_episode_known(client: Client, written: Written, last: str) -> None:
    touched(written, f"last-{last}", last, 5, finished=True)
    assert await shown(client, f"last-{last}") == []


async def test_the_last_episode_leaves_what_is_unfinished(client: Client, written: Written) -> None:
    touched(written, "left", "tide-2-1", 5, finished=True)
    touched(written, "left", "tide-1-2", 3)
    assert await shown(client, "left") == [("tide-1-2", "resume")]


async def test_an_episode_begun_earlier_is_taken_up_where_it_was(client: Client, written: Written) -> None:
    touched(written, "again", "tide-1-2", 3)
    touched(written, "again", "tide-1-1", 5, finished=True)
    item = (await page(client, "again"))["items"][0]
    assert (item["titleId"], item["reason"], item["position"]["positionMs"]) == ("tide-1-2", "next_episode", 60_000)


async def test_an_episode_marked_as_watched_leads_on(client: Client, written: Written) -> None:
    user_rows.watch_state(
        written, "mark", "tide-1-1", position_ms=None, duration_ms=None, position_hlc=None, position_device=None,
        watched=True, watched_hlc=9, watched_device="phone", finished=True,
    )  # fmt: skip
    touched(written, "mark", "heat", 8)
    assert await shown(client, "mark") == [("tide-1-2", "next_episode"), ("heat", "resume")]


async def test_a_title_marked_as_not_watched_is_nothing_to_continue(client: Client, written: Written) -> None:
    user_rows.watch_state(
        written, "unmark", "tide-1-1", position_ms=None, duration_ms=None, position_hlc=None, position_device=None,
        watched=False, watched_hlc=9, watched_device="phone", finished=True,
    )  # fmt: skip
    assert await shown(client, "unmark") == []


async def test_merged_titles_are_one(client: Client, written: Written) -> None:
    touched(written, "merged", "old-1-2", 5, finished=True)
    assert await shown(client, "merged") == [("tide-1-3", "next_episode")]
    touched(written, "films2", "heat", 5)
    touched(written, "films2", "between", 6)
    (item,) = (await page(client, "films2"))["items"]
    assert (item["titleId"], item["successorId"], item["title"]["name"]) == ("between", "heat", "Heat")


async def test_titles_merged_one_after_the_other_are_one(client: Client, written: Written) -> None:
    touched(written, "chain", "heat", 5)
    touched(written, "chain", "twin", 6)
    (item,) = (await page(client, "chain"))["items"]
    assert (item["titleId"], item["successorId"], item["title"]["name"]) == ("twin", "heat", "Heat")


async def test_the_catalog_s_index_finds_episodes(written: Written) -> None:
    """The planner would rather scan a table as small as a test's."""
    with written.transaction():
        written.execute("SET LOCAL enable_seqscan = off")
        plan = written.execute(
            "EXPLAIN SELECT title_id FROM title_catalog WHERE kind = 'episode' AND (document ->> 'series_name') = 'x' "
            "AND ((document ->> 'season_number')::integer, (document ->> 'episode_number')::integer) > (1, 2) "
            "ORDER BY (document ->> 'season_number')::integer, (document ->> 'episode_number')::integer LIMIT 1"
        ).fetchall()
    assert any("title_catalog_v1_episodes" in line for (line,) in plan), plan
