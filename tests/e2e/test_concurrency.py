"""The same thing sent many times at once: one title, one delivery, one winner."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.support.running import Running, delivery, film, problem

pytestmark = pytest.mark.usefixtures("catalog")
PROVIDER = "disney_plus"


def test_fifty_deliveries_of_one_item(running: Running) -> None:
    """One title, versions that only grow, and the newest by the source's clock stays."""
    started = datetime.now(UTC) - timedelta(hours=1)
    since = datetime.now(UTC)

    def post(number: int) -> int:
        entry = {
            **film("crowded", f"Crowded Harbour Take {number}"),
            "updatedAt": (started + timedelta(seconds=number)).isoformat(),
        }
        return running.post(PROVIDER, {"type": "catalog.item.upserted", "data": entry}).status_code

    order = [*range(1, 50, 2), *range(0, 50, 2)]  # the newest is not the last to be sent
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(post, order)) == [202] * 50
    running.settle()
    (hit,) = running.named("Crowded Harbour Take 49")
    for number in (0, 25, 48):
        assert running.named(f"Crowded Harbour Take {number}") == []
    lines = running.mg("tap", "titles", "--from", since.isoformat(), "--json").out.splitlines()
    events = [
        record["event"]
        for record in map(json.loads, lines)
        if record["event"].get("name", "").startswith("Crowded Harbour Take")
    ]
    assert {event["title_id"] for event in events} == {hit["titleId"]}
    versions = [event["version"] for event in events]
    assert versions == sorted(set(versions))
    assert running.title(hit["titleId"]).json()["version"] == versions[-1]


def test_one_delivery_many_times_at_once_is_one_delivery(running: Running) -> None:
    body = delivery(*(film(f"race{n}", f"Raced Item Number {n}") for n in range(20)))
    headers = running.headers(PROVIDER, body)
    before = sum(running.ends("catalog-deliveries").values())
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: running.post(PROVIDER, body, headers), range(8)))
    accepted = [answer for answer in answers if answer.status_code == 202]
    assert accepted
    assert len({answer.content for answer in accepted}) == 1
    for answer in answers:
        if answer.status_code != 202:
            problem(answer, 425, "delivery-in-progress")
            assert answer.headers["retry-after"] == "1"
    assert running.post(PROVIDER, body, headers).content == accepted[0].content
    assert sum(running.ends("catalog-deliveries").values()) == before + 20


def test_two_bodies_under_one_id_at_once(running: Running) -> None:
    webhook_id = f"race_{time.time_ns()}"
    bodies = [delivery(film("body", f"Body Number {n}")) for n in range(6)]
    before = sum(running.ends("catalog-deliveries").values())

    def post(body: bytes) -> httpx.Response:
        return running.post(PROVIDER, body, webhook_id=webhook_id)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(post, bodies))
    assert [answer.status_code for answer in answers].count(202) == 1
    for answer in answers:
        if answer.status_code != 202:
            problem(answer, 409, "delivery-conflict")
    assert sum(running.ends("catalog-deliveries").values()) == before + 1
