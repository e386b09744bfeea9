"""The network does what it is there for, and leaves alone what it must."""

import asyncio
from random import Random

import httpx
import pytest

from proofs.convergence import faulty_transport
from proofs.convergence.faulty_transport import FaultyTransport, Wire
from proofs.convergence.journal import FaultKind


class Seen:
    """A service that answers everything with its number, and what a device hears."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.sent: list[bytes] = []
        self.answers: list[int] = []
        self.faults: list[FaultKind] = []
        self.wire = Wire(httpx.MockTransport(self._serve))

    def client(self, *, faulty: bool = True) -> httpx.AsyncClient:
        transport = FaultyTransport(
            self.wire,
            Random(1),
            faulty=faulty,
            sending=lambda request: self.sent.append(request.content),
            answered=lambda _, response: self.answers.append(int(response.text)),
            noted=self.faults.append,
        )
        return httpx.AsyncClient(transport=transport, base_url="http://service")

    async def _serve(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(request.content)
        return httpx.Response(200, text=str(len(self.bodies)))


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """One kind of fault, always."""
    for share in ("LOST", "ANSWER_LOST", "REPEATED", "LATE", "DELAYED"):
        monkeypatch.setattr(faulty_transport, share, 1.0 if share == request.param else 0.0)
    return str(request.param)


@pytest.mark.parametrize("only", ["LOST"], indirect=True)
async def test_a_lost_request_never_arrives(only: str) -> None:
    seen = Seen()
    async with seen.client() as client:
        with pytest.raises(httpx.ConnectError):
            await client.post("/", content=b"x")
    assert (seen.sent, seen.bodies, seen.answers, seen.faults) == ([b"x"], [], [], ["lost"])


@pytest.mark.parametrize("only", ["ANSWER_LOST"], indirect=True)
async def test_a_lost_answer_has_had_its_effect(only: str) -> None:
    seen = Seen()
    async with seen.client() as client:
        with pytest.raises(httpx.ReadError):
            await client.post("/", content=b"x")
    assert (seen.bodies, seen.answers, seen.faults) == ([b"x"], [], ["answer lost"])


@pytest.mark.parametrize("only", ["REPEATED"], indirect=True)
async def test_a_repeated_request_arrives_twice_and_is_answered_once(only: str) -> None:
    seen = Seen()
    async with seen.client() as client:
        answer = await client.post("/", content=b"x")
    assert (seen.bodies, seen.answers, seen.faults) == ([b"x", b"x"], [int(answer.text)], ["repeated"])


@pytest.mark.parametrize("only", ["LATE"], indirect=True)
async def test_a_late_copy_arrives_behind_others(only: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Seen()
    monkeypatch.setattr(faulty_transport, "_LATEST", 0.1)
    async with seen.client() as client:
        await client.post("/", content=b"first")
        await client.post("/", content=b"second")
        await client.get("/")
        await asyncio.gather(*seen.wire.late)
    assert seen.bodies[:3] == [b"first", b"second", b""]
    assert sorted(seen.bodies[3:]) == [b"first", b"second"], "reading late serves nobody"
    assert seen.answers == [1, 2, 3]


@pytest.mark.parametrize("only", ["LOST"], indirect=True)
async def test_in_the_end_the_network_is_a_good_one(only: str) -> None:
    seen = Seen()
    async with seen.client(faulty=False) as client:
        assert (await client.post("/", content=b"x")).text == "1"
    assert (seen.answers, seen.faults) == ([1], [])
    await seen.wire.close()
