"""Spotify's track and album objects (Web API). `type` says which."""

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

_KINDS: Final[dict[str, Kind]] = {"track": "track", "album": "album"}
_ID: Final = re.compile(r"^[A-Za-z0-9]{22}$")
_MOST_MARKETS: Final = 200


class Artist(msgspec.Struct):
    name: str = ""


class Image(msgspec.Struct):
    url: str = ""
    width: int | None = None
    height: int | None = None


class Album(msgspec.Struct):
    name: str = ""
    release_date: str | None = None
    images: list[Image] = []


class Item(msgspec.Struct):
    id: str = ""
    type: str = ""
    name: str = ""
    artists: list[Artist] = []
    album: Album = msgspec.field(default_factory=Album)
    duration_ms: int | None = None
    external_ids: dict[str, str] = {}
    popularity: int | None = None
    available_markets: list[str] = []
    release_date: str | None = None
    genres: list[str] = []
    images: list[Image] = []


def native_id(raw: Mapping[str, Any]) -> str | None:
    return fields.identifier(raw.get("id"))


def adapt(raw: dict[str, Any]) -> Draft:
    item = msgspec.convert(raw, Item)
    if not _ID.match(item.id):
        raise refusal("bad_native_id", repr(item.id[:80]))
    kind = _KINDS.get(item.type)
    if kind is None:
        raise refusal("unknown_kind", repr(item.type[:80]))
    released = item.release_date or item.album.release_date or ""
    markets = [code for code in item.available_markets if len(code) == 2 and code.isalpha() and code.isupper()]
    row = canonical.Row(
        id=item.id,
        name=item.name,
        year=released[:4] or None,  # of old records only the year is known
        release_date=released if len(released) == 10 else None,
        runtime_minutes=round(item.duration_ms / 60_000) if item.duration_ms else None,
        series_name=item.album.name or None if kind == "track" else None,
        genres=item.genres,
        people=[Credit(name=artist.name, role="artist") for artist in item.artists],
        external_ids={
            "spotify": item.id,
            **{k: v for k, v in item.external_ids.items() if k in {"isrc", "upc", "ean"}},
        },
        offers=[
            OfferRow(provider="spotify", region=region, link=f"https://open.spotify.com/{kind}/{item.id}")
            for region in markets[:_MOST_MARKETS]
        ],
        images=[
            Picture(url=each.url, kind="cover", width=each.width, height=each.height)
            for each in (item.images or item.album.images)[:1]
        ],
        popularity=item.popularity / 100 if item.popularity is not None else None,
    )
    return canonical.draft(row, kind)
