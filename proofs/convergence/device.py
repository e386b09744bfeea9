"""One device: an app that does things, offline or not, and looks at what it was promised when it is online."""

import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx
import msgspec
from msgspec import Struct

from proofs.convergence.faulty_transport import FaultyTransport, Wire
from proofs.convergence.journal import Checked, Did, Fault, FaultKind, Journal, Placed, Played, Read, Sent, Violation
from proofs.convergence.plan import PREFERENCES, SKEW_MS, Member, is_orderly, titles_of
from proofs.convergence.player import LENGTH_MS, Player
from sync_client import SyncClient, Unreachable
from sync_laws.tags import tag_of

_PATIENCE: Final = 4.0
_WEIGHTS: Final = {
    "watchlist.add": 12,
    "watchlist.remove": 8,
    "watchlist.move": 10,
    "progress.set": 24,
    "watched.mark": 6,
    "watched.unmark": 6,
    "preference.set": 9,
    "play": 25,
}
_READS: Final = 2
"""Titles read after own writes each time that a device is online."""


class _Register(Struct, rename="camel"):
    hlc: str


class _State(Struct, rename="camel"):
    title_id: str
    revision: int
    position: _Register | None = None
    watched: _Register | None = None

    @property
    def position_hlc(self) -> int:
        return int(self.position.hlc) if self.position else 0


class _Item(Struct, rename="camel"):
    title_id: str
    added: dict[str, str]
    removed: dict[str, str]


class _Changes(Struct, rename="camel"):
    watch_states: tuple[_State, ...]
    watchlist: tuple[_Item, ...]


class Device:
    """`known` and `reported`: what the journals of former lives say of the player."""

    def __init__(
        self,
        member: Member,
        folder: Path,
        journal: Journal,
        wire: Wire,
        random: Random,
        *,
        sync_url: str,
        playback_url: str,
        titles: int,
        faulty: bool,
        known: list[Played],
        reported: set[str],
    ) -> None:
        self.member = member
        self._journal = journal
        self._random = random
        self._titles = titles_of(titles)
        self._sync_url = sync_url
        skew_ms = random.randint(-SKEW_MS, SKEW_MS)
        wall_ms = self._wall(skew_ms)
        self._sent: dict[str, dict[str, Any]] = {}
        self._own: dict[str, int] = {}
        """Newest clock of an accepted own position by title."""
        self._tags: dict[str, str] = {}
        """Titles by the tags of own additions that were accepted and not seen in an answer yet."""
        transport = FaultyTransport(
            wire, random, faulty=faulty, sending=self._sending, answered=self._answered, noted=self._note
        )
        self._http = httpx.AsyncClient(transport=transport, timeout=httpx.Timeout(15, connect=5), trust_env=False)
        self._player = Player(member, journal, self._http, playback_url, random, wall_ms, known, reported)
        self._client = SyncClient(
            folder / member.file,
            member.user,
            member.device,
            sync_url,
            self._token,
            transport=transport,
            wall_ms=wall_ms,
            random=random,
        )

    async def close(self) -> None:
        await self._client.close()
        await self._http.aclose()

    # Offline or not.

    def act(self) -> None:
        """One thing by chance."""
        (kind,) = self._random.choices(list(_WEIGHTS), list(_WEIGHTS.values()))
        if kind == "play" and self._player.act(len(self._titles)):
            return
        title = self._title()
        if kind in ("watchlist.remove", "watchlist.move"):
            listed = self._client.watchlist()
            if not listed:
                kind = "watchlist.add"
            else:
                title = self._random.choice(listed)
        self._do(kind, title)

    def _do(self, kind: str, title: str) -> None:
        client, subject, completed = self._client, title, False
        match kind:
            case "watchlist.add":
                index = self._random.choice((None, None, 0, self._random.randrange(len(self._titles))))
                operation_id = client.add(title, index)
            case "watchlist.remove":
                operation_id = client.remove(title)
            case "watchlist.move":
                operation_id = client.move(title, self._random.randrange(len(self._titles)))
            case "watched.mark":
                operation_id = client.mark_watched(title)
            case "watched.unmark":
                operation_id = client.mark_unwatched(title)
            case "preference.set":
                subject = f"preference.p{self._random.randrange(PREFERENCES)}"
                value = self._random.choice((None, True, self._random.randrange(1000), "de", {"size": 1.5}))
                operation_id = client.set_preference(subject, value)
            case _:
                kind = "progress.set"
                position = self._random.randrange(LENGTH_MS)
                length = self._random.choice((LENGTH_MS, LENGTH_MS, None))
                completed = length is not None and position * 100 >= length * 95
                operation_id = client.set_progress(title, position, length)
        self._journal.write(Did(self.member.user, self.member.device, operation_id, kind, subject, completed))

    def _title(self) -> str:
        """Few titles are in everybody's hands, most are rarely touched."""
        return self._titles[int(len(self._titles) * self._random.random() ** 2)]

    # Online.

    async def sync(self) -> bool:
        """Sends and fetches, and looks whether it reads its own writes. False when the network was against it."""
        try:
            await self._client.flush(_PATIENCE)
            self._own_at_least(await self._player.flush())
            await self._client.pull(_PATIENCE)
        except Unreachable:
            return False
        self._require_own_tags()
        await self._read_own_writes()
        return self._player.waiting == 0

    async def show(self) -> dict[str, Any]:
        """Everything the app would show."""
        client = self._client
        await client.pull()
        status = client.status()
        return {
            "user": self.member.user,
            "device": self.member.device,
            "unsent": status.waiting + self._player.waiting,
            "unseen": status.accepted,
            "rejected": [rejected.reason for rejected in client.rejected()],
            "watchlist": client.watchlist(),
            "watched": client.watched(),
            "preferences": client.preferences(),
            "continue": [found.title_id for found in client.continue_watching()],
            "progress": {
                title: [found.position_ms, found.duration_ms, found.watched, found.finished]
                for title in self._titles
                if (found := client.progress(title)) is not None
            },
        }

    @property
    def after(self) -> str:
        """MG-After of everything that this device did."""
        own = [f"{place}:{offset}" for place, offset in sorted(self._player.positions.items())]
        return ", ".join(filter(None, (self._client.mg_after, *own)))

    async def _read_own_writes(self) -> None:
        orderly = [title for title in self._own if is_orderly(title, len(self._titles))]
        titles = self._random.sample(orderly, min(_READS, len(orderly)))
        headers = {"Authorization": f"Bearer {self.member.token}", "MG-After": self.after}
        read = behind = 0
        for title in titles:
            url = f"{self._sync_url}/v1/users/{self.member.user}/progress/{title}"
            try:
                answer = await self._http.get(url, headers=headers)
            except httpx.TransportError:
                continue
            if answer.status_code in (502, 503):
                behind += 1  # said plainly: it does not show an older state instead
                continue
            read += 1
            shown = msgspec.json.decode(answer.content, type=_State).position_hlc if answer.status_code == 200 else 0
            if shown < self._own[title]:
                self._violated(f"own position of {title} at {self._own[title]}, read {answer.status_code} {shown}")
        self._own.clear()
        if read or behind:
            self._journal.write(Checked(self.member.user, self.member.device, read, behind))

    def _require_own_tags(self) -> None:
        """After a pull that was not behind, every own addition has been in an answer."""
        if self._client.status().accepted == 0:
            for tag, title in self._tags.items():
                self._violated(f"own addition {tag} of {title} is in no answer")
            self._tags.clear()

    def _own_at_least(self, clocks: dict[str, int]) -> None:
        for title, hlc in clocks.items():
            self._own[title] = max(hlc, self._own.get(title, 0))

    # What goes over the network.

    def _sending(self, request: httpx.Request) -> None:
        if request.url.path.endswith("/sync/mutations"):
            fresh = []
            for body in msgspec.json.decode(request.content)["operations"]:
                if self._sent.get(body["operationId"]) != body:
                    self._sent[body["operationId"]] = body
                    fresh.append(Sent(self.member.user, self.member.device, body))
            self._journal.write(*fresh)

    def _answered(self, request: httpx.Request, response: httpx.Response) -> None:
        path, user, device = request.url.path, self.member.user, self.member.device
        if response.status_code == 202:
            self._journal.write(Placed(user, device, response.headers["MG-Position"]))
        if path.endswith("/sync/mutations") and response.status_code == 202:
            for body in msgspec.json.decode(request.content)["operations"]:
                if body["op"] == "progress.set":
                    self._own_at_least({body["titleId"]: int(body["hlc"])})
                elif body["op"] == "watchlist.add":
                    self._tags[tag_of(user, device, body["operationId"])] = body["titleId"]
        elif path.endswith("/changes") and response.status_code == 200:
            changes = msgspec.json.decode(response.content, type=_Changes)
            for item in changes.watchlist:
                for tag in (*item.added, *item.removed):
                    self._tags.pop(tag, None)
            self._read(changes.watch_states)
        elif "/progress/" in path and response.status_code == 200:
            self._read((msgspec.json.decode(response.content, type=_State),))

    def _read(self, states: tuple[_State, ...]) -> None:
        if states:
            seen = tuple((state.title_id, state.revision, state.position_hlc) for state in states)
            self._journal.write(Read(self.member.user, self.member.device, seen))

    def _note(self, what: FaultKind) -> None:
        self._journal.write(Fault(self.member.user, self.member.device, what))

    def _violated(self, what: str) -> None:
        self._journal.write(Violation(self.member.user, self.member.device, what))

    async def _token(self) -> str:
        return self.member.token

    @staticmethod
    def _wall(skew_ms: int) -> Callable[[], int]:
        return lambda: time.time_ns() // 1_000_000 + skew_ms
