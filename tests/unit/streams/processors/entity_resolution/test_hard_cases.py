"""Names that users of other catalogues report as taken for one another (reference: threads about Jellyfin and its kin).

Each is matched with its distractors in the registry, in both orders: what belongs together ends in one title, the rest
in titles of its own.
"""

import pytest

from schemas.types.catalog import CanonicalItem
from streams.processors.entity_resolution.features import Features
from streams.processors.entity_resolution.scoring import LINK, score
from tests.support.canonical_items import an_item, people


def total(one: CanonicalItem, other: CanonicalItem) -> float:
    found = score(Features(one), Features(other)).total
    assert found == score(Features(other), Features(one)).total, "whoever came first"
    return found


APART = [
    (an_item("The Door", 2009), an_item("Someone's Knocking at the Door", 2009)),
    (an_item("Face", 1997), an_item("Face/Off", 1997)),
    (an_item("Beyond", 2015), an_item("Beyond the Reach", 2014)),
    (an_item("Carter", 2022), an_item("Coach Carter", 2005)),
    (an_item("Evil", 2019, "series"), an_item("Resident Evil", 2022, "series")),
    (an_item("8½", 1963), an_item("Interpol Code 8", 1963)),
    (an_item("Black Christmas", 1974), an_item("Black Christmas", 2006)),
    (an_item("Black Christmas", 2006), an_item("Black Christmas", 2019)),
    (an_item("Kakegurui Twin", 2022, "series"), an_item("Kakegurui Twin", 2021, "series")),
    (an_item("Fargo", 1996), an_item("Fargo", 1996, "series")),
    (an_item("Rocky II", 1979), an_item("Rocky III", 1979)),
    (an_item("Ocean's Eleven", 2001), an_item("Ocean's 11", 1960)),
    (
        an_item("Dragon Ball Kai", None, "episode", series_name="Dragon Ball", season_number=1, episode_number=4),
        an_item("Dragon Ball Kai", None, "episode", series_name="Dragon Ball", season_number=1, episode_number=5),
    ),
]

TOGETHER = [
    (an_item("8½", 1963), an_item("8 1/2", 1963)),
    (an_item("8½", 1963), an_item("Eight and a Half (8½)", 1963, alternate_names=("8½",))),
    (an_item("Amélie", 2001), an_item("Amelie", 2001)),
    (an_item("Face/Off", 1997), an_item("Face Off", 1997)),
    (an_item("Matrix, The", 1999), an_item("The Matrix", 1999)),
    (an_item("Strada, La", 1954), an_item("La Strada", 1954)),
    (an_item("Kill Bill: Vol. 2", 2004), an_item("Kill Bill Volume II", 2004)),
    (an_item("Star Wars: Episode IV", 1977), an_item("Star Wars 4", 1977)),
    (an_item("Fast & Furious", 2009), an_item("Fast and Furious", 2009)),
    (an_item("Spider-Man", 2002), an_item("Spiderman", 2002)),
    (an_item("Seven (a.k.a. Se7en)", 1995), an_item("Se7en", 1995)),
    (an_item("Le Samouraï", 1967), an_item("Le samourai (1967)", 1967)),
    (an_item("Сталкер", 1979), an_item("Stalker", 1979)),
    (an_item("Salomu00E9", 1922), an_item("Salomé", 1922)),
    (
        an_item("The Wedding", 1978, people=people(director="Robert Altman")),
        an_item("Wedding", 1978, people=people(director="Altman, Robert (I)")),
    ),
]


@pytest.mark.parametrize(("one", "other"), APART, ids=lambda item: f"{item.name}-{item.year}")
def test_two_works(one: CanonicalItem, other: CanonicalItem) -> None:
    assert total(one, other) < LINK


@pytest.mark.parametrize(("one", "other"), TOGETHER, ids=lambda item: f"{item.name.encode('ascii', 'ignore')!r}")
def test_one_work(one: CanonicalItem, other: CanonicalItem) -> None:
    assert total(one, other) >= LINK


def test_a_name_of_many_says_less() -> None:
    one, other = Features(an_item("Amber Road by the Sea", 1999)), Features(an_item("Amber Road by the Sea", None))
    assert score(one, other).total >= LINK > score(one, other, namesakes=3).total
