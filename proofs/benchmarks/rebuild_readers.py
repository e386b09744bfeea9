"""Readers of every read model while it is rebuilt, and what is written for them to see.

What a reader has seen must be there at each later answer: rows by their ids, and of what is written all the time the
newest that was shown.
"""

import asyncio
import hashlib
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

import msgspec
from msgspec import Struct
from standardwebhooks import Webhook

from bootstrap import outcomes
from bootstrap.importing import signed
from devstack.tokens import signer_of
from proofs.benchmarks.lean import LeanClient
from proofs.load.films import PROVIDER
from proofs.stamps import stamp_of
from proofs.system import System, SystemFailed
from runtime.http.identity import READ_USERS
from sync_laws import clock, rank

_SECONDS_BETWEEN: Final = 0.4
_PAUSE_SECONDS: Final = 0.01
_NEW_FILM_EVERY: Final = 5
_ON_THE_LIST: Final = 40
_OTHERS: Final = 10
_DEVICE, _PREFERENCE, _PROBE = "tv", "p.newest", "probe"
_PLACES: Final = rank.spread(None, None, 9)
_SERVICES: Final = ("ingestion", "playback", "sync", "discovery")


class Seen(Struct, frozen=True):
    """`level` never falls and no id ever goes."""

    level: Any = 0
    ids: frozenset[str] = frozenset()


class Look(Struct, frozen=True):
    service: str
    path: str
    seen: Callable[[Any], Seen]


class Stage:
    """`stir` writes into every read model, `read` looks at one; `wrong` counts answers that should not have been."""

    def __init__(self, system: System, titles: Sequence[str], names: Sequence[str], people: Sequence[str]) -> None:
        """`titles`, films by these `names` and `people` are there already and touched by nobody."""
        self._system = system
        self._titles, self._names, self._people = titles[:_OTHERS], names[:_OTHERS], people[:_OTHERS]
        self._list = titles[:_ON_THE_LIST]
        self._clients = {name: LeanClient("127.0.0.1", getattr(system.settings.ports, name)) for name in _SERVICES}
        self._user = f"reader-{uuid.uuid4().hex[:6]}"
        signer = signer_of(system.settings.home, system.settings.identity)
        token = signer.sign(self._user, _DEVICE, (READ_USERS,), seconds=24 * 3600)
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        self._operator = {"authorization": f"Bearer {system.settings.operator_token.reveal()}"}
        secret = next(one for one in system.settings.providers if one.name == PROVIDER).secrets[0]
        self._webhook = Webhook(secret.reveal())
        self._clock = clock.HybridClock(lambda: time.time_ns() // 1_000_000)
        self._turn = 0
        self._film = ""
        self._older = ""
        self.wrong: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()

    async def begin(self) -> None:
        """Something in every read model. Raises SystemFailed."""
        for _ in range(_NEW_FILM_EVERY):
            await self._write()
        await asyncio.to_thread(outcomes.wait_until_done, self._system.settings, "what is written for the readers")
        self._film = (await asyncio.to_thread(outcomes.title_ids, self._system.settings, PROVIDER))[_PROBE]
        page = await self._get(Look("ingestion", f"/v1/providers/{PROVIDER}/deliveries?limit=20", _no_matter))
        self._older = page["nextCursor"]

    async def stir(self) -> None:
        """Until it is cancelled."""
        while True:
            due = asyncio.get_running_loop().time() + _SECONDS_BETWEEN
            await self._write()
            await asyncio.sleep(max(due - asyncio.get_running_loop().time(), 0))

    async def read(self, read_model: str) -> None:
        """Until it is cancelled."""
        known: dict[str, Seen] = {}
        while True:
            for look in self._looks(read_model):
                try:
                    found = look.seen(await self._get(look))
                except (SystemFailed, OSError, EOFError) as error:
                    self.wrong[f"{read_model}: {error!r}"] += 1
                else:
                    before = known.get(look.path, Seen(found.level))
                    if found.level < before.level:
                        self.wrong[f"{read_model}: goes back"] += 1
                    if not found.ids >= before.ids:
                        self.wrong[f"{read_model}: a row is missing"] += 1
                    known[look.path] = Seen(max(found.level, before.level), found.ids | before.ids)
                self.answers[read_model] += 1
                await asyncio.sleep(_PAUSE_SECONDS)

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()

    async def _get(self, look: Look) -> Any:
        headers = self._operator if look.service == "ingestion" else self._headers
        status, _, body = await self._clients[look.service].request("GET", look.path, headers)
        if status != 200:
            raise SystemFailed(f"{status} {body[:200]!r}")
        return msgspec.json.decode(body)

    # What readers look at -------------------------------------------------------------------------------------------

    def _looks(self, read_model: str) -> list[Look]:
        own = f"/v1/users/{self._user}"
        match read_model:
            case "title_catalog":
                return [Look("discovery", f"/v1/titles/{one}", _version) for one in (self._film, *self._titles)]
            case "availability":
                known = [Look("discovery", f"/v1/titles/{one}/availability", _offers) for one in self._titles]
                return [Look("discovery", f"/v1/titles/{self._film}/availability", _starts), *known]
            case "availability_changes":
                path = "/v1/availability/changes?limit=1000"
                return [Look("discovery", each, _changes) for each in (path, f"{path}&titleId={self._film}")]
            case "title_search":
                newest = [_name(number) for number in range(self._turn // _NEW_FILM_EVERY)][-3:]
                return [
                    Look("discovery", f"/v1/search?limit=50&q={quote(name)}", _found)
                    for name in (*newest, *self._names)
                ]
            case "provider_deliveries":
                path = f"/v1/providers/{PROVIDER}/deliveries?limit=100"
                return [
                    Look("ingestion", path, _newest_delivery),
                    Look("ingestion", f"{path}&cursor={quote(self._older)}", _deliveries),
                ]
            case "watch_state":
                others = [f"/v1/users/{one}/continue-watching?limit=100" for one in self._people]
                return [
                    Look("sync", f"{own}/progress/{self._titles[0]}", _position),
                    *(Look("sync", path, _ids("items", "titleId")) for path in others),
                ]
            case "trending":
                return [Look("discovery", f"/v1/trending?limit=100&window={one}", _trend) for one in ("24h", "7d")]
        path, members = {
            "watchlist": ("watchlist?limit=100", ("items", "titleId")),
            "playback_history": ("history?limit=100", ("sessions", "sessionId")),
            "ratings": ("ratings?limit=100", ("ratings", "titleId")),
            "devices": ("devices", ("devices", "deviceId")),
            "preferences": ("preferences", ("preferences", "name")),
        }[read_model]
        return [Look("sync", f"/v1/users/{one}/{path}", _ids(*members)) for one in (self._user, *self._people)]

    # What is written for them ---------------------------------------------------------------------------------------

    async def _write(self) -> None:
        turn, self._turn = self._turn, self._turn + 1
        title, own = self._titles[0], f"/v1/users/{self._user}"
        stamps = [stamp_of(self._clock.next()) for _ in range(7)]
        session = f"{self._user}-{turn // 50}"
        films = [_item(_PROBE, "A film that is retold", turn)]
        if turn % _NEW_FILM_EVERY == 0:
            films.append(_item(f"new-{turn}", _name(turn // _NEW_FILM_EVERY), 0))
        listed = {"op": "watchlist.add", "titleId": self._list[turn % len(self._list)], "rank": _PLACES[turn % 9]}
        played = {"eventId": f"e-{turn}", "sessionId": session, "titleId": title, "durationMs": 7_200_000}
        operations: list[dict[str, Any]] = [
            {"op": "preference.set", "name": _PREFERENCE, "value": turn},
            {"op": "progress.set", "titleId": title, "positionMs": turn, "durationMs": 7_200_000},
            listed,
        ]
        named = [{**one, "operationId": f"o-{turn}-{place}", **stamps[place]} for place, one in enumerate(operations)]
        event = {
            **played,
            "kind": "progressed" if turn % 50 else "started",
            "positionMs": turn % 50 * 1000,
            **stamps[3],
        }
        rating = {"eventId": f"r-{turn}", "titleId": title, "rating": 0.5 + turn % 10 / 2, **stamps[4]}
        device = {"deviceId": f"d-{turn % 5}", "name": f"Device {turn}", "kind": "tv", "hlc": stamps[5]["hlc"]}
        await asyncio.gather(
            self._deliver(films),
            self._post("sync", f"{own}/sync/mutations", {"operations": named}),
            self._post("playback", f"{own}/playback/events", {"events": [event]}),
            self._post("playback", f"{own}/ratings", {"ratings": [rating]}),
            self._post("sync", f"{own}/devices", device),
        )

    async def _deliver(self, items: list[dict[str, Any]]) -> None:
        data = {"items": [{"id": one["show_id"], "item": one} for one in items]}
        payload = {"type": "catalog.items.upserted", "timestamp": datetime.now(UTC), "data": data}
        body = msgspec.json.encode(payload)
        headers = signed(self._webhook, f"msg_{uuid.uuid4().hex}", body)
        await self._send("ingestion", f"/v1/webhooks/{PROVIDER}", headers, body)

    async def _post(self, service: str, path: str, body: dict[str, Any]) -> None:
        await self._send(service, path, self._headers, msgspec.json.encode(body))

    async def _send(self, service: str, path: str, headers: dict[str, str], body: bytes) -> None:
        with suppress(OSError, EOFError):
            status, _, answer = await self._clients[service].request("POST", path, headers, body)
            if status not in {202, 429, 503}:  # refusals say to come again: the next turn does
                raise SystemFailed(f"{path.partition('?')[0]}: {status} {answer[:300]!r}")


def _no_matter(_: Any) -> Seen:
    return Seen()


def _version(answer: Any) -> Seen:
    return Seen(answer["version"])


def _starts(answer: Any) -> Seen:
    return Seen(max((one["startsAt"] or "" for one in answer["offers"]), default=""))


def _offers(answer: Any) -> Seen:
    return Seen(0, frozenset(f"{one['provider']}@{one['region']}" for one in answer["offers"]))


def _changes(answer: Any) -> Seen:
    return Seen(0, frozenset(one["eventId"] for one in answer["changes"]))


def _found(answer: Any) -> Seen:
    """Also by every leg."""
    name = answer["query"]
    return Seen(-len(answer["degraded"]), frozenset({name} & {one["name"] for one in answer["items"]}))


def _newest_delivery(answer: Any) -> Seen:
    return Seen(max(one["acceptedAt"] for one in answer["deliveries"]))


def _deliveries(answer: Any) -> Seen:
    return Seen(
        sum(one["normalized"] for one in answer["deliveries"]),
        frozenset(one["deliveryId"] for one in answer["deliveries"]),
    )


def _position(answer: Any) -> Seen:
    return Seen(int(answer["position"]["hlc"]))


def _trend(answer: Any) -> Seen:
    return Seen(answer["asOf"] or "", frozenset({"something"} if answer["items"] else ()))


def _ids(member: str, name: str) -> Callable[[Any], Seen]:
    def seen(answer: Any) -> Seen:
        rows = answer[member]
        clocks = [int((row.get("rank") or row).get("hlc", 0)) for row in rows]
        return Seen(max(clocks, default=0), frozenset(row[name] for row in rows))

    return seen


def _name(number: int) -> str:
    """Of words that no other film has."""
    word = hashlib.sha256(f"film {number}".encode()).hexdigest()
    return f"{word[:9]} {word[9:18]}"


def _item(native_id: str, name: str, days: int) -> dict[str, Any]:
    shown = date(2015, 1, 1) + timedelta(days=days)
    return {
        "show_id": native_id,
        "type": "Movie",
        "title": name,
        "director": f"Director of {name}",
        "release_year": 1950 + len(native_id),
        "listed_in": "Dramas",
        "date_added": f"{shown:%B} {shown.day}, {shown.year}",
        "description": f"{name}, as it was told.",
    }
