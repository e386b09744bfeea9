"""How other answers show a title."""

from typing import Annotated

from msgspec import Meta, Struct

from query_api.title_cards.reader import CatalogEntry
from schemas.types.catalog import Kind


class TitleCard(Struct, frozen=True, rename="camel", kw_only=True):
    name: Annotated[str, Meta(examples=["The Harbour Pilot"])]
    kind: Kind
    year: int | None = None
    series_name: str | None = None
    season_number: int | None = None
    episode_number: int | None = None
    image: Annotated[str | None, Meta(description="https address of a picture.")] = None

    @classmethod
    def of(cls, entry: CatalogEntry | None) -> "TitleCard | None":
        """None for a title that is unknown, retired, or merged into one that has not come yet."""
        if entry is None or entry.name is None:
            return None
        return cls(
            name=entry.name,
            kind=entry.kind or "unknown",
            year=entry.year,
            series_name=entry.series_name,
            season_number=entry.season_number,
            episode_number=entry.episode_number,
            image=entry.image,
        )
