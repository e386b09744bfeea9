"""Drafts of mappings: every draft can be loaded and takes the rows it was drafted from."""

from pathlib import Path

import pytest
import yaml

from bootstrap.mappings import data_files, notation
from bootstrap.mappings.guessing import guess
from bootstrap.mappings.notation import MappingError
from bootstrap.mappings.rows import item_of, native_id
from streams.processors.normalization.adapters import CANONICAL
from tests.support.catalogues import share_taken_by_its_draft

SHOP = """show_id;Title;contentType;releaseYear;Duration;Listed In;Directed By;link id;date_added;Notes
s1;Cedar;Film;1999;100 min;Drama;Ada Quill;tt7654321;2020-01-01;
s2;Amber Road;TV Show;2001;2 Seasons;Drama;;tt7654322;2020-01-02;x
s3;Birch;Film;2003;95 min;Comedy;Bo Rask;tt7654323;2020-01-03;y
"""
SONGS = """track,artist(s)_name,released_year
Quiet Harbour,Bea Noor,2014
Quiet Harbour,Cy Oram,2015
Loud Street,Bea Noor,2014
"""


def drafted(tmp_path: Path, text: str, name: str = "data.csv") -> tuple[dict[str, object], list[str]]:
    path = tmp_path / name
    path.write_text(text)
    raw, unused = guess(path)
    mapping = notation.parse(yaml.safe_load(yaml.safe_dump(raw)), "draft")
    for _, row in data_files.read(path, mapping.file):
        assert native_id(row, mapping)
        CANONICAL.adapt(item_of(row, mapping, "shop"))
    return raw, unused


def test_a_shop(tmp_path: Path) -> None:
    mapping, unused = drafted(tmp_path, SHOP)
    assert mapping == {
        "id": "show_id",
        "kind": {"column": "contentType", "values": {"Film": "movie", "TV Show": "series"}},
        "fields": {
            "name": "Title",
            "year": "releaseYear",
            "runtime": "Duration",
            "genres": "Listed In",
            "people": {"director": "Directed By"},
            "external_ids": {"imdb": "link id"},
        },
        "file": {"separator": ";"},
    }
    assert unused == ["date_added", "Notes"]


def test_songs_need_their_artist_to_be_told_apart(tmp_path: Path) -> None:
    mapping, _ = drafted(tmp_path, SONGS)
    assert (mapping["kind"], mapping["id"]) == ("track", ["track", "artist(s)_name"])


def test_json_and_names_of_another_kind(tmp_path: Path) -> None:
    mapping, _ = drafted(
        tmp_path, '{"key": 1, "bezeichnung": "Cedar"}\n{"key": 2, "bezeichnung": "Birch"}\n', "a.jsonl"
    )
    assert (mapping["id"], mapping["fields"]) == ("key", {"name": "bezeichnung"})


@pytest.mark.parametrize(
    ("text", "said"), [("a,b\n", "no rows"), ("a,b\n1,2\n3,4\n", "no column that can be a name; there are: a, b")]
)
def test_what_cannot_be_drafted(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(MappingError, match=said):
        drafted(tmp_path, text)


# Catalogues as others publish them, in their columns and order; the rows are invented.
REELGOOD = """ID,Title,Year,Age,Rotten Tomatoes,Netflix,Hulu,Prime Video,Disney+,Type
1,Amber Road,2019,18+,98/100,1,0,0,0,0
2,"Salt, Sand: A Coast",2016,all,,1,0,0,1,0
3,Cedar Hill,2004,,61/100,0,1,0,0,0
"""
SPOTIFY = """track_name,artist(s)_name,artist_count,released_year,released_month,released_day,streams,bpm,key,mode
Quiet Harbour (feat. Bo Chen),"Bea Noor, Bo Chen",2,2023,7,14,141381,125,B,Major
Loud Street,Cy Oram,1,2023,3,23,133716,92,C#,Minor
Quiet Harbour,Cy Oram,1,2019,,23,800840,170,,Major
"""
OWN = Path(__file__).parents[3] / "contract" / "processors" / "catalogues"


@pytest.mark.parametrize("text", [REELGOOD, SPOTIFY], ids=["reelgood", "spotify"])
def test_catalogs_as_they_are_published(tmp_path: Path, text: str) -> None:
    drafted(tmp_path, text)
    assert share_taken_by_its_draft(tmp_path / "data.csv") == 1


@pytest.mark.parametrize("name", ["justwatch/hbo_titles.csv", "netflix.csv", "hulu.csv"])
def test_catalogs_of_platforms(name: str) -> None:
    assert share_taken_by_its_draft(OWN / name) == 1
