"""What is remembered of a title: its offers, and what was told of them. Titles without any are not remembered.

Kept in the state topic as arrays: a new field goes to the end and has a default. Times are milliseconds since 1970.
"""

from msgspec import Struct

from schemas.types.catalog import Kind, OfferType, Quality


class Terms(Struct, frozen=True, array_like=True, gc=False):
    """One stretch of time and what is asked then."""

    price: str | None = None
    currency: str | None = None
    link: str | None = None
    starts_at: int | None = None
    ends_at: int | None = None


class Place(Struct, frozen=True, array_like=True, gc=False, order=True):
    """Two offers at one place are one that goes on, has a gap, or asks another price."""

    region: str
    provider: str
    type: OfferType
    quality: Quality


class Listing(Struct, frozen=True, array_like=True):
    """The offers at one place."""

    place: Place
    windows: tuple[Terms, ...]
    """Of the newest snapshot, sorted."""
    told: Terms | None = None
    """What holds as far as anybody was told; None when nothing does. `ends_at` is the end of the whole row."""
    warned: dict[int, int] = {}
    """By end: the least number of days that was told."""


class Offered(Struct, frozen=True, array_like=True):
    """A title with offers, or that had some a while ago."""

    title_id: str
    version: int
    name: str
    kind: Kind
    at: int
    """When it was last looked at."""
    listings: tuple[Listing, ...]
    """Sorted by place."""
