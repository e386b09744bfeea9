"""Two services of one app may have a path in common: one takes, the other shows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from litestar import Controller, get, post

from runtime.http.app import build_app
from runtime.http.service import Injected, Resources, ServiceSpec
from tests.support.webhooks import serving, settings


class Taking(Controller):
    path = "/v1/things"

    @post(status_code=202)
    async def take(self, shared: Injected[str]) -> dict[str, str]:
        return {"by": shared}


class Showing(Controller):
    path = "/v1/things"

    @get()
    async def show(self, shared: Injected[str]) -> dict[str, str]:
        return {"by": shared}


def spec(name: str, controller: type[Controller]) -> ServiceSpec:
    @asynccontextmanager
    async def resources(_: Any) -> AsyncIterator[Resources]:
        yield Resources({"shared": name})

    return ServiceSpec(name, (controller,), resources, ("shared",))


async def test_each_method_has_its_own_service_s_resources(tmp_path: Path) -> None:
    app = build_app("both", [spec("taking", Taking), spec("showing", Showing)], settings(tmp_path))
    async with serving(app) as client:
        assert (await client.post("/v1/things")).json() == {"by": "taking"}
        assert (await client.get("/v1/things")).json() == {"by": "showing"}
        refused = await client.put("/v1/things")
        assert refused.status_code == 405
        assert set(refused.headers["allow"].split(", ")) == {"GET", "POST", "OPTIONS"}
        assert (await client.options("/v1/things")).status_code == 204
