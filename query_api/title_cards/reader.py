"""Reads cards from title_catalog."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from query_api.reading import rows
from runtime import sql
from runtime.connections.postgres import AsyncPool, Row
from schemas.read_models.title_catalog import TitleState
from schemas.types.catalog import Image, Kind

_SQL = sql.beside(__file__)
_IMAGES: Final = msgspec.json.Decoder(tuple[Image, ...])
_SHOWN_FIRST: Final = ("poster", "cover", "still", "backdrop")


class CatalogEntry(Struct, frozen=True, kw_only=True):
    """What became of a title, and what to show of it: of a merged one its successor's. `name` is None when there is
    nothing to show (it was retired, or the successor has not come yet)."""

    title_id: str
    state: TitleState
    successor_id: str | None = None
    name: str | None = None
    kind: Kind | None = None
    year: int | None = None
    series_name: str | None = None
    season_number: int | None = None
    episode_number: int | None = None
    image: str | None = None
    """https address of the picture that suits a list best."""


async def read_cards(pool: AsyncPool, title_ids: Iterable[str]) -> Mapping[str, CatalogEntry]:
    """By the id that was asked for; titles that the catalog does not know are left out. Raises Problem (503)."""
    asked = sorted(set(title_ids))
    found = await rows(pool, _SQL["cards"], {"title_ids": asked}) if asked else []
    return {row["title_id"]: _entry(row) for row in found}


def _entry(row: Row) -> CatalogEntry:
    images = row.pop("images")
    return CatalogEntry(**row, image=_picture(_IMAGES.decode(images)) if images else None)


def _picture(images: tuple[Image, ...]) -> str | None:
    order = {kind: place for place, kind in enumerate(_SHOWN_FIRST)}
    first = min(images, key=lambda image: order.get(image.kind, len(order)), default=None)
    return None if first is None else first.url
