"""What the app shows: the service's rows, with the device's own operations on top, merged by the laws of `sync_laws`.

Joins are idempotent, so an operation whose effect has arrived with a row changes nothing more. Rows replace each other
by revision and are not joined: the service may forget what it was asked to forget.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from sync_client.operations import (
    Kind,
    PreferenceSet,
    ProgressSet,
    Queued,
    State,
    Subject,
    WatchedMark,
    WatchedUnmark,
    WatchlistAdd,
    WatchlistMove,
    WatchlistRemove,
)
from sync_client.placing import Ranked
from sync_client.rows import Device, Preference, Rating, Row, WatchlistItem, WatchState, subject_of
from sync_laws.tags import tag_of
from sync_laws.watching import Flag, Place, Watching
from sync_laws.watchlist import Item


class Progress(Struct, frozen=True):
    """Of one title. `position_ms` None: only known whether it was seen."""

    title_id: str
    position_ms: int | None
    duration_ms: int | None
    watched: bool
    finished: bool


class _Setting(Struct, frozen=True):
    """Won by (hlc, device)."""

    hlc: int
    device_id: str
    value: Any = None


class LocalView:
    """Kept in memory beside the file and changed after it, never before."""

    def __init__(self, user_id: str, device_id: str, rows: Iterable[Row], queue: Iterable[Queued]) -> None:
        self._user_id = user_id
        self._device_id = device_id
        self.queue: dict[str, Queued] = {}
        """Every operation of the file by id, in order."""
        self._of: dict[Subject, dict[str, Queued]] = {}
        self._rows: dict[Subject, Row] = {}
        self._items: dict[str, Item] = {}
        self._order: list[Ranked] = []
        self._watching: dict[str, Watching] = {}
        self._settings: dict[str, _Setting] = {}
        for queued in queue:
            self._keep(queued)
        self.replace_rows(rows)

    # What is shown.

    @property
    def order(self) -> list[Ranked]:
        return self._order

    def watchlist(self) -> list[str]:
        """Title ids in their order."""
        return [ranked.title_id for ranked in self._order]

    def item(self, title_id: str) -> Item | None:
        return self._items.get(title_id)

    def progress(self, title_id: str) -> Progress | None:
        found = self._watching.get(title_id)
        return None if found is None else _progress(title_id, found)

    def continue_watching(self) -> list[Progress]:
        """Begun and not finished, the newest first; of one clock in the order of ids, as the service does."""
        begun = [(-w.place.hlc, title) for title, w in self._watching.items() if w.place and not w.finished]
        return [_progress(title, self._watching[title]) for _, title in sorted(begun)]

    def watched(self) -> list[str]:
        return sorted(title for title, watching in self._watching.items() if watching.watched)

    def preferences(self) -> dict[str, Any]:
        return {name: found.value for name, found in sorted(self._settings.items()) if found.value is not None}

    def ratings(self) -> dict[str, float]:
        return {row.title_id: row.rating for row in self._rows.values() if isinstance(row, Rating)}

    def devices(self) -> list[Device]:
        return [row for row in self._rows.values() if isinstance(row, Device) and not row.removed]

    @property
    def command_ids(self) -> set[str]:
        return {identifier for kind, identifier in self._rows if kind is Kind.COMMANDS}

    @property
    def newest_hlcs(self) -> list[int]:
        return [row.newest_hlc for row in self._rows.values()]

    # What changes it.

    def put_row(self, row: Row) -> None:
        self._rows[subject_of(row)] = row
        self._rebuild(subject_of(row))

    def replace_rows(self, rows: Iterable[Row]) -> None:
        known = {subject_of(row): row for row in rows}
        gone = self._rows.keys() | self._of.keys() | known.keys()
        self._rows = known
        for subject in gone:
            self._rebuild(subject)

    def append(self, queued: Queued) -> None:
        self._keep(queued)
        kind, identifier = queued.operation.subject
        if kind is Kind.WATCHLIST:
            self._unlist(identifier)
            self._apply(queued)
            self._list(identifier)
        else:
            self._apply(queued)

    def drop(self, operation_id: str) -> None:
        queued = self.queue.pop(operation_id)
        of_subject = self._of[queued.operation.subject]
        del of_subject[operation_id]
        if not of_subject:
            del self._of[queued.operation.subject]
        self._rebuild(queued.operation.subject)

    def changed(self, queued: Queued) -> None:
        """Its state or stamp is another one."""
        self._rebuild(queued.operation.subject)

    def needless_beside(self, operation: ProgressSet) -> list[Queued]:
        """Operations not sent yet that `operation` makes needless."""
        return [
            queued
            for queued in self._of.get(operation.subject, {}).values()
            if queued.state is State.PENDING
            and isinstance(queued.operation, ProgressSet)
            and operation.makes_needless(queued.operation)
        ]

    def _keep(self, queued: Queued) -> None:
        self.queue[queued.operation_id] = queued
        self._of.setdefault(queued.operation.subject, {})[queued.operation_id] = queued

    def _rebuild(self, subject: Subject) -> None:
        kind, identifier = subject
        row = self._rows.get(subject)
        if kind is Kind.WATCHLIST:
            self._unlist(identifier)
            self._items.pop(identifier, None)
            if isinstance(row, WatchlistItem):
                self._items[identifier] = row.item()
        elif kind is Kind.WATCH_STATES:
            self._watching.pop(identifier, None)
            if isinstance(row, WatchState):
                self._watching[identifier] = row.watching()
        elif kind is Kind.PREFERENCES:
            self._settings.pop(identifier, None)
            if isinstance(row, Preference):
                self._settings[identifier] = _Setting(row.hlc, row.device_id, row.value)
        for queued in self._of.get(subject, {}).values():
            if queued.state is not State.REJECTED:
                self._apply(queued)
        if kind is Kind.WATCHLIST:
            self._list(identifier)

    def _apply(self, queued: Queued) -> None:
        hlc, device = queued.hlc, self._device_id
        match queued.operation:
            case WatchlistAdd() as add:
                tag = tag_of(self._user_id, device, queued.operation_id)
                self._items.setdefault(add.title_id, Item()).add(tag, add.rank, hlc, device, add.observed)
            case WatchlistRemove() as remove:
                self._items.setdefault(remove.title_id, Item()).remove(remove.observed, hlc)
            case WatchlistMove() as move:
                self._items.setdefault(move.title_id, Item()).move(move.rank, hlc, device)
            case ProgressSet() as progress:
                place = Place(hlc, device, progress.position_ms, progress.duration_ms)
                self._watching.setdefault(progress.title_id, Watching()).set_by_hand(place)
            case WatchedMark() | WatchedUnmark() as mark:
                flag = Flag(hlc, device, isinstance(mark, WatchedMark))
                self._watching.setdefault(mark.title_id, Watching()).mark(flag)
            case PreferenceSet() as preference:
                known = self._settings.get(preference.name)
                if known is None or (hlc, device) > (known.hlc, known.device_id):
                    self._settings[preference.name] = _Setting(hlc, device, preference.value)

    def _unlist(self, title_id: str) -> None:
        item = self._items.get(title_id)
        if item is not None and item.present:
            del self._order[bisect_left(self._order, Ranked(item.rank, title_id))]

    def _list(self, title_id: str) -> None:
        item = self._items.get(title_id)
        if item is not None and item.present:
            insort(self._order, Ranked(item.rank, title_id))


def _progress(title_id: str, watching: Watching) -> Progress:
    place = watching.place
    return Progress(
        title_id,
        None if place is None else place.position_ms,
        None if place is None else place.duration_ms,
        watching.watched,
        watching.finished,
    )
