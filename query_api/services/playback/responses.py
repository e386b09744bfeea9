"""Bodies of playback's answers, and their examples."""

from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from query_api.sessions.responses import SessionPage, TitledSession
from query_api.title_cards.reader import CatalogEntry
from query_api.title_cards.responses import TitleCard, fields_of
from schemas.read_models.playback_history import SessionRow

State = Literal["open", "ended"]


class SessionResponse(TitledSession, frozen=True, rename="camel", kw_only=True):
    """One session with its title."""

    as_of: Annotated[datetime | None, Meta(description="When the read model last took something in.")]

    @classmethod
    def of_one(cls, row: SessionRow, entry: CatalogEntry | None, as_of: datetime | None) -> "SessionResponse":
        return cls(**fields_of(TitledSession.named(row, entry)), as_of=as_of)


class _Examples(Struct):
    page: SessionPage
    one: SessionResponse


_AT = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
_OPEN = TitledSession(
    session_id="0199aa00-0000-7000-8000-00000000000b",
    title_id="0199aa00-0000-7000-8000-000000000001",
    device_id="tv",
    region="DE",
    started_at=_AT,
    ended_at=None,
    reason=None,
    position_ms=1_830_000,
    duration_ms=6_240_000,
    watched_ms=110_000,
    hlc="115640302141440000",
    revision=4717,
    title_known=True,
    title=TitleCard(name="The Harbour Pilot", kind="movie", year=1987),
)
EXAMPLES: Final = _Examples(SessionPage(sessions=(_OPEN,), as_of=_AT), SessionResponse(**fields_of(_OPEN), as_of=_AT))
