"""What is answered to a queue, and what becomes of it."""

from datetime import UTC, datetime
from email.utils import format_datetime

import httpx
import pytest

from sync_client import NotAllowed, UnexpectedAnswer, Unreachable
from sync_client.service import Service
from tests.support.sync_service import Reply, SyncService, problem
from tests.unit.sync_client.conftest import NOW, Open

UNAVAILABLE = problem("unavailable", 503)
SERVER_NOW = datetime.fromtimestamp(NOW / 1000, UTC)


def sent_ids(service: SyncService) -> list[str]:
    return [each["operationId"] for each in service.log]


@pytest.mark.parametrize("fault", ["down", "lost", UNAVAILABLE, Reply(502, "bad gateway"), problem("rate-limited", 429),
                                   problem("operation-in-progress", 425)])  # fmt: skip
async def test_trouble_is_tried_again_with_the_same_operations(
    opened: Open, service: SyncService, naps: list[float], fault: Reply | str
) -> None:
    client = opened()
    ids = [client.add(title) for title in "abc"]
    service.faults.extend([fault] * 4)
    assert (await client.flush()).accepted == 3
    assert sent_ids(service) == ids
    assert all(batch == ids for batch in service.batches)
    assert not service.conflicts
    assert len(naps) == 4


async def test_delays_have_full_jitter_and_grow(opened: Open, service: SyncService, naps: list[float]) -> None:
    for device in map(str, range(30)):
        client = opened(device)
        client.add("a")
        service.faults.extend(["down"] * 5)
        await client.flush(patience=1000)
    rounds = [naps[start : start + 5] for start in range(0, len(naps), 5)]
    for attempt, ceiling in enumerate([0.25, 0.5, 1, 2, 4]):
        delays = [each[attempt] for each in rounds]
        assert max(delays) <= ceiling
        assert len(set(delays)) > 20
        assert min(delays) < ceiling / 2 < max(delays)


@pytest.mark.parametrize(
    ("text", "least"),
    [
        ("7", 7), (format_datetime(SERVER_NOW.replace(microsecond=0), usegmt=True), 0), ("soon", 0), ("-3", 0),
        (format_datetime(SERVER_NOW.fromtimestamp(NOW / 1000 + 9, UTC), usegmt=True), 9), ("9" * 400, 3600),
    ],
)  # fmt: skip
async def test_retry_after_is_honoured(
    opened: Open, service: SyncService, naps: list[float], text: str, least: float
) -> None:
    """Dates count from the service's own, whatever this device's clock says."""
    date = format_datetime(SERVER_NOW, usegmt=True)
    service.faults.append(problem("unavailable", 503, headers={"Retry-After": text, "Date": date}))
    client = opened()
    client.add("a")
    await client.flush(patience=5000)
    assert least <= naps[0] <= least + 0.25


async def test_giving_up_says_how_long_the_service_wants_to_be_left_alone(opened: Open, service: SyncService) -> None:
    client = opened()
    client.add("a")
    service.faults.append(problem("unavailable", 503, headers={"Retry-After": "120"}))
    with pytest.raises(Unreachable, match=r"answers 503 .* stays queued") as caught:
        await client.flush(patience=10)
    assert caught.value.retry_after == 120
    assert client.status().waiting == 1
    assert client.watchlist() == ["a"]


@pytest.mark.parametrize("batch", [1, 499, 500, 501, 1200])
async def test_a_queue_goes_in_order_in_requests_of_500(opened: Open, service: SyncService, batch: int) -> None:
    client = opened()
    ids = [client.mark_watched(f"t{number}") for number in range(batch)]
    await client.flush()
    assert sent_ids(service) == ids
    assert [len(each) for each in service.batches] == [500] * (batch // 500) + ([batch % 500] if batch % 500 else [])


async def test_refused_operations_are_set_aside_and_the_rest_goes_on(opened: Open, service: SyncService) -> None:
    client = opened()
    for title in ("a", "bad", "b", "bad2", "c"):
        client.add(title)
    service.refuse = lambda operation: "is bad" if operation["titleId"].startswith("bad") else None
    sent = await client.flush()
    assert (sent.accepted, sent.rejected) == (3, 2)
    assert [(each.operation.subject[1], each.reason) for each in client.rejected()] == [
        ("bad", "invalid-content: is bad"), ("bad2", "invalid-content: is bad"),
    ]  # fmt: skip
    assert client.watchlist() == ["a", "b", "c"], "what will never be accepted does not show"
    assert (await client.flush()).accepted == 0
    assert len(service.batches) == 2, "and is not tried again"
    await client.close()
    again = opened()
    assert len(again.rejected()) == 2
    assert again.dismiss(again.rejected()[0].operation_id)
    assert not again.dismiss(again.rejected()[0].operation_id + "x")
    assert [each.operation.subject[1] for each in again.rejected()] == ["bad2"]


async def test_only_rejected_operations_can_be_dismissed(opened: Open) -> None:
    client = opened()
    assert not client.dismiss(client.add("a"))
    assert client.status().waiting == 1


async def test_a_refusal_that_names_nothing_is_narrowed_down(opened: Open, service: SyncService) -> None:
    service.named = False
    service.refuse = lambda operation: "is bad" if operation["titleId"] == "t13" else None
    client = opened()
    for number in range(40):
        client.mark_watched(f"t{number}")
    sent = await client.flush()
    assert (sent.accepted, sent.rejected) == (39, 1)
    assert [each.operation.subject[1] for each in client.rejected()] == ["t13"]


async def test_an_id_that_was_something_else_is_set_aside(opened: Open, service: SyncService) -> None:
    client = opened()
    first, second = client.add("a"), client.add("b")
    service._known[first] = "{}"  # as after a file was restored from a backup
    sent = await client.flush()
    assert (sent.accepted, sent.rejected) == (1, 1)
    assert client.rejected()[0].reason == "operation-conflict: came with another content before"
    assert sent_ids(service) == [second]


async def test_a_body_too_large_is_sent_in_halves(opened: Open, service: SyncService) -> None:
    client = opened()
    for number in range(8):
        client.mark_watched(f"t{number}")
    service.faults.extend([problem("too-large", 413), problem("too-large", 413)])
    assert (await client.flush()).accepted == 8
    assert [len(each) for each in service.batches] == [2, 6]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, {"operations": []}),
        Reply(202, {"operations": []}),
        Reply(202, b"<html>Welcome to the hotel</html>", {"Content-Type": "text/html"}),
        Reply(400, b"<html>bad request</html>"),
        Reply(302, None, {"Location": "http://elsewhere.test/"}),
        Reply(404, {"detail": "no such path"}),
        problem("not-found", 404),
    ],
    ids=["200", "nothing named", "portal", "proxy", "redirect", "404", "404 problem"],
)
async def test_what_is_no_answer_of_the_service_loses_nothing(opened: Open, service: SyncService, reply: Reply) -> None:
    client = opened()
    operation = client.add("a")
    service.faults.append(reply)
    with pytest.raises(UnexpectedAnswer):
        await client.flush()
    assert (client.status().waiting, client.rejected(), client.watchlist()) == (1, [], ["a"])
    assert (await client.flush()).accepted == 1
    assert sent_ids(service) == [operation]


async def test_a_token_that_ran_out_is_renewed_once(opened: Open, service: SyncService) -> None:
    given = iter(["u:tv?old", "u:tv"])

    async def token() -> str:
        return next(given)

    service.accepted_tokens = {"u:tv"}
    client = opened(token=token)
    client.add("a")
    assert (await client.flush()).accepted == 1
    client.add("b")
    assert (await client.flush()).accepted == 1, "the new one is kept"
    assert service.tokens == ["u:tv?old", "u:tv", "u:tv"]


async def test_credentials_that_stay_wrong_end_it_and_lose_nothing(opened: Open, service: SyncService) -> None:
    service.accepted_tokens = set()
    client = opened()
    client.add("a")
    with pytest.raises(NotAllowed, match="sign in again, everything stays queued"):
        await client.flush()
    assert len(service.tokens) == 2
    assert client.status().waiting == 1


async def test_another_users_path_is_not_tried_again(opened: Open, service: SyncService) -> None:
    async def token() -> str:
        return "somebody:tv"

    client = opened(token=token)
    client.add("a")
    with pytest.raises(NotAllowed, match="forbidden"):
        await client.flush()
    assert len(service.tokens) == 1


async def test_user_ids_are_escaped_in_paths() -> None:
    asked = []

    async def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path)
        return httpx.Response(503)

    async def token() -> str:
        return "x"

    service = Service("http://sync.test/", "a/../b?c", token, transport=httpx.MockTransport(handle))
    with pytest.raises(Unreachable):
        await service.changes(None, "", patience=0)
    await service.close()
    assert asked == [b"/v1/users/a%2F..%2Fb%3Fc/changes"]
    assert service.live_url == "ws://sync.test/v1/users/a%2F..%2Fb%3Fc/live"
