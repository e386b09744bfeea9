"""Examples of the OpenAPI document: invented titles, real shapes."""

from datetime import UTC, datetime
from typing import Any, Final

from query_api.services.sync.responses import (
    ContinueItem,
    ContinuePage,
    DeviceList,
    DeviceStatus,
    ListedTitle,
    PreferenceList,
    ProgressResponse,
    RatedTitle,
    RatingPage,
    WatchlistPage,
)
from query_api.sessions.responses import SessionPage, TitledSession
from query_api.title_cards.responses import TitleCard, fields_of
from query_api.user_changes.responses import (
    ChangesResponse,
    Device,
    DeviceCommand,
    Position,
    Preference,
    Rank,
    Rating,
    Session,
    Watched,
    WatchlistItem,
    WatchState,
)

_ID = "0199aa00-0000-7000-8000-000000000001"
_NEXT = "0199aa00-0000-7000-8000-000000000002"
_HLC = "115640302141440000"
_AT = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
_LATER = datetime(2026, 1, 5, 12, 2, tzinfo=UTC)
_POSITION = Position(position_ms=1_830_000, duration_ms=6_240_000, hlc=_HLC, device_id="tv")
_TITLED: dict[str, Any] = {
    "title_known": True,
    "title": TitleCard(name="The Harbour Pilot", kind="movie", year=1987),
}
_STATE = WatchState(
    title_id=_ID,
    position=_POSITION,
    watched=Watched(value=False, hlc=_HLC, device_id="phone"),
    finished=False,
    updated_at=_AT,
    revision=4711,
)
_LISTED = WatchlistItem(
    title_id=_ID,
    present=True,
    rank=Rank(value="V", hlc=_HLC, device_id="phone"),
    added={"0199aa00-0000-7000-8000-00000000000a": _HLC},
    removed={},
    updated_at=_AT,
    revision=4712,
)
_RATING = Rating(title_id=_ID, rating=4.5, hlc=_HLC, device_id="tv", rated_at=_AT, revision=4713)
_PREFERENCE = Preference(
    name="audio.language", present=True, value="de", hlc=_HLC, device_id="tv", updated_at=_AT, revision=4714
)
_DEVICE = Device(
    device_id="tv",
    name="Living room",
    kind="tv",
    capabilities=("play", "pause", "seek"),
    removed=False,
    hlc=_HLC,
    updated_at=_AT,
    revision=4715,
)
_COMMAND = DeviceCommand(
    command_id="0199aa00-0000-7000-8000-00000000000c",
    device_id="phone",
    target_device_id="tv",
    command="seek",
    title_id=_ID,
    position_ms=600_000,
    issued_at=_AT,
    expires_at=_LATER,
    revision=4716,
)
SESSION: Final = Session(
    session_id="0199aa00-0000-7000-8000-00000000000b",
    title_id=_ID,
    device_id="tv",
    region="DE",
    started_at=_AT,
    ended_at=_LATER,
    reason="stopped",
    position_ms=1_830_000,
    duration_ms=6_240_000,
    watched_ms=110_000,
    hlc=_HLC,
    revision=4717,
)

WATCHLIST: Final = WatchlistPage(items=(ListedTitle(**fields_of(_LISTED), **_TITLED),), total=1, as_of=_AT)
CONTINUE: Final = ContinuePage(
    items=(
        ContinueItem(title_id=_ID, reason="resume", position=_POSITION, updated_at=_AT, **_TITLED),
        ContinueItem(
            title_id=_NEXT,
            reason="next_episode",
            after_title_id="0199aa00-0000-7000-8000-000000000003",
            position=None,
            updated_at=_AT,
            title_known=True,
            title=TitleCard(
                name="Low Water", kind="episode", series_name="Tide Tables", season_number=1, episode_number=2
            ),
        ),
    ),
    as_of=_AT,
)
PROGRESS: Final = ProgressResponse(**fields_of(_STATE), **_TITLED, as_of=_AT)
HISTORY: Final = SessionPage(sessions=(TitledSession(**fields_of(SESSION), **_TITLED),), as_of=_AT)
RATINGS: Final = RatingPage(ratings=(RatedTitle(**fields_of(_RATING), **_TITLED),), as_of=_AT)
PREFERENCES: Final = PreferenceList(preferences=(_PREFERENCE,), as_of=_AT)
DEVICES: Final = DeviceList(devices=(DeviceStatus(**fields_of(_DEVICE), online=True),), as_of=_AT)
CHANGES: Final = ChangesResponse(
    watch_states=(_STATE,),
    watchlist=(_LISTED,),
    ratings=(_RATING,),
    preferences=(_PREFERENCE,),
    devices=(_DEVICE,),
    commands=(_COMMAND,),
    sessions=(SESSION,),
    cursor="ks5pXaXEh7tOt1tf",
    more=False,
    as_of=_AT,
)
