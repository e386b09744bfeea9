"""Offers of subscription catalogues: where the shops of these files sell, and a link that leads to the work there.

The files carry no address of a work, so the link is the shop's own search for its name.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote

from schemas.types.catalog import Offer


@dataclass(frozen=True, slots=True)
class Shop:
    """A subscription service. `search` is its public search address with the query to be appended."""

    provider: str
    search: str
    region: str = "US"


SHOPS: Final = {
    shop.provider: shop
    for shop in (
        Shop("netflix", "https://www.netflix.com/search?q="),
        Shop("disney_plus", "https://www.disneyplus.com/search?q="),
        Shop("hulu", "https://www.hulu.com/search?q="),
        Shop("hbo_max", "https://www.hbomax.com/search?q="),
        Shop("apple_tv_plus", "https://tv.apple.com/search?term="),
        Shop("prime_video", "https://www.primevideo.com/search?phrase="),
        Shop("paramount_plus", "https://www.paramountplus.com/search/?q="),
        Shop("peacock", "https://www.peacocktv.com/watch/search?q="),
    )
}

_LONGEST_QUERY: Final = 200


def subscription(shop: Shop, name: str, starts_at: datetime | None = None) -> Offer:
    return Offer(
        provider=shop.provider,
        region=shop.region,
        type="subscription",
        link=shop.search + quote(name[:_LONGEST_QUERY], safe=""),
        starts_at=starts_at,
    )
