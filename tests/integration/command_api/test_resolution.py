"""Operators decide over HTTP, entity resolution reads it, and the same service shows what became of it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import psycopg
import pytest

from command_api.intake import Intake
from command_api.services import resolution as commands
from command_api.services.resolution.decisions import Decisions
from command_api.services.resolution.reader import PostgresRegistry
from query_api.services import resolution as queries
from runtime.clock import FrozenClock
from runtime.connections import postgres
from runtime.http.app import build_app
from runtime.http.auth import operators_of
from runtime.http.service import Resources, ServiceSpec
from runtime.settings import Secret, Settings
from schemas import codec
from schemas.envelope import Position
from schemas.types import AnyEvent
from schemas.types.catalog import MergeRequested, SplitRequested
from streams.engine.spec import Received
from streams.processors.entity_resolution.lookup import EntityResolution
from tests.support import tokens
from tests.support.backends import PostgresDatabase
from tests.support.canonical_items import MOMENT, an_item, upserted
from tests.support.commands import QUOTA, MemoryOperationIds, pointers, problem
from tests.support.migrated import migrated, settings
from tests.support.webhooks import NOW, MemoryLog, serving

__all__ = ["migrated", "settings"]
ADA = tokens.bearer("ada", "desk", "operator")
SHARED = {"authorization": "Bearer t0ken"}
AMBER, BIRCH = an_item("Amber Road by the Sea", 1999), an_item("Birch Lane at Dawn", 1980)
NOBODY = "00000000-0000-4000-8000-000000000000"


class Desk:
    """The service, and entity resolution when it is told to read."""

    def __init__(self, client: httpx.AsyncClient, log: MemoryLog, dsn: str) -> None:
        self.client, self.log = client, log
        self._dsn = dsn
        self._read = 0

    async def post(self, kind: str, name: str, headers: dict[str, str] | None = None, **members: Any) -> httpx.Response:
        body = {"kind": kind, "decisionId": name, "reason": f"because of {name}", **members}
        return await self.client.post(
            "/v1/resolution/decisions", json=body, headers=ADA if headers is None else headers
        )

    async def decide(self, kind: str, name: str, **members: Any) -> dict[str, Any]:
        """Accepted and read; the decision as it is shown then."""
        answer = await self.post(kind, name, **members)
        assert answer.status_code == 202, answer.text
        self.read()
        return await self.get(f"/v1/resolution/decisions/{name}")

    async def get(self, path: str) -> dict[str, Any]:
        answer = await self.client.get(path, headers=SHARED)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    @property
    def events(self) -> list[AnyEvent]:
        return [codec.decode(message.value or b"") for message in self.log.messages]

    def read(self) -> None:
        batch = [
            Received(event, Position("title-decisions", 0, place), None, NOW) for place, event in enumerate(self.events)
        ]
        self._feed(batch[self._read :])
        self._read = len(batch)

    def items(self, **items: Any) -> dict[str, str]:
        """Titles by item. Each call is a delivery of new items of providers of this test."""
        found = [upserted(name.replace("_", ":"), item) for name, item in items.items()]
        self._feed([Received(event, Position("provider-items", 0, 0), None, MOMENT) for event in found])
        return self.titles()

    def titles(self) -> dict[str, str]:
        with psycopg.connect(self._dsn) as connection:
            return dict(
                connection.execute("SELECT provider || '_' || native_id, title_id::text FROM provider_items").fetchall()
            )

    def _feed(self, batch: list[Received]) -> None:
        with psycopg.connect(self._dsn) as connection, connection.cursor() as cursor:
            EntityResolution().decide(cursor, batch)


@pytest.fixture(autouse=True)
def emptied(migrated: PostgresDatabase) -> Iterator[None]:
    yield
    with psycopg.connect(migrated.dsn) as connection:
        connection.execute(
            "TRUNCATE titles, provider_items, title_external_ids, title_blocks, title_redirects, resolution_log, "
            "resolution_reviews, resolution_decisions, resolution_constraints"
        )


@pytest.fixture
async def desk(settings: Settings, migrated: PostgresDatabase) -> AsyncIterator[Desk]:
    ready = msgspec.structs.replace(settings, operator_token=Secret("t0ken"), identity=tokens.IDENTITY)
    log, ids = MemoryLog(), MemoryOperationIds()

    @asynccontextmanager
    async def resources(_: Settings) -> AsyncIterator[Resources]:
        pool = postgres.reader_pool(ready.postgres_reader_dsn, "test", size=1)
        await pool.open()
        intake = Intake("resolution", ids=ids, log=log, quota=QUOTA)
        decisions = Decisions(intake, PostgresRegistry(pool), FrozenClock(NOW))
        yield Resources({"decisions": decisions, "operators": operators_of(ready)})
        await pool.close()

    spec = ServiceSpec("resolution-commands", commands.SPEC.controllers, resources, commands.SPEC.dependencies)
    async with serving(build_app("discovery", [queries.SPEC, spec], ready)) as client:
        yield Desk(client, log, migrated.dsn)


async def test_a_merge_from_the_desk_to_the_history(desk: Desk) -> None:
    titles = desk.items(alpha_1=AMBER, beta_1=AMBER, gamma_1=BIRCH)
    large, small = titles["alpha_1"], titles["gamma_1"]
    answer = await desk.post("merge", "d-1", titleId=small, otherTitleId=large)
    assert answer.status_code == 202, answer.text
    assert answer.headers["MG-Position"].startswith("title-decisions:")
    assert answer.json()["positions"] == [answer.headers["MG-Position"]]
    (event,) = desk.events
    assert isinstance(event, MergeRequested)
    assert (event.operator, event.reason, event.decision_id) == ("ada", "because of d-1", "d-1")
    assert [item.provider for item in event.other_items] == ["alpha", "beta"]
    assert (await desk.client.get("/v1/resolution/decisions/d-1", headers=ADA)).status_code == 404, "not read yet"
    desk.read()
    found = await desk.get("/v1/resolution/decisions/d-1")
    assert (found["kind"], found["outcome"], found["detail"], found["operator"]) == (
        "merge",
        "applied",
        "merged",
        "ada",
    )
    history = await desk.get(f"/v1/titles/{small}/history")
    assert (history["status"], history["successorId"]) == ("merged", large)
    decided = [entry["decision"] for entry in history["entries"] if entry["decision"]]
    assert {(each["operator"], each["reason"], each["kind"]) for each in decided} == {
        ("ada", "because of d-1", "merge")
    }
    assert history["entries"][0]["decision"] is None


async def test_every_kind_and_the_list_of_them(desk: Desk) -> None:
    titles = desk.items(
        gamma_1=an_item("Cedar", 2000), beta_2=an_item("Cedar", 2001), alpha_3=BIRCH, beta_3=BIRCH, gamma_3=BIRCH
    )
    assert len((await desk.get("/v1/resolution/reviews"))["reviews"]) == 1
    item = {"provider": "beta", "item": "2"}
    rejected = await desk.decide("reject", "d-1", item=item, titleId=titles["gamma_1"])
    assert (rejected["outcome"], rejected["detail"]) == ("applied", "already_apart")
    assert (await desk.get("/v1/resolution/reviews"))["reviews"] == []
    confirmed = await desk.decide("confirm", "d-2", item=item, titleId=titles["gamma_1"])
    assert (confirmed["outcome"], confirmed["detail"]) == ("refused", "contradicts d-1")
    await desk.decide("undo", "d-3", undoes="d-1")
    assert len((await desk.get("/v1/resolution/reviews"))["reviews"]) == 1
    assert (await desk.decide("confirm", "d-4", item=item, titleId=titles["gamma_1"]))["detail"] == "merged"
    parts = [{"provider": "alpha", "item": "3"}]
    assert (await desk.decide("split", "d-5", titleId=titles["alpha_3"], items=parts))["detail"] == "split"
    assert (await desk.get("/v1/resolution/decisions/d-1"))["undoneBy"] == "d-3"
    first = await desk.get("/v1/resolution/decisions?limit=3")
    second = await desk.get(f"/v1/resolution/decisions?limit=3&cursor={first['nextCursor']}")
    shown = [each["decisionId"] for page in (first, second) for each in page["decisions"]]
    assert shown == ["d-5", "d-4", "d-3", "d-2", "d-1"]
    assert second["nextCursor"] is None


async def test_a_merged_title_stands_for_its_successor(desk: Desk) -> None:
    titles = desk.items(alpha_1=AMBER, beta_1=AMBER, gamma_1=BIRCH)
    large, small = titles["alpha_1"], titles["gamma_1"]
    await desk.decide("merge", "d-1", titleId=small, otherTitleId=large)
    gone = await desk.decide("split", "d-2", titleId=small, items=[{"provider": "beta", "item": "1"}])
    assert (gone["outcome"], gone["titleId"], gone["detail"]) == ("applied", large, "split")
    event = desk.events[-1]
    assert isinstance(event, SplitRequested)
    assert {item.provider for item in event.staying} == {"alpha", "gamma"}
    problem(await desk.post("merge", "d-3", titleId=small, otherTitleId=large), 422, "invalid-content")


async def test_a_repetition_is_appended_once_and_another_content_is_refused(desk: Desk) -> None:
    titles = desk.items(alpha_1=AMBER, gamma_1=BIRCH)
    both: dict[str, Any] = {"titleId": titles["alpha_1"], "otherTitleId": titles["gamma_1"]}
    first = await desk.post("merge", "d-1", **both)
    assert first.status_code == 202
    for read in (False, True):
        if read:
            desk.read()  # from now on the registry knows it, for ever
        again = await desk.post("merge", "d-1", **both)
        assert again.status_code == 202
        assert len(desk.log.messages) == 1
        problem(await desk.post("merge", "d-1", **both, reason="another"), 409, "operation-conflict")
        problem(await desk.post("merge", "d-1", SHARED, **both), 409, "operation-conflict")
        assert len(desk.log.messages) == 1


async def test_two_at_the_same_time_are_appended_once(desk: Desk) -> None:
    titles = desk.items(alpha_1=AMBER, gamma_1=BIRCH)
    both: dict[str, Any] = {"titleId": titles["alpha_1"], "otherTitleId": titles["gamma_1"]}
    answers = await asyncio.gather(*(desk.post("merge", "d-1", **both) for _ in range(4)))
    assert {answer.status_code for answer in answers} <= {202, 425}
    assert len(desk.log.messages) == 1


async def test_nothing_is_accepted_before_kafka_has_it(desk: Desk) -> None:
    titles = desk.items(alpha_1=AMBER, gamma_1=BIRCH)
    both: dict[str, Any] = {"titleId": titles["alpha_1"], "otherTitleId": titles["gamma_1"]}
    desk.log.fail = 0
    answer = await desk.post("merge", "d-1", **both)
    problem(answer, 503, "unavailable")
    assert "MG-Position" not in answer.headers
    desk.log.fail = None
    assert (await desk.post("merge", "d-1", **both)).status_code == 202


@pytest.mark.parametrize(
    ("kind", "members", "wrong"),
    [
        ("merge", {"titleId": NOBODY, "otherTitleId": "ONE"}, ["#/titleId"]),
        ("merge", {"titleId": "ONE", "otherTitleId": "ONE"}, ["#/otherTitleId"]),
        ("merge", {"titleId": "nobody", "otherTitleId": "ONE"}, ["#/titleId"]),
        ("merge", {"titleId": "ONE"}, ["#"]),
        ("split", {"titleId": "ONE", "items": []}, ["#/items"]),
        ("split", {"titleId": "ONE", "items": [{"provider": "gamma", "item": "1"}]}, ["#/items/0"]),
        ("split", {"titleId": "ONE", "items": [{"provider": p, "item": "1"} for p in ("alpha", "beta")]}, ["#/items"]),
        ("split", {"titleId": "ONE", "items": [{"provider": "beta", "item": "1"}] * 2}, ["#/items/1"]),
        ("confirm", {"titleId": "ONE", "item": {"provider": "delta", "item": "1"}}, ["#/item"]),
        ("reject", {"titleId": NOBODY, "item": {"provider": "delta", "item": "1"}}, ["#/titleId", "#/item"]),
        ("reject", {"titleId": "ONE", "item": {"provider": "beta", "item": "\0"}}, ["#/item/item"]),
        ("undo", {"undoes": "d-0"}, ["#/undoes"]),
        ("undo", {"undoes": "d-1"}, ["#/undoes"]),
        ("undo", {"undoes": "d-0", "titleId": "ONE"}, ["#"]),
        ("marry", {"titleId": "ONE"}, ["#/kind"]),
    ],
)
async def test_every_bad_place_is_named_and_nothing_is_appended(
    desk: Desk, kind: str, members: dict[str, Any], wrong: list[str]
) -> None:
    titles = desk.items(alpha_1=AMBER, beta_1=AMBER, gamma_1=BIRCH)
    members = {name: titles["alpha_1"] if value == "ONE" else value for name, value in members.items()}
    answer = await desk.post(kind, "d-1", **members)
    problem(answer, 422, "invalid-content")
    assert pointers(answer) == wrong
    assert desk.log.messages == []


async def test_only_operators_decide_and_look(desk: Desk) -> None:
    titles = desk.items(alpha_1=AMBER, gamma_1=BIRCH)
    both: dict[str, Any] = {"titleId": titles["alpha_1"], "otherTitleId": titles["gamma_1"]}
    for headers, status in (
        ({"authorization": ""}, 401),
        ({"authorization": "Bearer t0ke"}, 401),
        ({"authorization": "Bearer a.b.c"}, 401),
        (tokens.bearer("ann", "tv"), 403),
        (tokens.bearer("ann", "tv", "users:write"), 403),
    ):
        assert (await desk.post("merge", "d-1", headers, **both)).status_code == status
        for path in ("reviews", "decisions", "decisions/d-1"):
            assert (await desk.client.get(f"/v1/resolution/{path}", headers=headers)).status_code == status
    assert desk.log.messages == []
    assert (await desk.post("merge", f"d-{uuid4().hex}", SHARED, **both)).status_code == 202
    (event,) = desk.events
    assert isinstance(event, MergeRequested)
    assert event.operator == "operator", "the installation's token says no more"
