"""An app of one small service: every error is a problem, nothing unknown is let in, nothing internal gets out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Protocol

import httpx
import msgspec
import pytest
from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from runtime.http import operations, problems
from runtime.http.app import build_app
from runtime.http.problems import Problem
from runtime.http.service import Injected, Resources, ServiceSpec
from tests.support.apps import app_of
from tests.support.webhooks import serving, settings


class Shelf(Protocol):
    """What the handlers need."""

    async def size(self) -> int: ...


class MemoryShelf:
    async def size(self) -> int:
        return 5


class Part(msgspec.Struct):
    name: str


class Thing(msgspec.Struct):
    count: int
    parts: list[Part] = []


class ThingsController(Controller):
    path = "/v1/things"

    @get("/{thing_id:str}", responses=problems.documented(problems.NOT_FOUND, problems.INVALID_REQUEST))
    async def one(
        self,
        thing_id: FromPath[str],
        shelf: Injected[Shelf],
        limit: Annotated[int, QueryParameter(ge=1, le=100)] = 20,
        kinds: Annotated[list[str] | None, QueryParameter(name="kind")] = None,
        size_from: Annotated[int, QueryParameter(name="sizeFrom")] = 0,
    ) -> dict[str, int]:
        if thing_id == "broken":
            raise KeyError("a secret detail")
        if thing_id == "gone":
            raise Problem(problems.NOT_FOUND, "no such thing", headers={"X-More": "yes"}, retry_after_seconds=3)
        return {"size": await shelf.size(), "limit": limit, "kinds": len(kinds or ())}

    @get("/")
    async def on_shelf(self, shelf_name: Annotated[str, QueryParameter(name="shelfName")]) -> str:
        return shelf_name

    @post("/")
    async def make(self, data: JSONBody[Thing]) -> Thing:
        return data


class Backends:
    """Readiness checks that can be told to fail."""

    def __init__(self) -> None:
        self.slow = False
        self.broken = False

    async def first(self) -> None:
        if self.slow:
            await asyncio.sleep(5)

    async def second(self) -> None:
        if self.broken:
            raise ConnectionError("password=hunter2 refused")


@pytest.fixture
def backends() -> Backends:
    return Backends()


@pytest.fixture
async def client(backends: Backends, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    @asynccontextmanager
    async def resources(_: Any) -> AsyncIterator[Resources]:
        yield Resources({"shelf": MemoryShelf()}, {"first": backends.first, "second": backends.second})

    spec = ServiceSpec("things", (ThingsController,), resources, ("shelf",), description="Things on a shelf.")
    async with serving(app_of("things", [spec], settings(tmp_path))) as found:
        yield found


def problem(response: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    assert (found["type"], found["status"]) == (f"/problems/{slug}", status)
    assert found["requestId"] == response.headers["x-request-id"]
    return found


async def test_a_handler_gets_its_resources_by_name(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/things/1?limit=7&kind=a&kind=b")
    assert response.json() == {"size": 5, "limit": 7, "kinds": 2}


@pytest.mark.parametrize(
    ("path", "slug", "parameter"),
    [
        ("/v1/things/1?limit=101", "invalid-request", "limit"),
        ("/v1/things/1?limit=ten", "invalid-request", "limit"),
        ("/v1/things/1?limit=", "invalid-request", "limit"),
        ("/v1/things/1?limit=1&limit=2", "invalid-request", "limit"),
        ("/v1/things/1?limits=1", "unknown-parameter", "limits"),
        ("/v1/things/1?kind=a%00b", "invalid-request", "kind"),
        ("/v1/things/a%00b", "invalid-request", "thing_id"),
        ("/v1/things/1?kind=%ff", "invalid-request", None),
        ("/v1/things/1?" + "&".join(["kind=a"] * 101), "invalid-request", None),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_bad_parameters(client: httpx.AsyncClient, path: str, slug: str, parameter: str | None) -> None:
    errors = problem(await client.get(path), 400, slug).get("errors", [])
    assert [error["parameter"] for error in errors] == ([parameter] if parameter else [])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"count":"x"}', "#/count"),
        (b'{"count":1,"parts":[{"name":"a"},{"name":2}]}', "#/parts/1/name"),
        (b"[]", "#"),
        (b'{"count":', None),
        (b'{"count":1,"parts":[{"name":"\xff"}]}', None),
        (b"[" * 10_000, None),
    ],
)
async def test_bad_bodies(client: httpx.AsyncClient, body: bytes, pointer: str | None) -> None:
    found = problem(await client.post("/v1/things", content=body), 400, "invalid-request")
    assert [error["pointer"] for error in found.get("errors", [])] == ([pointer] if pointer else [])


async def test_the_frameworks_own_errors_are_problems_too(client: httpx.AsyncClient) -> None:
    problem(await client.get("/nowhere"), 404, "not-found")
    problem(await client.get("/schema/nowhere"), 404, "not-found")
    refused = await client.delete("/v1/things/1")
    problem(refused, 405, "method-not-allowed")
    assert "GET" in refused.headers["allow"]
    problem(await client.post("/v1/things", content=b"x" * 1_048_577), 413, "too-large")


async def test_errors_name_parameters_as_callers_do(client: httpx.AsyncClient) -> None:
    bad = (await client.get("/v1/things/1?sizeFrom=x")).json()
    assert [each["parameter"] for each in bad["errors"]] == ["sizeFrom"]
    missing = (await client.get("/v1/things")).json()
    assert missing["errors"] == [{"detail": "is required", "parameter": "shelfName"}]


async def test_head_is_get_without_the_content(client: httpx.AsyncClient) -> None:
    """RFC 9110, section 9.1: GET and HEAD are the two methods every server has."""
    for path, status in (("/v1/things/1", 200), ("/v1/things/gone", 404), ("/nowhere", 404)):
        asked, head = await client.get(path), await client.head(path)
        assert (head.status_code, head.content) == (status, b"")
        for name in ("content-type", "content-length"):
            assert head.headers[name] == asked.headers[name]
    assert 'method="HEAD",route="/v1/things/{thing_id}"' in (await client.get("/metrics")).text


async def test_our_problems_keep_their_headers(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/things/gone")
    assert problem(response, 404, "not-found")["detail"] == "no such thing"
    assert (response.headers["x-more"], response.headers["retry-after"]) == ("yes", "3")


async def test_an_unexpected_error_is_logged_once_and_tells_nothing(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    response = await client.get("/v1/things/broken")
    problem(response, 500, "internal")
    assert "secret" not in response.text
    captured = capsys.readouterr()
    assert (captured.out + captured.err).count("request_failed") == 1


async def test_every_problem_type_resolves(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/problems")).json()
    assert len(listed) == len(problems.PROBLEMS) == len({each["type"] for each in listed})
    for each in listed:
        assert (await client.get(each["type"])).json() == each
    problem(await client.get("/problems/nothing"), 404, "not-found")


async def test_readiness_names_what_is_missing(
    client: httpx.AsyncClient, backends: Backends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "_READY_SECONDS", 0.1)
    assert (await client.get("/health/ready")).json() == {"status": "ready", "checks": ["first", "second"]}
    backends.broken = True
    response = await client.get("/health/ready")
    assert [error["parameter"] for error in problem(response, 503, "not-ready")["errors"]] == ["second"]
    assert "hunter2" not in response.text
    backends.slow = True
    started = asyncio.get_running_loop().time()
    found = problem(await client.get("/health/ready"), 503, "not-ready")
    assert asyncio.get_running_loop().time() - started < 2
    assert [error["parameter"] for error in found["errors"]] == ["first", "second"]
    assert (await client.get("/health/live")).json()["status"] == "live"


async def test_a_usable_request_id_is_kept_and_any_other_replaced(client: httpx.AsyncClient) -> None:
    kept = await client.get("/health/live", headers={"x-request-id": "abc-1"})
    assert kept.headers["x-request-id"] == "abc-1"
    for given in ("a b", "x" * 129, "<script>"):
        replaced = await client.get("/health/live", headers={"x-request-id": given})
        assert replaced.headers["x-request-id"] != given


async def test_the_callers_trace_comes_back(client: httpx.AsyncClient) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    response = await client.get("/health/live", headers={"traceparent": parent})
    assert response.headers["traceparent"][3:35] == parent[3:35]
    assert "traceparent" not in (await client.get("/health/live", headers={"traceparent": "nonsense"})).headers


async def test_metrics_are_by_route_never_by_path(client: httpx.AsyncClient) -> None:
    for path in ("/v1/things/one", "/v1/things/two", "/admin.php"):
        await client.get(path)
    await client.request("BREW", "/v1/things/three")
    text = (await client.get("/metrics")).text
    assert 'route="/v1/things/{thing_id}",service="things",status="200"' in text
    assert 'method="OTHER"' in text
    assert all(path not in text for path in ("things/one", "admin.php", "BREW"))


async def test_the_document_and_its_page_need_no_network(client: httpx.AsyncClient) -> None:
    document = (await client.get("/schema/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    answers = document["paths"]["/v1/things/{thing_id}"]["get"]["responses"]
    assert "application/problem+json" in answers["404"]["content"]
    page = (await client.get("/schema")).text
    assert "/v1/things/{thing_id}" in page
    assert "<script" not in page
    assert "https://" not in page
    assert page.index("<h2><span class=m>GET</span> <code>/v1/things/{thing_id}") < page.index(
        "<code>/health/live</code></h2>"
    )
    assert "(<code>not-found</code>)" in page  # descriptions are Markdown


async def test_a_service_must_open_what_it_promised(tmp_path: Path) -> None:
    @asynccontextmanager
    async def resources(_: Any) -> AsyncIterator[Resources]:
        yield Resources({})

    spec = ServiceSpec("things", (ThingsController,), resources, ("shelf",))
    with pytest.RaisesGroup(pytest.RaisesExc(RuntimeError, match="promised"), flatten_subgroups=True):
        async with build_app("things", [spec], settings(tmp_path)).lifespan():
            pass
