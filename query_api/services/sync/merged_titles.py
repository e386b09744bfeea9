"""One person's progress in a title that several titles became. Pure."""

from collections.abc import Sequence

from msgspec.structs import replace

from schemas.read_models.watch_state import WatchStateRow
from sync_laws.watching import Flag, Place, is_finished


def as_one(title_id: str, rows: Sequence[WatchStateRow]) -> WatchStateRow | None:
    """The registers of all rows, each won by its newest stamp, under the id that was asked for."""
    if len(rows) < 2:
        return replace(rows[0], title_id=title_id) if rows else None
    place: Place | None = None
    flag: Flag | None = None
    for row in rows:
        if row.position_hlc is not None and row.position_ms is not None:
            found = Place(row.position_hlc, row.position_device or "", row.position_ms, row.duration_ms)
            place = found if found.wins_over(place) else place
        if row.watched_hlc is not None:
            mark = Flag(row.watched_hlc, row.watched_device or "", row.watched)
            flag = mark if flag is None or mark > flag else flag
    return WatchStateRow(
        user_id=rows[0].user_id,
        title_id=title_id,
        position_ms=place.position_ms if place else None,
        duration_ms=place.duration_ms if place else None,
        position_hlc=place.hlc if place else None,
        position_device=place.device_id if place else None,
        watched=flag is not None and flag.watched,
        watched_hlc=flag.hlc if flag else None,
        watched_device=flag.device_id if flag else None,
        finished=is_finished(place, flag),
        event_at=max(row.event_at for row in rows),
        revision=max(row.revision for row in rows),
    )
