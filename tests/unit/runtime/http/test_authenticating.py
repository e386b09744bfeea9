"""A toy service that knows its callers: over HTTP in memory, over WebSocket on a real server."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio
import structlog
from litestar import Controller, Litestar, Request, WebSocket, delete, get, post, websocket
from litestar.exceptions import WebSocketException
from litestar.params import FromPath, FromQuery
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from runtime.http import serving as http_serving
from runtime.http.app import build_app
from runtime.http.authenticating import TOKEN_IN_QUERY
from runtime.http.identity import Caller
from runtime.http.problems import CONFLICT, Problem, documented
from runtime.http.service import Injected, Resources, ServiceSpec
from runtime.settings import IdentitySettings
from tests.support import tokens
from tests.support.apps import app_of
from tests.support.webhooks import serving, settings

REALM = 'Bearer realm="media-gateway"'
Socket = WebSocket[Any, Any, Any]


class NotesController(Controller):
    path = "/v1/users/{user_id:str}/notes"

    @get("/", operation_id="ListNotes", responses=documented(CONFLICT))
    async def listed(self, user_id: FromPath[str], caller: Injected[Caller]) -> dict[str, Any]:
        return {"of": user_id, "by": caller.user_id, "device": caller.device_id, "region": caller.region}

    @post("/", operation_id="AddNote")
    async def added(self, user_id: FromPath[str]) -> str:
        return user_id

    @delete("/", operation_id="DropNotes")
    async def dropped(self, user_id: FromPath[str]) -> None:
        assert user_id

    @get("/live", operation_id="FollowNotes", opt=TOKEN_IN_QUERY)
    async def followed(self, user_id: FromPath[str], request: Request[Any, Any, Any], since: FromQuery[int] = 0) -> str:
        if since == 3:
            raise KeyError(request.url)
        return f"{user_id} {request.url.query}"

    @websocket("/live")
    async def channel(
        self, socket: Socket, user_id: FromPath[str], caller: Injected[Caller], since: FromQuery[int] = 0
    ) -> None:
        if since == 1:
            raise Problem(CONFLICT, "too early")
        await socket.accept()
        await socket.send_json({"of": user_id, "by": caller.user_id, "query": socket.scope["query_string"].decode()})
        if since == 2:
            raise Problem(CONFLICT, "é" * 100)
        if since == 3:
            raise KeyError("a secret detail")
        if since == 4:
            raise WebSocketException(detail="as the handler wants", code=4999)
        await socket.receive_text()


class CallersController(Controller):
    path = "/v1/me"

    @get("/", operation_id="GetMe")
    async def me(self, caller: Injected[Caller]) -> list[str]:
        return sorted(caller.scopes)


class OpenController(Controller):
    path = "/v1/open"

    @get("/", operation_id="GetOpen")
    async def anybody(self) -> str:
        return "anybody"


@asynccontextmanager
async def nothing(_: Any) -> AsyncIterator[Resources]:
    yield Resources({})


def specs() -> list[ServiceSpec]:
    known = ServiceSpec("notes", (NotesController, CallersController), nothing, (), authenticated=True)
    public = ServiceSpec("open", (OpenController,), nothing, ())
    return [known, public]


def app(tmp: Path, identity: IdentitySettings = tokens.IDENTITY) -> Litestar:
    return app_of("notes", specs(), settings(tmp, identity=identity))


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(app(tmp_path)) as found:
        yield found


def problem(response: httpx.Response, status: int, slug: str) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert (body["type"], body["requestId"]) == (f"/problems/{slug}", response.headers["x-request-id"])
    return str(body.get("detail", ""))


async def test_a_caller_reaches_the_handler(client: httpx.AsyncClient) -> None:
    headers = tokens.bearer("ann", "tv", region="CH")
    expected = {"of": "ann", "by": "ann", "device": "tv", "region": "CH"}
    assert (await client.get("/v1/users/ann/notes", headers=headers)).json() == expected
    assert (await client.head("/v1/users/ann/notes", headers=headers)).status_code == 200
    assert (await client.post("/v1/users/ann/notes", headers=headers)).status_code == 201
    assert (await client.get("/v1/me", headers=tokens.bearer("ann", "tv", "b", "a"))).json() == ["a", "b"]


@pytest.mark.parametrize("user", ["Ann Lee", "ann@example.org", "ünï", "a%b", "a+b", "a?b#c", "a\\b", "..a"])
async def test_a_users_name_in_a_path(client: httpx.AsyncClient, user: str) -> None:
    path = f"/v1/users/{quote(user, safe='')}/notes"
    assert (await client.get(path, headers=tokens.bearer(user))).json()["of"] == user
    problem(await client.get(path, headers=tokens.bearer("ann")), 403, "forbidden")


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic YW5uOnBhc3N3b3Jk", "Token x", "bearer\t"])
async def test_no_token(client: httpx.AsyncClient, value: str) -> None:
    for headers in ({}, {"Authorization": value}):
        for path in ("/v1/users/ann/notes", "/v1/me", "/v1/users/ann/notes?unknown=1"):
            response = await client.get(path, headers=headers)
            assert problem(response, 401, "unauthenticated") == "Send a token as `Authorization: Bearer …`."
            assert response.headers["www-authenticate"] == REALM


async def test_a_bad_token_says_so(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/me", headers=tokens.bearer(exp=1))
    assert problem(response, 401, "unauthenticated") == "The token has expired."
    assert response.headers["www-authenticate"] == (
        f'{REALM}, error="invalid_token", error_description="The token has expired"'
    )
    assert response.headers["cache-control"] == "no-store"
    huge = await client.get("/v1/me", headers={"Authorization": "Bearer " + "x" * 100_000})
    assert "longer than" in problem(huge, 401, "unauthenticated")
    odd = await client.get("/v1/me", headers={b"Authorization": b"Bearer \xff\xfe.\x80.\xff"})
    assert problem(odd, 401, "unauthenticated") == "The token is not a signed JWT."


async def test_one_token_once(client: httpx.AsyncClient) -> None:
    twice = [("Authorization", f"Bearer {tokens.token()}")] * 2
    problem(await client.get("/v1/me", headers=twice), 400, "invalid-request")
    both = f"/v1/users/ann/notes/live?access_token={tokens.token()}"
    problem(await client.get(both, headers=tokens.bearer()), 400, "invalid-request")
    token = tokens.token()
    problem(
        await client.get(f"/v1/users/ann/notes/live?access_token={token}&access_token={token}"), 400, "invalid-request"
    )


@pytest.mark.parametrize(
    ("scopes", "reads", "writes"),
    [
        ((), 403, 403),
        (("users:read",), 200, 403),
        (("users:write",), 200, 201),
        (("users:read", "users:write"), 200, 201),
        (("users",), 403, 403),
        (("users:reading", "Users:Read", "users:*"), 403, 403),
    ],
)
async def test_others_paths(client: httpx.AsyncClient, scopes: tuple[str, ...], reads: int, writes: int) -> None:
    headers = tokens.bearer("ann", "tv", *scopes)
    read = await client.get("/v1/users/bob/notes", headers=headers)
    written = await client.post("/v1/users/bob/notes", headers=headers)
    assert (read.status_code, written.status_code) == (reads, writes)
    assert (await client.delete("/v1/users/bob/notes", headers=headers)).status_code == (204 if writes == 201 else 403)
    if writes == 403:
        assert problem(written, 403, "forbidden") == "The path is another user's than the token's."
        assert written.headers["www-authenticate"] == f'{REALM}, error="insufficient_scope"'


async def test_similar_names_are_not_the_same(client: httpx.AsyncClient) -> None:
    for other in ("Ann", "ann ", "an", "anne", "\u0430nn"):
        problem(await client.get(f"/v1/users/{quote(other)}/notes", headers=tokens.bearer("ann")), 403, "forbidden")


async def test_the_query_carries_a_token_on_live_routes_only(client: httpx.AsyncClient) -> None:
    token = tokens.token()
    response = await client.get(f"/v1/users/ann/notes/live?access_token={token}&since=5")
    assert response.text == "ann since=5"  # and it is gone from the address
    problem(await client.get(f"/v1/users/bob/notes/live?access_token={token}"), 403, "forbidden")
    problem(await client.get("/v1/users/ann/notes/live?access_token="), 401, "unauthenticated")
    problem(await client.get(f"/v1/users/ann/notes?access_token={token}"), 401, "unauthenticated")
    refused = await client.get(f"/v1/users/ann/notes?access_token={token}", headers=tokens.bearer())
    problem(refused, 400, "unknown-parameter")
    wrong = await client.get(f"/v1/users/ann/notes/live?access_token={token}&since=x")
    problem(wrong, 400, "invalid-request")
    assert token not in refused.text + wrong.text


async def test_tokens_are_in_no_log(client: httpx.AsyncClient) -> None:
    token = tokens.token()
    with structlog.testing.capture_logs() as logs:
        failed = await client.get(f"/v1/users/ann/notes/live?access_token={token}&since=3")
        await client.get("/v1/users/ann/notes", headers={"Authorization": f"Bearer {token}x"})
    problem(failed, 500, "internal")
    assert {entry["event"] for entry in logs} == {"request_failed", "http_request"}
    assert token not in str(logs) + failed.text


async def test_services_beside_it_stay_open(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/open")).text == "anybody"
    assert (await client.get("/health/ready")).status_code == 200
    problem(await client.get("/v1/open?access_token=x"), 400, "unknown-parameter")
    problem(await client.get("/v1/users/ann/nowhere"), 404, "not-found")


async def test_without_keys_the_service_starts_and_lets_nobody_in(tmp_path: Path) -> None:
    async with serving(app(tmp_path, IdentitySettings())) as client:
        response = await client.get("/v1/me", headers=tokens.bearer())
        assert "MG_AUTH_JWKS" in problem(response, 401, "unauthenticated")
        assert response.headers["www-authenticate"] == REALM
        assert (await client.get("/v1/open")).status_code == 200


async def test_the_document_says_what_to_send(client: httpx.AsyncClient) -> None:
    document = (await client.get("/schema/openapi.json")).json()
    assert set(document["components"]["securitySchemes"]) == {"bearer", "bearerInQuery"}
    paths = document["paths"]
    notes, me, live = paths["/v1/users/{user_id}/notes"], paths["/v1/me"], paths["/v1/users/{user_id}/notes/live"]
    for operation in (notes["get"], notes["post"], notes["delete"]):
        assert operation["security"] == [{"bearer": []}]
        assert {"401", "403"} <= set(operation["responses"])
    assert "409" in notes["get"]["responses"]
    assert me["get"]["security"] == [{"bearer": []}]
    assert "401" in me["get"]["responses"]
    assert "403" not in me["get"]["responses"]
    assert live["get"]["security"] == [{"bearer": []}, {"bearerInQuery": []}]
    public = paths["/v1/open"]["get"]
    assert "security" not in public
    assert "401" not in public["responses"]
    assert "application/problem+json" in notes["get"]["responses"]["401"]["content"]


# One server for all: to end one takes uvicorn a fifth of a second. Its tests run in its loop.
on_the_server = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address() -> AsyncIterator[str]:
    served = build_app("notes", specs(), settings(Path("/nonexistent"), identity=tokens.IDENTITY))
    running = await http_serving.start([http_serving.Listener(served, 0)])
    try:
        yield f"ws://127.0.0.1:{running.ports[0]}/v1/users/ann/notes/live"
    finally:
        await running.stop()


@asynccontextmanager
async def channel(address: str, headers: dict[str, str] | None = None) -> AsyncIterator[ClientConnection]:
    async with connect(address, additional_headers=headers or {}, proxy=None) as found:
        yield found


@on_the_server
async def test_a_socket_takes_the_token_from_header_or_query(address: str) -> None:
    async with channel(address, tokens.bearer()) as socket:
        assert json.loads(await socket.recv()) == {"of": "ann", "by": "ann", "query": ""}
    async with channel(f"{address}?access_token={tokens.token()}&since=7") as socket:
        assert json.loads(await socket.recv()) == {"of": "ann", "by": "ann", "query": "since=7"}
    async with channel(address.replace("/ann/", "/bob/"), tokens.bearer("ann", "tv", "users:read")) as socket:
        assert json.loads(await socket.recv())["of"] == "bob"


@pytest.mark.parametrize(
    ("user", "query", "status", "slug"),
    [
        ("ann", "", 401, "unauthenticated"),
        ("ann", "access_token=x", 401, "unauthenticated"),
        ("ann", f"access_token={tokens.token(exp=1)}", 401, "unauthenticated"),
        ("ann", f"access_token={tokens.token('bob')}", 403, "forbidden"),
        ("ann", f"access_token={tokens.token()}&since=x", 400, "invalid-request"),
        ("ann", f"access_token={tokens.token()}&other=x", 400, "unknown-parameter"),
        ("ann", f"access_token={tokens.token()}&since=1", 409, "conflict"),
        ("a%00nn", f"access_token={tokens.token('ann', 'tv', 'users:read')}", 400, "invalid-request"),
    ],
)
@on_the_server
async def test_a_refused_handshake_is_an_http_answer(
    address: str, user: str, query: str, status: int, slug: str
) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await channel(f"{address.replace('/ann/', f'/{user}/')}?{query}").__aenter__()
    answer = caught.value.response
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.body is not None
    body = json.loads(answer.body)
    assert (body["type"], body["status"]) == (f"/problems/{slug}", status)
    assert ("www-authenticate" in answer.headers) == (status in (401, 403))
    token = query.removeprefix("access_token=").partition("&")[0]
    assert len(token) < 5 or token.encode() not in answer.body


@pytest.mark.parametrize(
    ("since", "code", "reason"),
    [
        (2, 4409, "conflict: " + "é" * 56),
        (3, 4500, "internal: Something went wrong here"),
        (4, 4999, "as the handler wants"),
    ],
)
@on_the_server
async def test_an_open_channel_ends_with_the_problems_code(address: str, since: int, code: int, reason: str) -> None:
    async with channel(f"{address}?since={since}", tokens.bearer()) as socket:
        await socket.recv()
        with pytest.raises(ConnectionClosed) as caught:
            await socket.recv()
    assert caught.value.rcvd is not None
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (code, reason)
