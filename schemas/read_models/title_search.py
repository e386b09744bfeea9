"""title_search: one point a title in Qdrant, with a dense and a sparse vector and what search filters and shows.

Written by `materializer:title_search` from `titles` and `title-embeddings`; readers use the alias. Only points with
`live` true are titles. The others are either an embedding whose title has not come yet, or the mark that a title ended
(merged or retired), which keeps a late embedding or snapshot from bringing it back.
"""

import uuid
import zlib
from typing import Final

from msgspec import Struct

from schemas.read_models.title_catalog import TitleState
from schemas.types.catalog import Kind

READ_MODEL: Final = "title_search"
ALIAS: Final = "title_search"
DENSE: Final = "dense"
SPARSE: Final = "bm25"

_NAMESPACE = uuid.UUID("0d3c4f0e-52a0-5f6e-8a44-6a8f2c1a7b55")
_POPULARITY_STEPS: Final = 10_000
_TIE_BITS: Final = 32


def collection(version: int) -> str:
    """The physical collection behind the alias."""
    return f"{READ_MODEL}_v{int(version)}"


def point_id(title_id: str) -> str:
    """Qdrant ids are UUIDs: the title's own, else one derived from it."""
    try:
        return str(uuid.UUID(title_id))
    except ValueError:
        return str(uuid.uuid5(_NAMESPACE, title_id))


def offer_key(provider: str, region: str) -> str:
    """Provider and region of one offer, so that a filter on both means the same offer."""
    return f"{provider}@{region}"


def browse_rank(popularity: float, title_id: str) -> int:
    """Popularity in 10,000 steps, then 32 bits of the id: browsing pages have a (nearly) unique key to go on from.

    Below 2^53, because range filters travel as JSON numbers.
    """
    steps = round(min(max(popularity, 0.0), 1.0) * _POPULARITY_STEPS)
    return (steps << _TIE_BITS) | zlib.crc32(title_id.encode())


def decade(year: int | None) -> int | None:
    """1994 → 1990."""
    return None if year is None else year - year % 10


class TitleCard(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a hit shows, and what ranking and facets of a result need."""

    title_id: str
    name: str
    name_key: str
    """`text.name_key(name)`."""
    other_keys: tuple[str, ...] = ()
    """Keys of original and alternate names that differ from `name_key`."""
    kind: Kind
    year: int | None = None
    decade: int | None = None
    genres: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    popularity: float = 0.0
    browse_rank: int
    poster: str | None = None


class TitlePayload(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The payload of a point; field names are payload keys. Versions are 0 for a part that has not come."""

    title_id: str
    live: bool = False
    version: int = 0
    """Of the title part."""
    state: TitleState | None = None
    """Of the title part; None while only the embedding is known."""
    name_key: str | None = None
    """Matched whole and as a prefix."""
    other_keys: tuple[str, ...] = ()
    """Matched whole."""
    kind: Kind | None = None
    year: int | None = None
    decade: int | None = None
    genres: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    """`offer_key` of every offer."""
    browse_rank: int | None = None
    card: str | None = None
    """JSON of TitleCard: for hundreds of candidates a query, one text is several times cheaper than a dozen values."""
    embedding_version: int = 0
    """Version of the title that the dense vector was made from."""
    text_hash: str | None = None
    model: str | None = None


FACETS: Final = ("kind", "genre", "decade", "provider")
"""Names of facets, in the order they are shown."""

FACET_FIELDS: Final[dict[str, str]] = {"kind": "kind", "genre": "genres", "decade": "decade", "provider": "providers"}
"""Payload field of each facet."""
