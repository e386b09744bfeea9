"""YouTube's video resource (Data API v3, `videos.list` with snippet, contentDetails, statistics).

What sort of work a video is, its category says: films, music; other videos are no works and are refused.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from schemas.types.catalog import Kind
from streams.processors.normalization import fields, popularity
from streams.processors.normalization.adapters import canonical
from streams.processors.normalization.adapters.canonical import Credit, OfferRow, Picture
from streams.processors.normalization.draft import Draft
from streams.processors.normalization.reasons import refusal

VIEWS: Final = 1_000_000_000.0
"""Views that count as 1."""
_KINDS: Final[dict[str, Kind]] = {"1": "movie", "10": "track", "18": "movie", "30": "movie", "44": "movie"}
# Of categories that are genres themselves.
_GENRES: Final = {
    "31": "anime", "32": "action", "33": "western", "34": "comedy", "35": "documentary", "36": "drama", "37": "family",
    "39": "horror", "40": "science fiction", "41": "thriller",
}  # fmt: skip
_ID: Final = re.compile(r"^[A-Za-z0-9_-]{11}$")
_LENGTH: Final = re.compile(r"^P(?:(\d{1,3})D)?T(?:(\d{1,3})H)?(?:(\d{1,3})M)?(?:(\d{1,3})S)?$")
_MOST_REGIONS: Final = 60


class Thumbnail(msgspec.Struct):
    url: str = ""
    width: int | None = None
    height: int | None = None


class Snippet(msgspec.Struct, rename="camel"):
    title: str = ""
    description: str | None = None
    published_at: str | None = None
    channel_title: str = ""
    category_id: str = ""
    default_audio_language: str | None = None
    thumbnails: dict[str, Thumbnail] = {}


class Restriction(msgspec.Struct):
    allowed: list[str] = []


class Details(msgspec.Struct, rename="camel"):
    duration: str = ""
    definition: str = ""
    region_restriction: Restriction = msgspec.field(default_factory=Restriction)


class Statistics(msgspec.Struct, rename="camel"):
    view_count: str | int | None = None


class Video(msgspec.Struct, rename="camel"):
    id: str = ""
    snippet: Snippet = msgspec.field(default_factory=Snippet)
    content_details: Details = msgspec.field(default_factory=Details)
    statistics: Statistics = msgspec.field(default_factory=Statistics)


def native_id(raw: Mapping[str, Any]) -> str | None:
    return fields.identifier(raw.get("id"))


def adapt(raw: dict[str, Any]) -> Draft:
    video = msgspec.convert(raw, Video)
    if not _ID.match(video.id):
        raise refusal("bad_native_id", repr(video.id[:80]))
    snippet, category = video.snippet, video.snippet.category_id
    kind: Kind | None = "movie" if category in _GENRES else _KINDS.get(category)
    if kind is None:
        raise refusal("unknown_kind", f"category {category[:20]!r} is neither film nor music")
    channel = snippet.channel_title.removesuffix(" - Topic").strip()
    regions = [code for code in video.content_details.region_restriction.allowed if len(code) == 2 and code.isupper()]
    offer = {
        "provider": "youtube",
        "type": "ads",
        "quality": "hd" if video.content_details.definition == "hd" else "sd",
        "link": f"https://www.youtube.com/watch?v={video.id}",
    }
    row = canonical.Row(
        id=video.id,
        name=snippet.title,
        release_date=(snippet.published_at or "")[:10] or None,
        runtime_minutes=_minutes(video.content_details.duration),
        genres=[_GENRES[category]] if category in _GENRES else None,
        people=[Credit(name=channel, role="artist")] if kind == "track" and channel else [],
        overview=snippet.description,
        languages=[snippet.default_audio_language] if snippet.default_audio_language else None,
        external_ids={"youtube": video.id},
        offers=[OfferRow(region=region, **offer) for region in (regions or ["US"])[:_MOST_REGIONS]],
        images=[Picture(url=t.url, width=t.width, height=t.height) for t in list(snippet.thumbnails.values())[-1:]],
        popularity=popularity.log_scaled(fields.number(video.statistics.view_count), VIEWS),
    )
    return canonical.draft(row, kind)


def _minutes(duration: str) -> int | None:
    """ISO 8601, with seconds: a song of 3:26 has 3 minutes."""
    found = _LENGTH.match(duration)
    if found is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return round(days * 1440 + hours * 60 + minutes + seconds / 60) or None
