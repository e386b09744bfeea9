"""Sending a file through the webhook endpoint: what is sent again, what is set aside, and when it gives up."""

import asyncio
import base64
import json
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from bootstrap import importing
from bootstrap.catalog_files import CatalogFileError, RawItem
from bootstrap.importing import Imported, Importer, ImportFailed
from runtime.settings import ProviderSettings, Secret
from tests.support.webhooks import SECRET, provider

Answer = httpx.Response | Exception


class Edge:
    """Answers as told, then 202; remembers every delivery it was sent."""

    def __init__(self) -> None:
        self.answers: deque[Answer] = deque()
        self.requests: list[httpx.Request] = []
        self.waited: list[float] = []
        self.progress: list[int] = []
        self.judge: Callable[[list[str]], httpx.Response | None] = lambda _: None

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        Webhook(SECRET).verify(request.content, dict(request.headers))
        if self.answers:
            answer = self.answers.popleft()
            if isinstance(answer, Exception):
                raise answer
            return answer
        found = self.judge(self.ids(request))
        return found or httpx.Response(202, json={"positions": [f"catalog-deliveries:0:{len(self.requests)}"]})

    @staticmethod
    def ids(request: httpx.Request) -> list[str]:
        return [item["id"] for item in json.loads(request.content)["data"]["items"]]

    def sent(self) -> list[list[str]]:
        return [self.ids(request) for request in self.requests]

    def webhook_ids(self) -> list[str]:
        return [request.headers["webhook-id"] for request in self.requests]

    def run(self, items: Iterator[RawItem] | list[RawItem], rate: float | None = None) -> Imported:
        return asyncio.run(Importer("http://edge", provider(), self.progress.append).run(items, rate))


@pytest.fixture
def edge(monkeypatch: pytest.MonkeyPatch) -> Edge:
    edge = Edge()
    client = partial(httpx.AsyncClient, transport=httpx.MockTransport(edge))
    sleep = asyncio.sleep

    async def waits(seconds: float) -> None:
        edge.waited.append(seconds)
        await sleep(0)

    monkeypatch.setattr("bootstrap.importing.httpx.AsyncClient", client)
    monkeypatch.setattr("bootstrap.importing.asyncio.sleep", waits)
    return edge


def items(*names: str) -> list[RawItem]:
    return [RawItem(name, {"Title": name}) for name in names]


def numbered(count: int) -> list[RawItem]:
    return items(*(f"Q{number}" for number in range(count)))


def problem(status: int, **more: Any) -> httpx.Response:
    return httpx.Response(status, json={"title": "A title", **more})


def test_a_file_goes_out_in_signed_batches(edge: Edge) -> None:
    found = edge.run(numbered(1200))
    assert [len(ids) for ids in edge.sent()] == [500, 500, 200]
    assert (found.sent, found.accepted, found.rejected) == (1200, 1200, [])
    assert sorted(found.deliveries) == sorted(edge.webhook_ids())
    assert len(set(found.deliveries)) == len(found.positions) == 3
    assert sum(edge.progress) == 1200
    assert str(edge.requests[0].url) == "http://edge/v1/webhooks/wikidata"
    assert edge.requests[0].headers["content-type"] == "application/json"


def test_a_body_has_the_items_and_where_known_their_time() -> None:
    body = json.loads(
        importing.body_of([RawItem("Q1", {"Title": "a"}, datetime(2026, 1, 2, tzinfo=UTC)), RawItem("Q2", {})])
    )
    assert body["type"] == "catalog.items.upserted"
    assert body["data"]["items"] == [
        {"id": "Q1", "item": {"Title": "a"}, "updatedAt": "2026-01-02T00:00:00Z"},
        {"id": "Q2", "item": {}},
    ]


@pytest.mark.parametrize(
    "trouble",
    [
        problem(503),
        problem(429),
        problem(425),
        httpx.Response(502, text="<html>Bad gateway</html>"),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("no answer"),
        httpx.RemoteProtocolError("disconnected"),
    ],
    ids=str,
)
def test_without_a_word_the_same_delivery_is_sent_again(edge: Edge, trouble: Answer) -> None:
    edge.answers.extend([trouble, trouble])
    found = edge.run(numbered(3))
    assert found.accepted == 3
    assert len(edge.requests) == 3
    assert len(set(edge.webhook_ids())) == 1
    assert len({request.content for request in edge.requests}) == 1, "another body under the same id is a conflict"
    assert found.deliveries == edge.webhook_ids()[:1]
    assert len(edge.waited) == 2
    assert all(0 < seconds < 5 for seconds in edge.waited)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_waited_for(edge: Edge, status: int) -> None:
    edge.answers.append(httpx.Response(status, headers={"retry-after": "7"}, json={}))
    edge.run(numbered(1))
    assert edge.waited == [7.0]


def test_retry_after_may_be_a_date(edge: Edge) -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    edge.answers.append(httpx.Response(503, headers={"retry-after": at}, json={}))
    edge.run(numbered(1))
    assert 27 < edge.waited[0] <= 30


@pytest.mark.parametrize("text", ["soon", "", "-5", "1e9999", "nan", "Thu, 01 Jan 1970 00:00:00 GMT", "²"])
def test_a_strange_retry_after_is_no_more_than_the_back_off(edge: Edge, text: str) -> None:
    edge.answers.append(httpx.Response(503, headers=[(b"retry-after", text.encode())], json={}))
    edge.run(numbered(1))
    assert 0 < edge.waited[0] < 5


def test_each_try_is_signed_anew(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    edge.answers.append(problem(503))
    edge.run(numbered(1))
    assert all(abs(int(request.headers["webhook-timestamp"]) - time.time()) < 5 for request in edge.requests)


def test_patience_has_an_end_that_says_what_the_trouble_was(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "_PATIENCE_SECONDS", 0.0)
    edge.answers.append(problem(503, detail="Kafka does not answer"))
    with pytest.raises(ImportFailed, match=r"http://edge/v1/webhooks/wikidata: no .* 503: Kafka does not answer"):
        edge.run(numbered(1))
    assert len(edge.requests) == 1


def test_a_wait_beyond_the_patience_is_not_begun(edge: Edge) -> None:
    edge.answers.append(httpx.Response(429, headers={"retry-after": "86400"}, json={}))
    with pytest.raises(ImportFailed, match="no success"):
        edge.run(numbered(1))
    assert edge.waited == []


def test_refused_items_are_set_aside_with_the_reason_and_the_rest_is_a_delivery_of_its_own(edge: Edge) -> None:
    errors = [
        {"pointer": "#/data/items/1/item/Title", "detail": "too long"},
        {"pointer": "/data/items/3", "detail": "no id"},
        {"pointer": "#/data/items/3/id", "detail": "said of the same item"},
    ]
    edge.answers.append(problem(422, errors=errors))
    found = edge.run(items("a", "b", "c", "d", "e"))
    assert edge.sent() == [["a", "b", "c", "d", "e"], ["a", "c", "e"]]
    assert len(set(edge.webhook_ids())) == 2, "another body needs another id"
    assert found.rejected == [("b", "too long"), ("d", "no id")]
    assert (found.sent, found.accepted) == (5, 3)
    assert found.deliveries == edge.webhook_ids()[1:]
    assert sum(edge.progress) == 5


def test_an_edge_that_names_one_bad_item_at_a_time_is_followed(edge: Edge) -> None:
    def one_at_a_time(ids: list[str]) -> httpx.Response | None:
        bad = [place for place, name in enumerate(ids) if name.startswith("bad")]
        return problem(422, errors=[{"pointer": f"#/data/items/{bad[0]}", "detail": "bad"}]) if bad else None

    edge.judge = one_at_a_time
    found = edge.run(items("bad1", "good", "bad2"))
    assert [name for name, _ in found.rejected] == ["bad1", "bad2"]
    assert found.accepted == 1


def test_when_every_item_is_refused_nothing_more_is_sent(edge: Edge) -> None:
    edge.answers.append(problem(422, errors=[{"pointer": "#/data/items/0", "detail": "bad"}]))
    found = edge.run(items("a"))
    assert (found.accepted, found.rejected, found.deliveries) == (0, [("a", "bad")], [])
    assert len(edge.requests) == 1


@pytest.mark.parametrize(
    "errors",
    [
        [],
        [{"pointer": "#/data", "detail": "x"}],
        [{"pointer": "#/data/items/7", "detail": "beyond"}],
        [{"pointer": "#/data/items/²", "detail": "x"}],
        [{"pointer": "#/data/items/-1", "detail": "x"}],
        [{"pointer": "#/data/items/0x", "detail": "x"}],
        [{"parameter": "q"}],
    ],
)
def test_a_refusal_that_names_no_item_ends_the_import(edge: Edge, errors: list[dict[str, str]]) -> None:
    edge.answers.append(problem(422, detail="Something else", errors=errors))
    with pytest.raises(ImportFailed, match="answered 422: Something else"):
        edge.run(items("a", "b"))
    assert len(edge.requests) == 1


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (problem(401, detail="No signature fits"), "answered 401: No signature fits"),
        (problem(404), "answered 404: A title"),
        (httpx.Response(500, text="<html>\n  oops\n</html>"), "answered 500: <html> oops </html>"),
        (httpx.Response(422, text="not json"), "answered 422: not json"),
        (httpx.Response(422, json=[1]), r"answered 422: \[1\]"),
        (httpx.Response(409, content=b""), "answered 409: "),
    ],
)
def test_anything_else_ends_the_import_in_one_line(edge: Edge, answer: httpx.Response, text: str) -> None:
    edge.answers.append(answer)
    with pytest.raises(ImportFailed, match=text) as caught:
        edge.run(numbered(1))
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ConnectionError), "the command line shows it as one line"
    assert len(edge.requests) == 1


def test_what_was_accepted_before_a_failure_stays_accepted_and_no_more_is_sent(edge: Edge) -> None:
    def third_fails(ids: list[str]) -> httpx.Response | None:
        return problem(401) if "Q1000" in ids else None

    edge.judge = third_fails
    with pytest.raises(ImportFailed):
        edge.run(numbered(5_000))
    assert 3 <= len(edge.requests) <= 5
    assert sum(edge.progress) >= 500


def test_a_delivery_that_is_too_large_goes_in_halves(edge: Edge) -> None:
    edge.judge = lambda ids: problem(413, detail="5 MB at most") if len(ids) > 2 or "huge" in ids else None
    found = edge.run(items("a", "b", "c", "huge", "e"))
    assert found.rejected == [("huge", "5 MB at most")]
    assert (found.sent, found.accepted, sum(edge.progress)) == (5, 4, 5)
    assert sorted(name for ids in edge.sent() if len(ids) <= 2 and "huge" not in ids for name in ids) == list("abce")


def test_a_broken_line_in_the_middle_is_the_files_error(edge: Edge, tmp_path: Any) -> None:
    def lines() -> Iterator[RawItem]:
        yield from numbered(700)
        raise CatalogFileError(tmp_path, "not JSON", 701)

    with pytest.raises(CatalogFileError, match="701"):
        edge.run(lines())


def test_a_rate_is_kept_in_small_batches(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    edge.run(numbered(30), rate=100.0)
    assert [len(ids) for ids in edge.sent()] == [10, 10, 10]
    assert len(edge.waited) == 3
    assert edge.waited[0] == pytest.approx(0.1, abs=0.05)
    assert edge.waited[2] == pytest.approx(0.3, abs=0.1), "due times count from the start (the sleeps are not real)"


def test_a_rate_below_one_still_sends(edge: Edge) -> None:
    edge.run(numbered(2), rate=0.5)
    assert [len(ids) for ids in edge.sent()] == [1, 1]


def test_no_items_no_delivery(edge: Edge) -> None:
    assert edge.run([]).sent == 0
    assert edge.requests == []


@pytest.mark.parametrize("secret", ["whsec_Zq9hidden!", "whsec_Zq9é", "whsec_", "Zq9hi"])
def test_a_secret_that_is_none_is_not_quoted(secret: str) -> None:
    with pytest.raises(ImportFailed, match="the secret of hulu") as caught:
        Importer("http://edge", ProviderSettings("hulu", (Secret(secret),)), print)
    assert "Zq9" not in "".join(traceback.format_exception(caught.value))


def test_the_newest_secret_signs() -> None:
    newest = "whsec_" + base64.b64encode(b"n" * 32).decode()
    importer = Importer("http://edge", ProviderSettings("hulu", (Secret(newest), Secret(SECRET))), print)
    now = datetime.now(UTC)
    assert importer._webhook.sign("id", now, "body") == Webhook(newest).sign("id", now, "body")
