"""POST …/playback/events and …/ratings over HTTP, with nothing real behind them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from schemas.types.playback import PlaybackEventRecorded
from tests.support import tokens
from tests.support.commands import CommandEdge, played, pointers, problem, rated

URL = "/v1/users/ann/playback/events"
RATINGS = "/v1/users/ann/ratings"
Client = httpx.AsyncClient


class Gate:
    """What a log can be made to wait at."""

    def __init__(self) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()

    async def wait(self) -> None:
        self.reached.set()
        await self.open.wait()


@pytest.fixture
def edge() -> CommandEdge:
    return CommandEdge()


@pytest.fixture
async def client(edge: CommandEdge, tmp_path: Path) -> AsyncIterator[Client]:
    async with edge.client(tmp_path) as found:
        yield found


def events(*given: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"events": list(given), **more}


async def test_events_are_accepted_when_the_log_has_them_in_order(edge: CommandEdge, client: Client) -> None:
    given = [played(eventId=f"e-{n}", positionMs=n) for n in range(500)]
    response = await client.post(URL, json=events(*given))
    assert response.status_code == 202, response.text
    assert response.json()["count"] == 500
    assert response.headers["MG-Position"] == ", ".join(response.json()["positions"])
    assert response.json()["positions"][0].startswith("playback-events:")
    assert response.headers["RateLimit-Policy"] == '"playback";q=500;w=5'
    assert [e.position_ms for e in edge.events if isinstance(e, PlaybackEventRecorded)] == list(range(500))
    assert {(m.topic, m.key) for m in edge.log.messages} == {("test-playback-events", b"ann")}


async def test_the_trace_goes_on_in_the_events(edge: CommandEdge, client: Client) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await client.post(URL, json=events(played()), headers={"traceparent": parent})
    ((name, value),) = edge.log.messages[0].headers
    assert (name, value[:36]) == ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-")


async def test_the_same_request_gets_the_same_answer_and_is_in_the_log_once(edge: CommandEdge, client: Client) -> None:
    first = await client.post(URL, json=events(played()))
    second = await client.post(URL, json=events(played()))
    assert (second.status_code, second.json()) == (202, first.json())
    assert second.headers["MG-Position"] == first.headers["MG-Position"]
    assert len(edge.log.messages) == 1


async def test_the_same_event_twice_in_a_request_is_one(edge: CommandEdge, client: Client) -> None:
    response = await client.post(URL, json=events(played(), played(), played(eventId=None), played(eventId=None)))
    assert response.json()["count"] == 4
    assert len(edge.log.messages) == 2


async def test_a_repetition_without_an_id_is_the_same_event_again(edge: CommandEdge, client: Client) -> None:
    for _ in range(2):
        assert (await client.post(URL, json=events(played(eventId=None)))).status_code == 202
    first, second = edge.events
    assert first == second


async def test_the_same_id_with_another_content_refuses_everything(edge: CommandEdge, client: Client) -> None:
    await client.post(URL, json=events(played()))
    response = await client.post(URL, json=events(played(eventId="e-2"), played(positionMs=7)))
    problem(response, 409, "operation-conflict")
    assert pointers(response) == ["#/events/1"]
    assert "RateLimit" in response.headers
    assert len(edge.log.messages) == 1
    assert (await client.post(URL, json=events(played(eventId="e-2")))).status_code == 202


async def test_one_id_with_two_contents_in_a_request(edge: CommandEdge, client: Client) -> None:
    response = await client.post(URL, json=events(played(), played(positionMs=7)))
    problem(response, 409, "operation-conflict")
    assert pointers(response) == ["#/events/1"]
    assert not edge.log.messages


async def test_two_at_once_are_one(edge: CommandEdge, client: Client) -> None:
    edge.log.gate = gate = Gate()
    first = asyncio.create_task(client.post(URL, json=events(played())))
    await gate.reached.wait()
    second = await client.post(URL, json=events(played()))
    problem(second, 425, "operation-in-progress")
    assert second.headers["retry-after"] == "1"
    gate.open.set()
    assert (await first).status_code == 202
    assert (await client.post(URL, json=events(played()))).json() == (await first).json()
    assert len(edge.log.messages) == 1


async def test_without_kafka_nothing_is_accepted_and_a_retry_works(edge: CommandEdge, client: Client) -> None:
    given = events(played(), played(eventId="e-2"), played(eventId=None))
    edge.log.fail = 1  # one of three made it into the log
    response = await client.post(URL, json=given)
    problem(response, 503, "unavailable")
    assert response.headers["retry-after"] == "2"
    edge.log.fail = None
    problem(await client.post(URL, json=events(played(positionMs=7))), 409, "operation-conflict")
    assert (await client.post(URL, json=given)).status_code == 202
    ids = [event.event_id for event in edge.events]
    assert (len(ids), ids[0]) == (4, ids[1])


async def test_without_redis_nothing_is_accepted(edge: CommandEdge, client: Client) -> None:
    edge.ids.away = True
    response = await client.post(URL, json=events(played()))
    problem(response, 503, "unavailable")
    assert response.headers["retry-after"] == "2"
    assert not edge.log.messages


async def test_what_makes_no_sense_counts_too(tmp_path: Path) -> None:
    edge = CommandEdge(left=1)
    async with edge.client(tmp_path) as client:
        first = await client.post(URL, json=events(played(positionMs=-1)))
        problem(first, 422, "invalid-content")
        assert first.headers["RateLimit"] == '"playback";r=0;t=2'
        second = await client.post(URL, json=events(played(positionMs=-1)))
        problem(second, 429, "rate-limited")
        assert second.headers["retry-after"] == "2"


async def test_the_callers_path_and_device(edge: CommandEdge, client: Client) -> None:
    problem(await client.post("/v1/users/bob/playback/events", json=events(played())), 403, "forbidden")
    response = await client.post(URL, json=events(played(deviceId="phone")))
    problem(response, 403, "forbidden")
    assert pointers(response) == ["#/events/0/deviceId"]
    problem(await client.post(URL, json=events(played()), headers={"Authorization": ""}), 401, "unauthenticated")
    assert not edge.log.messages


async def test_an_operator_may_report_for_anybody(edge: CommandEdge, client: Client) -> None:
    operator = tokens.bearer("ops", "desk", "users:write")
    response = await client.post(
        "/v1/users/bob/playback/events", json=events(played(deviceId="phone")), headers=operator
    )
    assert response.status_code == 202
    (event,) = edge.events
    assert isinstance(event, PlaybackEventRecorded)
    assert (event.user_id, event.device_id, event.region) == ("bob", "phone", "ZZ")
    problem(
        await client.post("/v1/users/b%0Ab/playback/events", json=events(played()), headers=operator),
        400,
        "invalid-request",
    )


async def test_a_clock_that_is_ahead_is_told_the_time(edge: CommandEdge, client: Client) -> None:
    edge.clock.advance(-301)
    response = await client.post(URL, json=events(played()))
    assert "2026-03-01T11:54:59.000Z" in problem(response, 422, "clock-ahead")["detail"]
    assert response.headers["MG-Time"] == "2026-03-01T11:54:59.000Z"
    edge.clock.advance(1)
    assert (await client.post(URL, json=events(played()))).status_code == 202


async def test_ratings(edge: CommandEdge, client: Client) -> None:
    for _ in range(2):
        response = await client.post(RATINGS, json={"ratings": [rated(), rated(eventId="r-2", titleId="t-2")]})
        assert response.status_code == 202, response.text
        assert response.headers["MG-Position"].startswith("ratings:")
    assert len(edge.events) == 2
    response = await client.post(RATINGS, json={"ratings": [rated(rating=1)]})
    problem(response, 409, "operation-conflict")
    assert pointers(response) == ["#/ratings/0"]


@pytest.mark.parametrize(
    ("content", "headers", "status", "slug"),
    [
        (b"{}", {"content-type": "text/plain"}, 415, "unsupported-media-type"),
        (b"{}", {"content-type": "application/json", "content-encoding": "gzip"}, 415, "unsupported-media-type"),
        (b"{", {"content-type": "application/json"}, 400, "invalid-request"),
        (b" " * 2_000_000, {"content-type": "application/json"}, 413, "too-large"),
    ],
)
async def test_bodies_of_another_kind(
    client: Client, content: bytes, headers: dict[str, str], status: int, slug: str
) -> None:
    problem(await client.post(URL, content=content, headers=headers), status, slug)


async def test_titles_and_people_stay_out_of_logs(
    edge: CommandEdge, client: Client, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    await client.post(URL, json=events(played(titleId="a-private-title")))
    edge.log.fail = 0
    await client.post(URL, json=events(played(eventId="e-2", titleId="a-private-title")))
    metrics = (await client.get("/metrics")).text
    captured = capsys.readouterr()
    everything = captured.out + captured.err + caplog.text + metrics
    assert "mg_command_events_total" in everything
    assert "a-private-title" not in everything
