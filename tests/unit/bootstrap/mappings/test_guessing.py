"""Drafts of mappings: every draft can be loaded and takes the rows it was drafted from."""

from pathlib import Path

import pytest
import yaml

from bootstrap.mappings import data_files, notation
from bootstrap.mappings.guessing import guess
from bootstrap.mappings.notation import MappingError
from bootstrap.mappings.rows import item_of, native_id
from streams.processors.normalization.adapters import CANONICAL

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


DATA = Path(__file__).parents[5] / "shared" / "data"


@pytest.mark.skipif(not DATA.is_dir(), reason=f"the evaluation data is not in {DATA}")
@pytest.mark.parametrize(
    "name",
    [
        "catalog_justwatch/hbo_titles.csv",
        "catalog_kaggle/netflix_titles.csv",
        "catalog_kaggle/hulu_titles.csv",
        "catalog_reelgood/MoviesOnStreamingPlatforms.csv",
        "music/spotify-2023.csv",
    ],
)
def test_real_catalogs(name: str) -> None:
    """At least 95 % of the rows become items with the draft as it is."""
    raw, _ = guess(DATA / name)
    mapping = notation.parse(raw, name)
    rows = [row for _, row in data_files.read(DATA / name, mapping.file)]
    good = sum(bool(native_id(row, mapping)) and bool(item_of(row, mapping, "shop").get("name")) for row in rows)
    assert good >= 0.95 * len(rows)
