"""Which adapter reads which provider: the one place that names them all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from streams.processors.normalization import genres
from streams.processors.normalization.adapters import canonical, justwatch, movielens, platform_csv, wikidata
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
    "justwatch": Adapter(justwatch.adapt, justwatch.native_id),
}


CANONICAL: Final = Adapter(canonical.adapt, canonical.native_id)
"""For every other provider: it sends items in our own shape."""


def adapter_of(provider: str) -> Adapter:
    return ADAPTERS.get(provider, CANONICAL)
