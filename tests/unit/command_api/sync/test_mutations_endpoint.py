"""POST …/sync/mutations over HTTP, with nothing real behind it."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from schemas.types.watchlist import WatchlistItemAdded
from sync_laws.tags import tag_of
from sync_laws.watchlist import MOST_ITEMS
from tests.support import tokens
from tests.support.commands import CommandEdge, operation, pointers, problem

URL = "/v1/users/ann/sync/mutations"
Client = httpx.AsyncClient
ADD = operation("watchlist.add", titleId="t-1")
REMOVE = operation("watchlist.remove", titleId="t-2", operationId="o-2")
PROGRESS = operation("progress.set", titleId="t-3", positionMs=5, operationId="o-3")


@pytest.fixture
def edge() -> CommandEdge:
    return CommandEdge()


@pytest.fixture
async def client(edge: CommandEdge, tmp_path: Path) -> AsyncIterator[Client]:
    async with edge.client(tmp_path) as found:
        yield found


async def test_a_queue_is_accepted_and_its_tags_are_told(edge: CommandEdge, client: Client) -> None:
    response = await client.post(URL, json={"operations": [ADD, REMOVE, PROGRESS]})
    assert response.status_code == 202, response.text
    answers = response.json()["operations"]
    assert [answer["operationId"] for answer in answers] == ["o-1", "o-2", "o-3"]
    assert [answer["eventId"] for answer in answers] == [tag_of("ann", "tv", f"o-{n}") for n in (1, 2, 3)]
    assert [answer["position"].split(":")[0] for answer in answers] == [
        "watchlist-changes",
        "watchlist-changes",
        "progress-changes",
    ]
    # The newest of each partition: the addition is behind the removal.
    assert set(response.headers["MG-Position"].split(", ")) == {answers[1]["position"], answers[2]["position"]}
    assert response.headers["RateLimit-Policy"].startswith('"sync"')
    assert [event.event_id for event in edge.events] == [answer["eventId"] for answer in answers]


async def test_repetitions_get_the_same_answer_also_among_new_ones(edge: CommandEdge, client: Client) -> None:
    first = await client.post(URL, json={"operations": [ADD, REMOVE]})
    second = await client.post(URL, json={"operations": [REMOVE, PROGRESS, ADD, REMOVE]})
    assert second.status_code == 202, second.text
    answers = {answer["operationId"]: answer for answer in second.json()["operations"]}
    assert [answers["o-1"], answers["o-2"]] == first.json()["operations"]
    assert len(second.json()["operations"]) == 4
    assert len(edge.log.messages) == 3


async def test_the_same_id_of_another_device_is_another_operation(edge: CommandEdge, client: Client) -> None:
    await client.post(URL, json={"operations": [ADD]})
    phone = tokens.bearer("ann", "phone")
    response = await client.post(URL, json={"operations": [{**ADD, "titleId": "t-9"}]}, headers=phone)
    assert response.status_code == 202
    assert len({event.event_id for event in edge.events}) == 2


async def test_conflicts_refuse_everything_and_are_named(edge: CommandEdge, client: Client) -> None:
    await client.post(URL, json={"operations": [ADD, REMOVE]})
    given = [PROGRESS, {**ADD, "titleId": "t-9"}, REMOVE, {**REMOVE, "observed": []}]
    response = await client.post(URL, json={"operations": given})
    problem(response, 409, "operation-conflict")
    assert pointers(response) == ["#/operations/3"], "one id with two contents in the request itself"
    response = await client.post(URL, json={"operations": [PROGRESS, {**ADD, "titleId": "t-9"}, REMOVE]})
    problem(response, 409, "operation-conflict")
    assert pointers(response) == ["#/operations/1"]
    assert len(edge.log.messages) == 2
    assert (await client.post(URL, json={"operations": [PROGRESS]})).status_code == 202


async def test_kafka_away(edge: CommandEdge, client: Client) -> None:
    edge.log.fail = 1
    problem(await client.post(URL, json={"operations": [ADD, PROGRESS]}), 503, "unavailable")
    edge.log.fail = None
    response = await client.post(URL, json={"operations": [ADD, PROGRESS]})
    assert response.status_code == 202
    assert [event.event_id for event in edge.events] == [tag_of("ann", "tv", name) for name in ("o-1", "o-1", "o-3")]


async def test_redis_away(edge: CommandEdge, client: Client) -> None:
    edge.ids.away = True
    problem(await client.post(URL, json={"operations": [ADD]}), 503, "unavailable")
    assert not edge.log.messages


async def test_redis_away_after_the_log_has_it(edge: CommandEdge, client: Client) -> None:
    send = edge.log.send

    async def and_then_away(messages: object) -> object:
        found = await send(messages)  # type: ignore[arg-type] # passed through
        edge.ids.away = True
        return found

    edge.log.send = and_then_away  # type: ignore[method-assign,assignment] # a log with a mishap
    assert (await client.post(URL, json={"operations": [ADD]})).status_code == 202


async def test_postgres_away_concerns_additions_only(edge: CommandEdge, client: Client) -> None:
    edge.reader.away = True
    response = await client.post(URL, json={"operations": [ADD]})
    problem(response, 503, "unavailable")
    assert response.headers["retry-after"] == "2"
    assert not edge.log.messages
    assert (await client.post(URL, json={"operations": [REMOVE, PROGRESS]})).status_code == 202


async def test_a_full_list(edge: CommandEdge, client: Client) -> None:
    edge.reader.watchlists["ann"] = {f"t-{n}" for n in range(MOST_ITEMS)}
    new = operation("watchlist.add", titleId="one more", operationId="o-9")
    response = await client.post(URL, json={"operations": [PROGRESS, ADD, new]})
    problem(response, 422, "watchlist-full")
    assert pointers(response) == ["#/operations/2"]
    assert not edge.log.messages
    assert (await client.post(URL, json={"operations": [PROGRESS, ADD]})).status_code == 202
    assert (await client.post(URL, json={"operations": [REMOVE, new]})).status_code == 202


async def test_ten_thousand_at_once_do_not_fit_a_request(client: Client) -> None:
    given = [operation("watchlist.add", titleId=f"t-{n}", operationId=f"o-{n}") for n in range(10_000)]
    response = await client.post(URL, json={"operations": given})
    problem(response, 422, "invalid-content")
    assert pointers(response) == ["#/operations"]


async def test_bodies_up_to_four_mebibytes(edge: CommandEdge, client: Client) -> None:
    given = [operation("preference.set", name="n", value="x" * 4000, operationId=f"o-{n}", hlc=n) for n in range(500)]
    assert (await client.post(URL, json={"operations": given})).status_code == 202
    assert len(edge.log.messages) == 500
    response = await client.post(URL, content=b" " * 5_000_000, headers={"content-type": "application/json"})
    problem(response, 413, "too-large")


async def test_moving_what_was_removed_and_unknown_titles_are_accepted(edge: CommandEdge, client: Client) -> None:
    move = operation("watchlist.move", titleId="nobody knows this", rank="a5", operationId="o-7")
    assert (await client.post(URL, json={"operations": [move]})).status_code == 202
    assert edge.reader.asked == 0


async def test_anothers_path_and_the_operators_hand(edge: CommandEdge, client: Client) -> None:
    url = "/v1/users/bob/sync/mutations"
    problem(await client.post(url, json={"operations": [ADD]}), 403, "forbidden")
    analyst = tokens.bearer("eve", "desk", "users:read")
    problem(await client.post(url, json={"operations": [ADD]}, headers=analyst), 403, "forbidden")
    operator = tokens.bearer("ops", "desk", "users:write")
    assert (await client.post(url, json={"operations": [ADD]}, headers=operator)).status_code == 202
    (event,) = edge.events
    assert isinstance(event, WatchlistItemAdded)
    assert (event.user_id, event.device_id) == ("bob", "desk")


async def test_clock_ahead(edge: CommandEdge, client: Client) -> None:
    edge.clock.advance(-301)
    response = await client.post(URL, json={"operations": [ADD]})
    problem(response, 422, "clock-ahead")
    assert response.headers["MG-Time"].startswith("2026-03-01T11:54:59")
