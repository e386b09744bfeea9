"""Adapters against whole catalogues: nearly everything normalises, nothing is lost silently, known rows come out right.

The files are not ours to copy: the film database and MovieLens come with `make demo`'s assets, the others lie in the
evaluation data beside the checkout.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import msgspec
import pytest

from bootstrap.catalog_files import read_native
from schemas import codec
from schemas.envelope import Position
from schemas.read_models.genres import GENRES
from schemas.types.catalog import CanonicalItem, ProviderItemNormalized, ProviderItemReceived
from streams.engine.outcome import InvalidEvent
from streams.processors.normalization.transform import transform

ROOT = Path(__file__).resolve().parents[3]
ASSETS = ROOT / ".mg" / "assets" / "packages"
DATA = ROOT.parent / "shared" / "data"
NOW = datetime(2026, 1, 1, tzinfo=UTC)

FILES = {
    "wikidata": ("wikidata", ASSETS / "bokeh_sampledata" / "_data" / "movies.db"),
    "movielens": ("movielens", ASSETS / "recbole" / "dataset_example" / "ml-100k" / "ml-100k.item"),
    "netflix": ("netflix", DATA / "catalog_kaggle" / "netflix_titles.csv"),
    "disney_plus": ("disney_plus", DATA / "catalog_kaggle" / "disney_plus_titles.csv"),
    "hulu": ("hulu", DATA / "catalog_kaggle" / "hulu_titles.csv"),
    "justwatch netflix": ("justwatch", DATA / "catalog_justwatch" / "netflix_titles.csv"),
    "justwatch disney": ("justwatch", DATA / "catalog_justwatch" / "disney_titles.csv"),
    "justwatch hbo": ("justwatch", DATA / "catalog_justwatch" / "hbo_titles.csv"),
    "justwatch apple": ("justwatch", DATA / "catalog_justwatch" / "apple_titles.csv"),
}


@dataclass(slots=True)
class Outcome:
    rows: int = 0
    events: dict[str, ProviderItemNormalized] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def items(self) -> list[CanonicalItem]:
        return [event.item for event in self.events.values()]

    def named(self, name: str, year: int | None = None) -> CanonicalItem:
        return next(item for item in self.items if item.name == name and year in (None, item.year))

    def share(self, has: Callable[[CanonicalItem], object]) -> float:
        return sum(bool(has(item)) for item in self.items) / len(self.items)


@cache
def normalised(catalogue: str) -> Outcome:
    provider, path = FILES[catalogue]
    if not path.is_file():
        pytest.skip(f"{path} is not here: see the docstring of this test")
    outcome = Outcome()
    for ordinal, raw in enumerate(read_native(provider, path)):
        outcome.rows += 1
        delivery = ProviderItemReceived(
            event_id=f"{catalogue}-{ordinal}",
            occurred_at=NOW,
            provider=provider,
            native_id=raw.native_id,
            delivery_id="import",
            ordinal=ordinal,
            action="upsert",
            source_time=raw.source_time or NOW,
            body=msgspec.json.encode(raw.body),
        )
        try:
            (event,) = transform(delivery, Position("catalog-deliveries", 0, ordinal))
        except InvalidEvent as refused:
            outcome.refused[refused.reason] += 1
            continue
        assert isinstance(event, ProviderItemNormalized)
        outcome.events[raw.native_id] = event
    return outcome


@pytest.mark.parametrize("catalogue", FILES)
def test_nearly_every_row_normalises(catalogue: str) -> None:
    found = normalised(catalogue)
    assert found.rows > 100
    assert len(found.events) + found.refused.total() == found.rows, "two rows share a native id"
    assert len(found.events) / found.rows >= 0.995, found.refused


@pytest.mark.parametrize("catalogue", FILES)
def test_no_genre_is_unknown_and_all_are_of_the_vocabulary(catalogue: str) -> None:
    items = normalised(catalogue).items
    assert Counter(word for item in items for word in item.unknown_genres) == Counter()
    assert {genre for item in items for genre in item.genres} <= set(GENRES)
    assert sum(bool(item.genres) for item in items) / len(items) >= 0.97


@pytest.mark.parametrize("catalogue", FILES)
def test_every_event_fits_its_schema_and_every_year_is_known(catalogue: str) -> None:
    for event in normalised(catalogue).events.values():
        assert codec.decode(codec.encode(event)) == event
        assert event.item.year is not None
        assert event.item.name == " ".join(event.item.name.split())


@pytest.mark.parametrize("catalogue", [name for name in FILES if name not in {"wikidata", "movielens"}])
def test_every_row_of_a_platform_is_an_offer(catalogue: str) -> None:
    assert normalised(catalogue).share(lambda item: item.offers) == 1


@pytest.mark.parametrize("catalogue", ["netflix", "disney_plus", "hulu"])
def test_every_platform_row_has_an_age_rating(catalogue: str) -> None:
    assert normalised(catalogue).share(lambda item: item.age_ratings) == 1


def test_wikidata_is_filled_as_far_as_it_can_be() -> None:
    found = normalised("wikidata")
    assert found.rows == 17_472
    assert found.share(lambda item: item.external_ids) == 1
    assert found.share(lambda item: item.countries) >= 0.999
    assert found.share(lambda item: item.languages) >= 0.985
    assert found.share(lambda item: item.people) >= 0.99
    assert not any("film)" in item.name for item in found.items)


def test_known_films_of_wikidata() -> None:
    found = normalised("wikidata")
    faust = found.named("Faust", 2011)
    assert "Alexander Sokurov" in [person.name for person in faust.people if person.role == "director"]
    summer = found.named("(500) Days of Summer")
    assert (summer.year, summer.kind) == (2009, "movie")


def test_known_films_of_movielens() -> None:
    found = normalised("movielens")
    assert found.rows == 1_682
    assert found.refused == {"missing_name": 1}
    assert found.named("The Usual Suspects").year == 1995
    assert found.named("Seven").alternate_names == ("Se7en",)
    assert found.named("The Horseman on the Roof").alternate_names == ("Le Hussard sur le toit",)
    assert found.named("L'Enfer").year is not None
    assert found.named("Land Before Time III: The Time of the Great Giving").year == 1995
    assert found.named("Toy Story").genres == ("animation", "children", "comedy")


def test_known_titles_of_the_platforms() -> None:
    netflix = normalised("netflix")
    assert netflix.named("Blood & Water").kind == "series"
    assert netflix.named("SAINT SEIYA: Knights of the Zodiac")
    assert netflix.named("Legend of Exorcism")
    assert {item.languages for item in netflix.items if item.name == "Thackeray"} == {(), ("hi",), ("mr",)}
    disney = normalised("disney_plus")
    assert {item.year for item in disney.items if item.name == "Aladdin"} == {1992, 2019}
    hulu = normalised("hulu")
    assert all(len(person.name) < 100 for item in hulu.items for person in item.people)


def test_rows_of_one_justwatch_title_stay_apart_by_platform_and_share_an_id() -> None:
    seen: dict[str, set[str]] = {}
    for catalogue in ("justwatch netflix", "justwatch disney", "justwatch hbo", "justwatch apple"):
        for item in normalised(catalogue).items:
            (shared,) = (known.value for known in item.external_ids if known.source == "justwatch")
            seen.setdefault(shared, set()).update(offer.provider for offer in item.offers)
    assert sum(len(platforms) == 2 for platforms in seen.values()) == 18
