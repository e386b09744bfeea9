import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bootstrap.catalog_files import CatalogFileError, RawItem, read_native
from streams.processors.normalization.adapters import ADAPTERS

PLATFORM_HEADER = "show_id,type,title,release_year,listed_in\n"
JUSTWATCH_HEADER = "id,title,type,release_year,genres\n"


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(provider: str, path: Path) -> list[RawItem]:
    return list(read_native(provider, path))


@pytest.fixture
def movies_db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(tmp_path / "movies.db")
    database.execute('CREATE TABLE omdb ("ID" INTEGER, "Title" TEXT, "Rating" TEXT, "lastUpdated" TEXT)')
    database.execute("INSERT INTO omdb VALUES (7, 'Harbour', NULL, '2026-01-02'), (3, 'Sea', 'R', 'soon')")
    database.commit()
    yield database
    database.close()


def test_wikidata_database_with_reviews_beside_the_film(tmp_path: Path, movies_db: sqlite3.Connection) -> None:
    movies_db.execute('CREATE TABLE tomatoes ("ID" INTEGER, "Rating" REAL, "Reviews" INTEGER)')
    movies_db.execute("INSERT INTO tomatoes VALUES (7, 1.5, 12)")
    movies_db.commit()
    sea, harbour = read("wikidata", tmp_path / "movies.db")
    assert (sea.native_id, sea.source_time) == ("3", None)
    assert harbour.body == {"ID": 7, "Title": "Harbour", "lastUpdated": "2026-01-02", "Reviews": 12}
    assert harbour.source_time == datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.usefixtures("movies_db")
def test_wikidata_database_without_reviews(tmp_path: Path) -> None:
    assert [item.native_id for item in read("wikidata", tmp_path / "movies.db")] == ["3", "7"]


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = write(tmp_path / "movies.db", "not a database at all" * 100)
    with pytest.raises(CatalogFileError, match=r"movies\.db: not a readable SQLite database"):
        read("wikidata", path)


def test_a_database_of_something_else(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE x (y)").connection.close()
    with pytest.raises(CatalogFileError, match="no table omdb"):
        read("wikidata", tmp_path / "other.db")


def test_movielens_items(tmp_path: Path) -> None:
    path = write(
        tmp_path / "ml.item",
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        '1\tThe "Harbour\t1995\tDrama\n2\tSea, The\t1996\t\n',
    )
    first, second = read("movielens", path)
    assert first.body == {"item_id": "1", "movie_title": 'The "Harbour', "release_year": "1995", "class": "Drama"}
    assert second.native_id == "2"


@pytest.mark.parametrize("provider", ["netflix", "disney_plus", "hulu"])
def test_platform_csv(provider: str, tmp_path: Path) -> None:
    path = write(tmp_path / "any.csv", "\ufeff" + PLATFORM_HEADER + 's1,Movie,"Two\nLines",2020,"Drama, War"\n\n')
    (item,) = read(provider, path)
    assert item == RawItem(
        "s1",
        {"show_id": "s1", "type": "Movie", "title": "Two\nLines", "release_year": "2020", "listed_in": "Drama, War"},
    )


@pytest.mark.parametrize(
    ("name", "platform"),
    [("netflix", "netflix"), ("hbo", "hbo_max"), ("disney", "disney_plus"), ("apple", "apple_tv_plus")],
)
def test_the_file_name_tells_justwatch_platforms(name: str, platform: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"{name}_titles.csv", JUSTWATCH_HEADER + "tm1,Harbour,MOVIE,2020,[]\n")
    (item,) = read("justwatch", path)
    assert item.native_id == f"tm1@{platform}"
    assert item.body["_platform"] == platform


def test_a_justwatch_file_of_no_known_platform(tmp_path: Path) -> None:
    with pytest.raises(CatalogFileError, match="told by its name"):
        read("justwatch", write(tmp_path / "titles.csv", JUSTWATCH_HEADER))


@pytest.mark.parametrize("provider", sorted(ADAPTERS))
def test_json_works_for_every_provider(provider: str, tmp_path: Path) -> None:
    items = [{"ID": 1, "item_id": "1", "show_id": "1", "id": "1", "title": name} for name in ("Harbour", "Sea")]
    lines = write(tmp_path / "items.jsonl", "\ufeff" + "\n\n".join(json.dumps(item) for item in items) + "\n")
    whole = write(tmp_path / "items.json", json.dumps(items))
    assert read(provider, lines) == read(provider, whole)
    assert [item.body for item in read(provider, lines)] == items


@pytest.mark.parametrize(
    ("provider", "name", "content", "message"),
    [
        ("nobody", "a.csv", "", "no provider 'nobody'; known are wikidata"),
        ("netflix", "a.xlsx", "", "netflix files end in .csv, .jsonl, .json"),
        ("netflix", "a.csv", "", r"a\.csv:1: not this provider's file: no column listed_in"),
        ("netflix", "a.csv", "id,title\n1,x\n", r"a\.csv:1: .*no column listed_in, release_year, show_id, type"),
        ("netflix", "a.csv", PLATFORM_HEADER + "s1,Movie\n", r"a\.csv:2: 2 columns where the header has 5"),
        ("netflix", "a.csv", PLATFORM_HEADER + ",Movie,x,2020,Drama\n", r"a\.csv:2: the item has no id"),
        ("netflix", "a.csv", PLATFORM_HEADER.encode() + b"s1,Movie,\xff,2020,Drama\n", r"a\.csv:\d: not UTF-8"),
        ("netflix", "a.csv", PLATFORM_HEADER + "s1," + "x" * 2**21, r"a\.csv:\d: field larger"),
        ("netflix", "a.jsonl", '{"show_id": "s1"}\n{"show_id"', r"a\.jsonl:2: Input data was truncated"),
        ("netflix", "a.jsonl", '{"show_id": "s1"}\n[1]\n', r"a\.jsonl:2: a raw item is a JSON object, not list"),
        ("netflix", "a.jsonl", "[" * 200_000, r"a\.jsonl:1: .*recursion"),
        ("netflix", "a.json", '{"show_id": "s1"}', r"a\.json: Expected `array`"),
        ("netflix", "a.json", '[{"show_id": "s1"}, 2]', r"a\.json: item 2: a raw item is a JSON object"),
    ],
)
def test_errors_name_file_line_and_problem(
    provider: str, name: str, content: str | bytes, message: str, tmp_path: Path
) -> None:
    path = write(tmp_path / name, content)
    with pytest.raises(CatalogFileError, match=message):
        read(provider, path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CatalogFileError, match="no such file"):
        read("netflix", tmp_path / "missing.csv")
