"""Apple Music's catalog resources of the types `songs` and `albums` (Apple Music API, one storefront)."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from schemas.types.catalog import Kind
from streams.processors.normalization import fields
from streams.processors.normalization.adapters import canonical
from streams.processors.normalization.adapters.canonical import Credit, OfferRow, Picture
from streams.processors.normalization.draft import Draft
from streams.processors.normalization.reasons import refusal

_KINDS: Final[dict[str, Kind]] = {"songs": "track", "albums": "album"}
_ID: Final = re.compile(r"^\d{1,20}$")
_STOREFRONT: Final = re.compile(r"^https://music\.apple\.com/([a-z]{2})/")
_ARTWORK: Final = 600
"""Pixels: the address has places for width and height."""
_TO_ALL: Final = frozenset({"Music"})
"""Genres that say nothing."""


class Artwork(msgspec.Struct):
    url: str = ""


class Attributes(msgspec.Struct, rename="camel"):
    name: str = ""
    artist_name: str = ""
    album_name: str | None = None
    composer_name: str | None = None
    duration_in_millis: int | None = None
    isrc: str | None = None
    upc: str | None = None
    release_date: str | None = None
    genre_names: list[str] = []
    url: str = ""
    artwork: Artwork = msgspec.field(default_factory=Artwork)


class Resource(msgspec.Struct):
    id: str = ""
    type: str = ""
    attributes: Attributes = msgspec.field(default_factory=Attributes)


def native_id(raw: Mapping[str, Any]) -> str | None:
    return fields.identifier(raw.get("id"))


def adapt(raw: dict[str, Any]) -> Draft:
    resource = msgspec.convert(raw, Resource)
    if not _ID.match(resource.id):
        raise refusal("bad_native_id", repr(resource.id[:80]))
    kind = _KINDS.get(resource.type)
    if kind is None:
        raise refusal("unknown_kind", repr(resource.type[:80]))
    given = resource.attributes
    storefront = _STOREFRONT.match(given.url)
    credits_ = [(given.artist_name, "artist"), (given.composer_name or "", "composer")]
    picture = given.artwork.url.replace("{w}", str(_ARTWORK)).replace("{h}", str(_ARTWORK))
    ids = {"apple_music": resource.id, "isrc": given.isrc, "upc": given.upc}
    row = canonical.Row(
        id=resource.id,
        name=given.name,
        year=(given.release_date or "")[:4] or None,
        release_date=given.release_date,
        runtime_minutes=round(given.duration_in_millis / 60_000) if given.duration_in_millis else None,
        series_name=given.album_name if kind == "track" else None,
        genres=[name for name in given.genre_names if name not in _TO_ALL],
        people=[Credit(name=name, role=role) for name, role in credits_ if name],
        external_ids={source: value for source, value in ids.items() if value},
        offers=[OfferRow(provider="apple_music", region=storefront[1].upper(), link=given.url)] if storefront else [],
        images=[Picture(url=picture, kind="cover", width=_ARTWORK, height=_ARTWORK)] if picture else [],
    )
    return canonical.draft(row, kind)
