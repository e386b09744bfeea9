"""title_catalog: one row a title, and the ids other issuers gave it.

Written by `materializer:title_catalog` from `titles`; readers use the views `title_catalog` and
`title_catalog_external_ids` (`title_external_ids` without the prefix belongs to the identity registry).

A merged or retired title keeps its row (so that its id answers with a redirect or "gone") but nothing of its last
snapshot: `kind` to `document` and `created_at` are null. That makes the row independent of how much of the title's
history a reader of the compacted topic has seen.

`document` is the `json` type, not `jsonb`: the text is stored as written and handed back untouched, which is what an
API wants (read it as `document::text` and decode it with `msgspec.json.decode(text, type=TitleDocument)`), and psql
can still look into it. Offers are not in it: they are the read model `availability`.
"""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from schemas.types.catalog import AgeRating, ExternalId, Image, Kind, Person, TitleSource

READ_MODEL = "title_catalog"
TABLES = ("title_catalog", "title_catalog_external_ids")
"""Views; the physical tables carry `_v{version}`."""

TitleState = Literal["live", "merged", "retired"]
"""Alphabetical order is precedence between writes of the same version: an end beats a change."""


class TitleDocument(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The whole title as the last TitleChanged told it, without its offers; JSON names are the field names."""

    title_id: str
    version: int
    kind: Kind
    name: str
    original_name: str | None = None
    alternate_names: tuple[str, ...] = ()
    year: int | None = None
    release_date: str | None = None
    runtime_minutes: int | None = None
    series_name: str | None = None
    season_number: int | None = None
    episode_number: int | None = None
    genres: tuple[str, ...] = ()
    people: tuple[Person, ...] = ()
    overview: str | None = None
    age_ratings: tuple[AgeRating, ...] = ()
    languages: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    external_ids: tuple[ExternalId, ...] = ()
    images: tuple[Image, ...] = ()
    popularity: float = 0.0
    sources: tuple[TitleSource, ...] = ()
    created_at: datetime


class TitleRow(Struct, frozen=True, kw_only=True, gc=False):
    """A row of the view `title_catalog`."""

    title_id: str
    version: int
    state: TitleState
    successor_id: str | None = None
    """Merged titles only: the title to use instead (which may itself have been merged since)."""
    kind: Kind | None = None
    name: str | None = None
    name_key: str | None = None
    """`text.name_key(name)`; indexed for `=` and `LIKE 'prefix%'`."""
    name_keys: tuple[str, ...] = ()
    """Keys of main, original and alternate names, each once; indexed for `@> ARRAY[key]`."""
    year: int | None = None
    popularity: float = 0.0
    document: str | None = None
    """JSON of TitleDocument."""
    created_at: datetime | None = None
    event_at: datetime
    """`occurred_at` of the event the row comes from."""
    written_at: datetime
    """When the row was written: its distance to `event_at` is the read model's age."""


class ExternalIdRow(Struct, frozen=True, kw_only=True, gc=False):
    """A row of the view `title_catalog_external_ids`.

    An id that moves from one title to another can be seen on both for as long as the two titles' events are apart.
    """

    source: str
    value: str
    title_id: str
