"""How other answers show a title."""

from typing import Annotated, Any

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


TitleKnown = Annotated[bool, Meta(description="False while the catalog has not heard of the title.")]
Card = Annotated[TitleCard | None, Meta(description="Null when the catalog has nothing to show.")]
SuccessorId = Annotated[str | None, Meta(description="Of a merged title: the one to use instead, whose card this is.")]


def titled(entry: CatalogEntry | None) -> dict[str, Any]:
    """`title_known`, `title` and `successor_id` of an answer's item."""
    return {
        "title_known": entry is not None,
        "title": TitleCard.of(entry),
        "successor_id": entry.successor_id if entry else None,
    }


def fields_of(shown: Struct) -> dict[str, Any]:
    """As they are, for a struct that has more of them: no copies of nested ones."""
    return {name: getattr(shown, name) for name in shown.__struct_fields__}
