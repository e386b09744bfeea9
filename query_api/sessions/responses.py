"""Sessions with what the catalog shows of their titles."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from query_api.title_cards.reader import CatalogEntry
from query_api.title_cards.responses import Card, SuccessorId, TitleKnown, fields_of, titled
from query_api.user_changes.responses import Session
from schemas.read_models.playback_history import SessionRow


class TitledSession(Session, frozen=True, rename="camel", kw_only=True):
    """A session with its title."""

    title_known: TitleKnown
    title: Card
    successor_id: SuccessorId = None

    @classmethod
    def named(cls, row: SessionRow, entry: CatalogEntry | None) -> "TitledSession":
        return cls(**fields_of(Session.of(row)), **titled(entry))


class SessionPage(Struct, frozen=True, rename="camel", kw_only=True):
    """Newest first."""

    sessions: tuple[TitledSession, ...]
    as_of: Annotated[datetime | None, Meta(description="When the read model last took something in.")]
    next_cursor: str | None = None

    @classmethod
    def of(
        cls,
        rows: Iterable[SessionRow],
        entries: Mapping[str, CatalogEntry],
        *,
        as_of: datetime | None,
        next_cursor: str | None,
    ) -> "SessionPage":
        shown = tuple(TitledSession.named(row, entries.get(row.title_id)) for row in rows)
        return cls(sessions=shown, as_of=as_of, next_cursor=next_cursor)
