"""Playback and sync end to end, on a system of its own: from one device to another, and reading one's own writes.

100 people with two devices each: the first posts, the second listens on the live channel. Requests leave when they are
due (open loop), and everything, this load generator too, shares the machine.
"""

import asyncio
import itertools
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from devstack.tokens import signer_of
from proofs.benchmarks.lean import LeanClient
from proofs.benchmarks.load import open_loop, percentile
from proofs.figures import Figure
from proofs.system import System, fresh
from runtime import settings as settings_module
from sync_laws import clock

_PEOPLE = 100
_RATE, _WARM, _POSTS = 500.0, 2_000, 20_000
_READS, _READERS = 10_000, 8
_DURATION_MS = 7_200_000
_TOKEN_SECONDS = 7_200


def sync() -> list[Figure]:
    """All bars of the live path in one sitting on one system."""
    home = settings_module.home_from()
    with fresh(home / "bench", home) as system:
        return asyncio.run(_measure(system))


@dataclass(slots=True)
class _Person:
    name: str
    title: str
    posts: dict[str, str]
    """Headers of the device that posts."""
    listens: str
    """Token of the device that listens."""
    sent: dict[int, float] = field(default_factory=dict)
    """When a position's request was due, by position."""


async def _measure(system: System) -> list[Figure]:
    people = [_person(system, number) for number in range(_PEOPLE)]
    client = LeanClient("127.0.0.1", system.settings.ports.sync, most=128)
    delivered: list[float] = []
    try:
        async with _listening(system, people, delivered):
            await _posting(client, people, _WARM)
            await asyncio.sleep(2)
            delivered.clear()
            for person in people:
                person.sent.clear()
            answered = await _posting(client, people, _POSTS)
            await _all_delivered(people)
        missing = sum(len(person.sent) for person in people)
        reads, stale = await _read_own_writes(client, people)
    finally:
        await client.close()
    accepted = [one.seconds for one in answered]
    refused = sum(not one.ok for one in answered)
    live, posts, own = (
        [1000 * percentile(values, share) for share in (0.5, 0.95, 0.99)] for values in (delivered, accepted, reads)
    )
    load = f"{_PEOPLE} × 2 devices, {_RATE:.0f} events/s"
    return [
        Figure.information(f"device to device, {load}, p50", live[0], "ms", len(delivered)),
        Figure.against(f"device to device, {load}, p95", live[1], "ms", "≤", 60, len(delivered)),
        Figure.against(f"device to device, {load}, p99", live[2], "ms", "≤", 150, len(delivered)),
        Figure.against("progress that never arrived", missing, "events", "≤", 0, len(answered)),
        Figure.information("mutation to 202, same load, p50", posts[0], "ms", len(accepted)),
        Figure.against("mutation to 202, same load, p95", posts[1], "ms", "≤", 25, len(accepted)),
        Figure.against("mutation to 202, same load, p99", posts[2], "ms", "≤", 100, len(accepted)),
        Figure.against("mutations refused", refused, "requests", "≤", 0, len(accepted)),
        Figure.information("read your writes with MG-After, p50", own[0], "ms", len(reads)),
        Figure.against("read your writes with MG-After, p95", own[1], "ms", "≤", 60, len(reads)),
        Figure.against("stale reads with MG-After", stale, "reads", "≤", 0, len(reads)),
    ]


def _person(system: System, number: int) -> _Person:
    name = f"bench-{uuid.uuid4().hex[:6]}-{number}"
    signer = signer_of(system.settings.home, system.settings.identity)
    token = signer.sign(name, "poster", (), seconds=_TOKEN_SECONDS)
    return _Person(
        name=name,
        title=f"title-{number}",
        posts={"authorization": f"Bearer {token}", "content-type": "application/json"},
        listens=signer.sign(name, "listener", (), seconds=_TOKEN_SECONDS),
    )


_POSITIONS = itertools.count(1)


async def _posting(client: LeanClient, people: list[_Person], count: int) -> list[Any]:
    began = time.perf_counter()

    async def post(number: int) -> bool:
        person = people[number % len(people)]
        position = next(_POSITIONS) % _DURATION_MS
        person.sent[position] = began + number / _RATE
        status, _, _ = await client.request(
            "POST", _path(person, "sync/mutations"), person.posts, _set(person, position)
        )
        return status == 202

    return await open_loop(post, _RATE, count)


def _path(person: _Person, rest: str) -> str:
    return f"/v1/users/{person.name}/{rest}"


def _set(person: _Person, position: int) -> bytes:
    return msgspec.json.encode(
        {
            "operations": [
                {
                    "op": "progress.set",
                    "operationId": uuid.uuid4().hex,
                    "titleId": person.title,
                    "positionMs": position,
                    "durationMs": _DURATION_MS,
                    "hlc": str(_CLOCK.next()),
                }
            ]
        }
    )


_CLOCK = clock.HybridClock(lambda: time.time_ns() // 1_000_000)


@asynccontextmanager
async def _listening(system: System, people: list[_Person], delivered: list[float]) -> AsyncIterator[None]:
    base = f"ws://127.0.0.1:{system.settings.ports.sync}"
    sockets = [
        await connect(
            f"{base}{_path(person, 'live')}",
            additional_headers={"authorization": f"Bearer {person.listens}"},
            proxy=None,
            compression=None,
        )
        for person in people
    ]
    tasks = [
        asyncio.create_task(_listen(socket, person, delivered)) for socket, person in zip(sockets, people, strict=True)
    ]
    try:
        yield
    finally:
        for socket in sockets:
            await socket.close()
        await asyncio.gather(*tasks)


async def _listen(socket: ClientConnection, person: _Person, delivered: list[float]) -> None:
    """Two positions in one message are one state: the earlier one arrived with the later, which replaces it."""
    try:
        async for text in socket:
            now = time.perf_counter()
            message = json.loads(text)
            for state in message.get("watchStates", ()):
                position = (state.get("position") or {}).get("positionMs")
                while person.sent and position in person.sent:
                    oldest = next(iter(person.sent))
                    delivered.append(now - person.sent.pop(oldest))
                    if oldest == position:
                        break
    except ConnectionClosed:
        return


async def _all_delivered(people: list[_Person]) -> None:
    for _ in range(300):
        if not any(person.sent for person in people):
            return
        await asyncio.sleep(0.1)


async def _read_own_writes(client: LeanClient, people: list[_Person]) -> tuple[list[float], int]:
    """Seconds of each read that follows its write at once, and how many reads did not hold the write."""
    seconds: list[float] = []
    stale = 0

    async def reader(mine: list[_Person]) -> None:
        nonlocal stale
        for number in range(_READS // _READERS):
            person = mine[number % len(mine)]
            position = next(_POSITIONS) % _DURATION_MS
            body = _set(person, position)
            status, headers, _ = await client.request("POST", _path(person, "sync/mutations"), person.posts, body)
            if status != 202:
                stale += 1
                continue
            began = time.perf_counter()
            status, _, answer = await client.request(
                "GET",
                _path(person, f"progress/{person.title}"),
                {**person.posts, "mg-after": headers["mg-position"]},
            )
            seconds.append(time.perf_counter() - began)
            shown = json.loads(answer) if status == 200 else {}
            stale += (shown.get("position") or {}).get("positionMs") != position

    await asyncio.gather(*(reader(people[number::_READERS]) for number in range(_READERS)))
    return seconds, stale
