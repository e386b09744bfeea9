"""What the journals of devices say becomes what the checker compares with the log."""

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from proofs.convergence.journal import Did, Journal, Played, Record, Reported, Sent
from proofs.convergence.plan import Member
from proofs.ledger.devices import posted
from proofs.ledger.playing import Player
from sync_client import Unreachable
from sync_laws.tags import tag_of

OWNER = ("ann", "phone")


def sent(operation_id: str, hlc: int, **fields: Any) -> Sent:
    return Sent(*OWNER, {"operationId": operation_id, "hlc": str(hlc), **fields})


def playing(number: int, hlc: int, kind: str) -> Played:
    body = {"eventId": f"e-{number}", "hlc": str(hlc), "kind": kind, "sessionId": "s-1", "titleId": "t-1"}
    return Played(*OWNER, body | {"positionMs": number})


JOURNAL: list[Record] = [
    Did(*OWNER, "b", "watchlist.add", "w-1"),
    Did(*OWNER, "a", "preference.set", "p.1"),
    Played(*OWNER, playing(0, 7, "started").body),
    sent("b", 9, op="watchlist.add", titleId="w-1"),
    sent("a", 8, op="preference.set", name="p.1", value=3),
    Reported(*OWNER, (tag_of(*OWNER, "a"),)),
    playing(1, 10, "stopped"),
]


def test_in_the_order_of_the_clock_with_what_was_answered() -> None:
    found = posted(JOURNAL, flushed=False)
    assert [(each.topic, each.subject, each.hlc, each.acknowledged) for each in found] == [
        ("playback-events", "t-1", 7, False),
        ("preference-changes", "p.1", 8, True),
        ("watchlist-changes", "w-1", 9, False),
        ("playback-events", "t-1", 10, False),
    ]
    assert found[0].event_id == tag_of(*OWNER, "playback:e-0")
    assert found[3].value == {"session": "s-1", "position_ms": 1, "last": True}


def test_what_a_call_has_returned_from_is_due_once_the_queues_were_emptied() -> None:
    forgotten = [*JOURNAL, Did(*OWNER, "c", "watchlist.remove", "w-1")]
    found = {each.event_id: each for each in posted(forgotten, flushed=True)}
    assert all(each.acknowledged for each in found.values())
    lost = found[tag_of(*OWNER, "c")]
    assert (lost.topic, lost.subject) == ("watchlist-changes", "w-1")


def test_what_was_sent_before_the_call_was_noted_was_asked_for_too() -> None:
    (found,) = posted([sent("x", 5, op="watchlist.move", titleId="w-2")], flushed=False)
    assert (found.topic, found.subject, found.acknowledged) == ("watchlist-changes", "w-2", False)


class Service:
    """Takes what it is sent, or is not there."""

    def __init__(self) -> None:
        self.status = 202
        self.bodies: list[bytes] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(request.content)
        return httpx.Response(self.status)


def player(path: Path, service: Service, known: list[Played], reported: set[str]) -> Player:
    member = Member(*OWNER, "token", ())
    http = httpx.AsyncClient(transport=httpx.MockTransport(service))
    return Player(member, Journal(path), http, "http://playback", Random(1), known, reported)


def test_a_next_life_reports_what_the_last_one_did_not_and_ends_its_session(tmp_path: Path) -> None:
    service = Service()
    known = [playing(0, 7, "started"), playing(1, 8, "progressed")]
    again = player(tmp_path / "1", service, known, {tag_of(*OWNER, "playback:e-0")})
    again.act()
    service.status = 503
    with pytest.raises(Unreachable):
        asyncio.run(again.report())
    service.status = 202
    asyncio.run(again.report())
    assert b"e-0" not in service.bodies[-1]
    assert service.bodies[-1].index(b"e-1") < service.bodies[-1].index(b"e-2")
    assert b'"kind":"stopped"' in service.bodies[-1]
    count = len(service.bodies)
    asyncio.run(again.report())
    assert len(service.bodies) == count
