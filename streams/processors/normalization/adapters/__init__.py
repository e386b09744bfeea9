"""Which adapter reads which provider: the one place that names them all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from streams.processors.normalization import genres
from streams.processors.normalization.adapters import (
    apple_music,
    canonical,
    justwatch,
    movielens,
    platform_csv,
    spotify,
    streaming_availability,
    wikidata,
    youtube,
)
from streams.processors.normalization.draft import Draft


@dataclass(frozen=True, slots=True)
class Adapter:
    """Pure. `adapt` raises InvalidEvent or msgspec.ValidationError; `native_id` finds the provider's own id in a raw
    item and is None where there is none."""

    adapt: Callable[[dict[str, Any]], Draft]
    native_id: Callable[[Mapping[str, Any]], str | None]


ADAPTERS: Final[Mapping[str, Adapter]] = {
    "wikidata": Adapter(wikidata.adapt, wikidata.native_id),
    "movielens": Adapter(movielens.adapt, movielens.native_id),
    "netflix": Adapter(platform_csv.adapter_for("netflix", genres.NETFLIX), platform_csv.native_id),
    "disney_plus": Adapter(platform_csv.adapter_for("disney_plus", genres.DISNEY_PLUS), platform_csv.native_id),
    "hulu": Adapter(platform_csv.adapter_for("hulu", genres.HULU), platform_csv.native_id),
    "prime_video": Adapter(platform_csv.adapter_for("prime_video", genres.PLATFORMS), platform_csv.native_id),
    "hbo_max": Adapter(platform_csv.adapter_for("hbo_max", genres.PLATFORMS), platform_csv.native_id),
    "apple_tv_plus": Adapter(platform_csv.adapter_for("apple_tv_plus", genres.PLATFORMS), platform_csv.native_id),
    "paramount_plus": Adapter(platform_csv.adapter_for("paramount_plus", genres.PLATFORMS), platform_csv.native_id),
    "peacock": Adapter(platform_csv.adapter_for("peacock", genres.PLATFORMS), platform_csv.native_id),
    "justwatch": Adapter(justwatch.adapt, justwatch.native_id),
    "streaming_availability": Adapter(streaming_availability.adapt, streaming_availability.native_id),
    "youtube": Adapter(youtube.adapt, youtube.native_id),
    "spotify": Adapter(spotify.adapt, spotify.native_id),
    "apple_music": Adapter(apple_music.adapt, apple_music.native_id),
}


CANONICAL: Final = Adapter(canonical.adapt, canonical.native_id)
"""For every other provider: it sends items in our own shape."""


def adapter_of(provider: str) -> Adapter:
    return ADAPTERS.get(provider, CANONICAL)
