"""One device of one user: what the app calls, online or not."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final, Self

import httpx
from msgspec import Struct

from sync_client import live, pulling, sending
from sync_client.errors import (
    InvalidOperation,
    NotAllowed,
    NotOnWatchlist,
    UnexpectedAnswer,
    Unreachable,
    WatchlistFull,
)
from sync_client.ledger import MOST_OPERATIONS, Ledger, system_ms
from sync_client.live import Ended
from sync_client.local_view import Progress
from sync_client.operations import (
    Operation,
    PreferenceSet,
    ProgressSet,
    State,
    WatchedMark,
    WatchedUnmark,
    WatchlistAdd,
    WatchlistMove,
    WatchlistRemove,
)
from sync_client.placing import Ranked, place
from sync_client.rows import Device, DeviceCommand
from sync_client.sending import Sent
from sync_client.service import Service, TokenProvider
from sync_client.waiting import FullJitter
from sync_laws.watchlist import MOST_ITEMS

PATIENCE_SECONDS: Final = 30.0
POLL_SECONDS: Final = 30.0


class Rejected(Struct, frozen=True):
    """An operation that the service will never accept, and why. It no longer shows in the view."""

    operation_id: str
    operation: Operation
    reason: str


class Status(Struct, frozen=True):
    waiting: int
    """Operations that the service has not accepted yet."""
    accepted: int
    """Accepted, and not seen in a pull yet."""
    rejected: int
    live: bool
    """The live channel is open."""
    pulled: bool
    """The service's rows were fetched at least once."""
    trouble: str
    """Why the last try to sync failed; empty when it did not."""


class SyncClient:
    """Everything that changes something is on the disk when it returns, and returns the operation's id.

    Belongs to one thread: that of its event loop, where there is one. `path` is the device's file (sync_client.store),
    `token` gives access tokens whose `sub` and `device_id` are these. `on_change` is told that something may look
    different, `on_command` what other devices ask of this one, once each and not after its expiry.
    Raises SyncStoreError when the file cannot be used.
    """

    def __init__(
        self,
        path: Path,
        user_id: str,
        device_id: str,
        base_url: str,
        token: TokenProvider,
        *,
        limit: int = MOST_OPERATIONS,
        transport: httpx.AsyncBaseTransport | None = None,
        wall_ms: Callable[[], int] = system_ms,
        random: Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        on_change: Callable[[], None] = lambda: None,
        on_command: Callable[[DeviceCommand], None] = lambda _: None,
    ) -> None:
        if not user_id or not device_id or "\n" in user_id + device_id:
            raise InvalidOperation("a client needs a user id and a device id, without line breaks")
        self._device_id = device_id
        self._ledger = Ledger(path, user_id, device_id, limit=limit, wall_ms=wall_ms)
        self._view = self._ledger.view
        self._service = Service(base_url, user_id, token, transport=transport, random=random, sleep=sleep)
        self._random, self._sleep = random, sleep
        self._on_change, self._on_command = on_change, on_command
        self._sending, self._pulling = asyncio.Lock(), asyncio.Lock()
        self._news, self._back = asyncio.Event(), asyncio.Event()
        self._live = False
        self._trouble = ""

    async def close(self) -> None:
        """Gives the file free. What is queued stays there."""
        await self._service.close()
        self._ledger.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # What the app changes. Each raises QueueFull, SyncStoreError, InvalidOperation.

    def add(self, title_id: str, index: int | None = None) -> str:
        """To the watchlist: at `index`, else at its end; a title that is there already stays where it is unless
        `index` says otherwise. Raises WatchlistFull."""
        item = self._view.item(title_id)
        present = item is not None and item.present
        if not present and len(self._view.order) >= MOST_ITEMS:
            raise WatchlistFull(f"the watchlist has {MOST_ITEMS} titles; remove some first")
        observed = tuple(sorted(item.added)) if item is not None else ()
        if item is not None and present and index is None:
            return self._do(WatchlistAdd(title_id, item.rank, observed))[0]
        rank, moves = self._placed(title_id, index)
        return self._do(WatchlistAdd(title_id, rank, observed), *moves)[0]

    def remove(self, title_id: str) -> str:
        """Takes away the additions known here, also those that were not sent yet; one made elsewhere meanwhile stays.
        Raises NotOnWatchlist."""
        self._require_listed(title_id)
        item = self._view.item(title_id)
        return self._do(WatchlistRemove(title_id, tuple(sorted(item.added)) if item else ()))[0]

    def move(self, title_id: str, index: int) -> str:
        """To the place where it will be number `index`, from 0. Raises NotOnWatchlist."""
        self._require_listed(title_id)
        rank, moves = self._placed(title_id, index)
        return self._do(WatchlistMove(title_id, rank), *moves)[0]

    def set_progress(self, title_id: str, position_ms: int, duration_ms: int | None = None) -> str:
        """Replaces the last progress of the title if that was not sent yet."""
        return self._do(ProgressSet(title_id, position_ms, duration_ms))[0]

    def mark_watched(self, title_id: str) -> str:
        return self._do(WatchedMark(title_id))[0]

    def mark_unwatched(self, title_id: str) -> str:
        return self._do(WatchedUnmark(title_id))[0]

    def set_preference(self, name: str, value: Any) -> str:
        """`value` is any JSON; None takes the preference back."""
        return self._do(PreferenceSet(name, value))[0]

    # What the app shows: the service's state with this device's own operations on top.

    def watchlist(self) -> list[str]:
        return self._view.watchlist()

    def continue_watching(self) -> list[Progress]:
        return self._view.continue_watching()

    def progress(self, title_id: str) -> Progress | None:
        return self._view.progress(title_id)

    def watched(self) -> list[str]:
        return self._view.watched()

    def preferences(self) -> dict[str, Any]:
        return self._view.preferences()

    def ratings(self) -> dict[str, float]:
        return self._view.ratings()

    def devices(self) -> list[Device]:
        return self._view.devices()

    def rejected(self) -> list[Rejected]:
        """They stay until they are dismissed."""
        found = self._ledger.in_state(State.REJECTED)
        return [Rejected(queued.operation_id, queued.operation, queued.reason) for queued in found]

    def dismiss(self, operation_id: str) -> bool:
        """Forgets a rejected operation."""
        return self._ledger.dismiss(operation_id)

    def status(self) -> Status:
        return Status(
            len(self._ledger.in_state(State.PENDING, State.SENT)),
            len(self._ledger.in_state(State.ACCEPTED)),
            len(self._ledger.in_state(State.REJECTED)),
            self._live,
            self._ledger.cursor is not None,
            self._trouble,
        )

    @property
    def mg_after(self) -> str:
        """For `MG-After` of the app's own queries: they will show everything that this device did."""
        return self._ledger.after

    # How it is synced. Each raises Unreachable, NotAllowed, UnexpectedAnswer, SyncStoreError; nothing is lost by it.

    async def flush(self, patience: float = PATIENCE_SECONDS) -> Sent:
        """Sends what is queued, trying again for `patience` seconds a request."""
        async with self._sending:
            sent = await sending.send_all(self._ledger, self._service, patience)
        if sent.rejected:
            self._on_change()
        return sent

    async def pull(self, patience: float = PATIENCE_SECONDS, *, anew: bool = False) -> None:
        """Fetches what changed, `anew` everything; afterwards the view has everything that this device sent before."""
        async with self._pulling:
            await pulling.pull_all(self._ledger, self._service, patience, self._command, anew=anew)
        self._on_change()

    async def run(self, poll_seconds: float = POLL_SECONDS) -> None:
        """Syncs until it is cancelled: sends at once, listens to the live channel, and pulls every `poll_seconds` while
        that cannot be opened. Raises NotAllowed when somebody has to sign in, and SyncStoreError."""
        tasks = [asyncio.ensure_future(self._send_always()), asyncio.ensure_future(self._listen_always(poll_seconds))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._live = False

    async def _send_always(self) -> None:
        jitter = FullJitter(self._random)
        while True:
            self._news.clear()
            try:
                if self._ledger.in_state(State.PENDING, State.SENT):
                    await self.flush()
                if self._ledger.in_state(State.ACCEPTED):
                    await self.pull()
            except (Unreachable, UnexpectedAnswer) as error:
                self._trouble = str(error)
                await self._rest(jitter, getattr(error, "retry_after", 0.0))
                continue
            jitter.reset()
            self._trouble = ""
            if not self._ledger.in_state(State.PENDING, State.SENT):
                with contextlib.suppress(TimeoutError):
                    # Accepted ones may be left when the service was behind: look again by and by.
                    await asyncio.wait_for(self._news.wait(), 5.0 if self._ledger.in_state(State.ACCEPTED) else None)

    async def _rest(self, jitter: FullJitter, asked: float) -> None:
        """Until it is time to send again: when the service has asked for it not before, else at the latest, for a
        channel that opens shows that the network is back."""
        delay = jitter.next_delay(asked)
        if asked:
            await self._sleep(delay)
            return
        self._back.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._back.wait(), delay)

    async def _listen_always(self, poll_seconds: float) -> None:
        jitter = FullJitter(self._random, most=poll_seconds)
        anew = renewed = False
        while True:
            try:
                await self.pull(anew=anew)
                anew = False
                opened = time.monotonic()
                ended = await live.listen(self._ledger, self._service, self._command, self._opened, self._on_change)
                renewed = False
                anew = ended is Ended.REFETCH
                if ended is Ended.EXPIRED:
                    await self._service.token(renewed=True)
                if time.monotonic() - opened > poll_seconds:
                    jitter.reset()
            except NotAllowed:
                if renewed:
                    raise
                renewed = True
                await self._service.token(renewed=True)
                continue
            except (Unreachable, UnexpectedAnswer) as error:
                self._trouble = str(error)
            finally:
                self._live = False
            await self._sleep(jitter.next_delay())

    def _opened(self) -> None:
        self._live = True
        self._back.set()
        self._trouble = ""
        self._on_change()

    def _command(self, command: DeviceCommand) -> None:
        with contextlib.suppress(ValueError):
            expired = datetime.fromisoformat(command.expires_at) <= datetime.now(UTC)
            if command.target_device_id == self._device_id and not expired:
                self._on_command(command)

    def _do(self, *operations: Operation) -> list[str]:
        ids = self._ledger.append(operations)
        self._news.set()
        return ids

    def _placed(self, title_id: str, index: int | None) -> tuple[str, list[Operation]]:
        """The rank for `index`, and moves of others that have to make room."""
        order: Sequence[Ranked] = self._view.order
        item = self._view.item(title_id)
        if item is not None and item.present:
            order = [ranked for ranked in order if ranked.title_id != title_id]
        found = place(order, len(order) if index is None else max(0, min(index, len(order))))
        return found.rank, [WatchlistMove(other.title_id, other.rank) for other in found.others]

    def _require_listed(self, title_id: str) -> None:
        item = self._view.item(title_id)
        if item is None or not item.present:
            raise NotOnWatchlist(f"{title_id!r} is not on the watchlist")
