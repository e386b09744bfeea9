"""Songs: the artist counts as much as the name, and a version is another recording."""

from typing import Any

import pytest

from schemas.types.catalog import CanonicalItem, Person
from streams.processors.entity_resolution.features import Features
from streams.processors.entity_resolution.names import recording_marks, recording_name
from streams.processors.entity_resolution.scoring import LINK, score
from tests.support.canonical_items import an_item


def song(name: str, artist: str = "", album: str | None = None, minutes: int | None = None) -> CanonicalItem:
    artists = (Person(name=artist, role="artist"),) if artist else ()
    more: dict[str, Any] = {"people": artists, "series_name": album, "runtime_minutes": minutes}
    return an_item(name, None, "track", **more)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            song("Quiet Harbour", "Bea Noor", "Boats", 3),
            song("Quiet Harbour [Explicit]", "Bea Noor", "Boats (Deluxe)", 3),
        ),
        (song("Quiet Harbour (feat. Al Moss)", "Bea Noor", "Boats", 3), song("Quiet Harbour", "Bea Noor", "Boats", 3)),
        (
            song("Quiet Harbour ( Live )", "Bea Noor", "Boats Live", 3),
            song("Quiet Harbour", "Bea Noor", "Boats Live", 3),
        ),
        # Columns that slipped into the name.
        (
            song("Quiet Harbour Bea Noor Pop , Music $ 1.29 3:31", "", "Boats"),
            song("Quiet Harbour $ 1.29 2014 Pier Records", "Bea Noor", "Boats", 4),
        ),
    ],
    ids=["edition", "guest", "live album", "slipped columns"],
)
def test_one_song(one: CanonicalItem, other: CanonicalItem) -> None:
    assert score(Features(one), Features(other)).total >= LINK


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (song("Quiet Harbour", "Bea Noor", "Boats", 3), song("Quiet Harbour", "Cy Oram", "Boats", 3)),
        (song("Quiet Harbour", "Bea Noor", "Boats", 3), song("Quiet Harbour (Pier Remix)", "Bea Noor", "Boats", 3)),
        (song("Quiet Harbour (Pier Remix)", "Bea Noor"), song("Quiet Harbour (Dock Remix)", "Bea Noor")),
        (
            song("Quiet Harbour", "Bea Noor", "Boats", 3),
            song("Quiet Harbour (Karaoke Version)", "Bea Noor", "Boats", 3),
        ),
        (song("Quiet Harbour, Pt. II", "Bea Noor", "Boats", 3), song("Quiet Harbour", "Bea Noor", "Boats", 3)),
        (song("Quiet Harbour", "Bea Noor", "Boats", 3), song("Quiet Harbour", "Bea Noor", "Boats", 9)),
    ],
    ids=["artist", "remix", "two remixes", "karaoke", "part", "length"],
)
def test_two_recordings(one: CanonicalItem, other: CanonicalItem) -> None:
    assert score(Features(one), Features(other)).total < LINK


def test_marks_count_in_brackets_only() -> None:
    assert recording_marks("Live and Let Die") == frozenset()
    assert recording_marks("Die (Live at the Pier)") == {"live"}
    assert recording_name("Remember You ( feat . The Weeknd ) [ Explicit ]") == "Remember You"
    assert recording_name("[Explicit]") == "[Explicit]", "a name is never empty"
