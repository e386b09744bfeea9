"""Bodies of sync's answers: rows of one person (query_api/user_changes) with what the catalog shows of their titles."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from query_api.services.sync.continuing import Reason
from query_api.services.sync.reader import Continued
from query_api.title_cards.reader import CatalogEntry
from query_api.title_cards.responses import Card, SuccessorId, TitleKnown, fields_of, titled
from query_api.user_changes.responses import (
    Device,
    Position,
    Preference,
    Rating,
    TitleId,
    WatchlistItem,
    WatchState,
    position_of,
)
from schemas.read_models.devices import DeviceRow
from schemas.read_models.preferences import PreferenceRow
from schemas.read_models.ratings import RatingRow
from schemas.read_models.watch_state import WatchStateRow
from schemas.read_models.watchlist import WatchlistRow

AsOf = Annotated[datetime | None, Meta(description="When the read model behind this answer last took something in.")]
NextCursor = Annotated[str | None, Meta(description="`cursor` of the next page; null on the last.")]


class ListedTitle(WatchlistItem, frozen=True, rename="camel", kw_only=True):
    """A watchlist item with its title."""

    title_known: TitleKnown
    title: Card
    successor_id: SuccessorId = None


class WatchlistPage(Struct, frozen=True, rename="camel", kw_only=True):
    """In the person's order (rank, then title id). `total`: titles on the whole list."""

    items: tuple[ListedTitle, ...]
    total: int
    as_of: AsOf
    next_cursor: NextCursor = None

    @classmethod
    def of(
        cls,
        rows: Iterable[WatchlistRow],
        total: int,
        entries: Mapping[str, CatalogEntry],
        *,
        as_of: datetime | None,
        next_cursor: str | None,
    ) -> "WatchlistPage":
        items = tuple(
            ListedTitle(**fields_of(WatchlistItem.of(row)), **titled(entries.get(row.title_id))) for row in rows
        )
        return cls(items=items, total=total, as_of=as_of, next_cursor=next_cursor)


class ContinueItem(Struct, frozen=True, rename="camel", kw_only=True):
    """What to go on with. `reason` next_episode: `afterTitleId` was seen to its end and this one follows."""

    title_id: TitleId
    reason: Reason
    after_title_id: str | None = None
    position: Annotated[Position | None, Meta(description="Where to resume; null means from the start.")]
    updated_at: Annotated[datetime, Meta(description="When the person was last at it.")]
    title_known: TitleKnown
    title: Card
    successor_id: SuccessorId = None


class ContinuePage(Struct, frozen=True, rename="camel", kw_only=True):
    """Newest first, one entry a series."""

    items: tuple[ContinueItem, ...]
    as_of: AsOf
    next_cursor: NextCursor = None

    @classmethod
    def of(
        cls,
        found: Continued,
        entries: Mapping[str, CatalogEntry],
        *,
        as_of: datetime | None,
        next_cursor: str | None,
    ) -> "ContinuePage":
        items: list[ContinueItem] = []
        for entry in found.entries:
            state = found.states.get(entry.title_id)
            items.append(
                ContinueItem(
                    title_id=entry.title_id,
                    reason=entry.reason,
                    after_title_id=entry.touched.title_id if entry.reason == "next_episode" else None,
                    position=position_of(state) if state and not state.finished else None,
                    updated_at=found.states[entry.touched.title_id].event_at,
                    **titled(entries.get(entry.title_id)),
                )
            )
        return cls(items=tuple(items), as_of=as_of, next_cursor=next_cursor)


class ProgressResponse(WatchState, frozen=True, rename="camel", kw_only=True):
    """The state of one title, with the title."""

    title_known: TitleKnown
    title: Card
    successor_id: SuccessorId = None
    as_of: AsOf

    @classmethod
    def titled(cls, row: WatchStateRow, entry: CatalogEntry | None, as_of: datetime | None) -> "ProgressResponse":
        return cls(**fields_of(WatchState.of(row)), **titled(entry), as_of=as_of)


class RatedTitle(Rating, frozen=True, rename="camel", kw_only=True):
    """A rating with its title."""

    title_known: TitleKnown
    title: Card
    successor_id: SuccessorId = None


class RatingPage(Struct, frozen=True, rename="camel", kw_only=True):
    """Newest first."""

    ratings: tuple[RatedTitle, ...]
    as_of: AsOf
    next_cursor: NextCursor = None

    @classmethod
    def of(
        cls,
        rows: Iterable[RatingRow],
        entries: Mapping[str, CatalogEntry],
        *,
        as_of: datetime | None,
        next_cursor: str | None,
    ) -> "RatingPage":
        ratings = tuple(RatedTitle(**fields_of(Rating.of(row)), **titled(entries.get(row.title_id))) for row in rows)
        return cls(ratings=ratings, as_of=as_of, next_cursor=next_cursor)


class PreferenceList(Struct, frozen=True, rename="camel", kw_only=True):
    """By name, without those that were taken back."""

    preferences: tuple[Preference, ...]
    as_of: AsOf

    @classmethod
    def of(cls, rows: Iterable[PreferenceRow], as_of: datetime | None) -> "PreferenceList":
        return cls(preferences=tuple(map(Preference.of, rows)), as_of=as_of)


class DeviceStatus(Device, frozen=True, rename="camel", kw_only=True):
    """A device, and whether it was heard of lately."""

    online: Annotated[bool | None, Meta(description="Null when nobody can tell at the moment.")]


class DeviceList(Struct, frozen=True, rename="camel", kw_only=True):
    """By id, without those that were removed."""

    devices: tuple[DeviceStatus, ...]
    as_of: AsOf

    @classmethod
    def of(cls, rows: Iterable[DeviceRow], online: Mapping[str, bool] | None, as_of: datetime | None) -> "DeviceList":
        devices = tuple(
            DeviceStatus(
                **fields_of(Device.of(row)), online=None if online is None else online.get(row.device_id, False)
            )
            for row in rows
        )
        return cls(devices=devices, as_of=as_of)
