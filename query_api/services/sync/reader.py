"""What sync reads of one person: from the views in PostgreSQL, and from Redis which devices are online."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec
from msgspec import Struct

from query_api.reading import in_utc, rows, snapshot
from query_api.services.sync import continuing
from query_api.services.sync.continuing import Candidate, Entry, Place
from query_api.services.sync.merged_titles import as_one
from query_api.sessions.reader import SessionStart, read_sessions
from query_api.title_cards.reader import CatalogEntry, read_cards
from query_api.user_changes.cursor import Cursor
from query_api.user_changes.reader import Changes, read_changes, watchlist_row
from runtime import sql
from runtime.connections import redis
from runtime.connections.postgres import AsyncPool
from schemas.read_models.devices import DeviceRow, heartbeat_key
from schemas.read_models.playback_history import SessionRow
from schemas.read_models.preferences import PreferenceRow
from schemas.read_models.ratings import RatingRow
from schemas.read_models.watch_state import WatchStateRow
from schemas.read_models.watchlist import WatchlistRow

_SQL = sql.beside(__file__)


class RankStart(Struct, frozen=True, array_like=True):
    """The last title of the page before."""

    rank: str
    title_id: str


class RatingStart(Struct, frozen=True, array_like=True):
    """The last rating of the page before."""

    rated_at: datetime
    title_id: str


class SyncReader(Protocol):
    """Every method but `online` raises Problem (503) when the database is away."""

    async def watchlist(
        self, user_id: str, after: RankStart | None, limit: int
    ) -> tuple[Sequence[WatchlistRow], int]: ...
    async def continue_watching(self, user_id: str, after: Place | None, limit: int) -> "Continued": ...
    async def watch_state(self, user_id: str, title_id: str) -> WatchStateRow | None: ...
    async def sessions(self, user_id: str, after: SessionStart | None, limit: int) -> Sequence[SessionRow]: ...
    async def ratings(self, user_id: str, after: RatingStart | None, limit: int) -> Sequence[RatingRow]: ...
    async def preferences(self, user_id: str) -> Sequence[PreferenceRow]: ...
    async def devices(self, user_id: str) -> Sequence[DeviceRow]: ...
    async def online(self, user_id: str, device_ids: Sequence[str]) -> Mapping[str, bool] | None:
        """None when nobody can tell."""
        ...

    async def changes(self, user_id: str, since: Cursor, limit: int, now: datetime) -> Changes: ...
    async def cards(self, title_ids: Iterable[str]) -> Mapping[str, CatalogEntry]: ...


class Continued(Struct, frozen=True):
    """Entries in order, and what is known of the titles they name by title id."""

    entries: tuple[Entry, ...]
    states: Mapping[str, WatchStateRow]


class StoredSyncReader:
    def __init__(self, pool: AsyncPool, heartbeats: redis.Redis) -> None:
        self._pool = pool
        self._heartbeats = heartbeats

    async def watchlist(self, user_id: str, after: RankStart | None, limit: int) -> tuple[Sequence[WatchlistRow], int]:
        """A page in list order, and how many titles the whole list has."""
        page = {
            "user_id": user_id,
            "rank": after and after.rank,
            "title_id": after and after.title_id,
            "limit": limit,
        }
        found = await rows(self._pool, _SQL["watchlist"], page)
        return [watchlist_row(row) for row in found if row["title_id"] is not None], found[0]["total"]

    async def continue_watching(self, user_id: str, after: Place | None, limit: int) -> Continued:
        async with snapshot(self._pool) as read:
            candidates = msgspec.convert(await read(_SQL["candidates"], {"user_id": user_id}), list[Candidate])
            grouped = continuing.groups(candidates)
            ends = [group[0] for group in grouped if group[0].leads_on]
            following = await read(_SQL["next_episodes"], _columns(ends)) if ends else []
            next_episodes = {row["after_id"]: row["title_id"] for row in following}
            entries = continuing.entries(grouped, next_episodes, after)[:limit]
            named = {each for entry in entries for each in (entry.title_id, entry.touched.title_id)}
            states = await read(_SQL["watch_states"], {"user_id": user_id, "title_ids": sorted(named)})
        found = msgspec.convert([in_utc(row) for row in states], list[WatchStateRow])
        return Continued(tuple(entries), {row.title_id: row for row in found})

    async def watch_state(self, user_id: str, title_id: str) -> WatchStateRow | None:
        """Also what was reported under titles that were merged with it: the newest position, and the newest mark."""
        found = await rows(self._pool, _SQL["watch_states_as_one"], {"user_id": user_id, "title_id": title_id})
        return as_one(title_id, msgspec.convert([in_utc(row) for row in found], list[WatchStateRow]))

    async def sessions(self, user_id: str, after: SessionStart | None, limit: int) -> Sequence[SessionRow]:
        return await read_sessions(self._pool, user_id, after, limit)

    async def ratings(self, user_id: str, after: RatingStart | None, limit: int) -> Sequence[RatingRow]:
        page = {
            "user_id": user_id,
            "rated_at": after and after.rated_at,
            "title_id": after and after.title_id,
            "limit": limit,
        }
        found = await rows(self._pool, _SQL["ratings"], page)
        return msgspec.convert([in_utc(row) for row in found], list[RatingRow])

    async def preferences(self, user_id: str) -> Sequence[PreferenceRow]:
        found = await rows(self._pool, _SQL["preferences"], {"user_id": user_id})
        return msgspec.convert([in_utc(row) for row in found], list[PreferenceRow])

    async def devices(self, user_id: str) -> Sequence[DeviceRow]:
        found = await rows(self._pool, _SQL["devices"], {"user_id": user_id})
        return msgspec.convert([in_utc(row) for row in found], list[DeviceRow])

    async def online(self, user_id: str, device_ids: Sequence[str]) -> Mapping[str, bool] | None:
        if not device_ids:
            return {}
        try:
            found = await self._heartbeats.mget([heartbeat_key(user_id, each) for each in device_ids])
        except redis.Error:
            return None
        return {device_id: heard is not None for device_id, heard in zip(device_ids, found, strict=True)}

    async def changes(self, user_id: str, since: Cursor, limit: int, now: datetime) -> Changes:
        return await read_changes(self._pool, user_id, since, limit, now)

    async def cards(self, title_ids: Iterable[str]) -> Mapping[str, CatalogEntry]:
        return await read_cards(self._pool, title_ids)


def _columns(episodes: Sequence[Candidate]) -> dict[str, list[object]]:
    return {
        "title_ids": [each.title_id for each in episodes],
        "series": [each.series_name for each in episodes],
        "seasons": [each.season_number for each in episodes],
        "episodes": [each.episode_number for each in episodes],
    }
