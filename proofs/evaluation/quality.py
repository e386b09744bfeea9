"""How good titles are, by labels. Pairwise figures as in Christen, "Data Matching" (2012), chapter 7; B-cubed as in
Bagga and Baldwin, "Algorithms for Scoring Coreference Chains" (1998)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from proofs.evaluation.manifest import Data, ItemKey, Labelled
from streams.processors.entity_resolution.blocking import blocks, year_of
from streams.processors.entity_resolution.features import Features

Pair = tuple[Labelled, Labelled]


@dataclass(frozen=True, slots=True)
class Quality:
    """`wrong` and `missed` are pairs, for people to look at. `false_merges`: share of the labelled items that share a
    title with an item of another label."""

    precision: float
    recall: float
    f1: float
    b_cubed_f1: float
    false_merges: float
    true_pairs: int
    labelled: int
    wrong: tuple[Pair, ...]
    missed: tuple[Pair, ...]


def measure(data: Data, titles: Mapping[ItemKey, str]) -> Quality:
    """Over the labelled items. With `data.across` only pairs of different files count: of one file nothing is known."""
    labelled = [one for one in data.items if one.key in data.labels]
    by_title: dict[str, list[Labelled]] = defaultdict(list)
    by_label: dict[str, list[Labelled]] = defaultdict(list)
    for one in labelled:
        by_title[titles[one.key]].append(one)
        by_label[data.labels[one.key]].append(one)
    linked = list(_pairs(by_title.values(), data.across))
    wrong = [(one, other) for one, other in linked if data.labels[one.key] != data.labels[other.key]]
    true = list(_pairs(by_label.values(), data.across))
    missed = [(one, other) for one, other in true if titles[one.key] != titles[other.key]]
    hits = len(linked) - len(wrong)
    precision, recall = share(hits, len(linked)), share(hits, len(true) + data.lost)
    mixed = {one.key for pair in wrong for one in pair}
    return Quality(
        precision=precision,
        recall=recall,
        f1=harmonic(precision, recall),
        b_cubed_f1=_b_cubed(labelled, data.labels, titles),
        false_merges=share(len(mixed), len(labelled)),
        true_pairs=len(true) + data.lost,
        labelled=len(labelled),
        wrong=tuple(wrong),
        missed=tuple(missed),
    )


def _pairs(groups: Iterable[list[Labelled]], across: bool) -> Iterable[Pair]:
    for group in groups:
        for one, other in combinations(group, 2):
            if not across or one.file != other.file:
                yield one, other


def _b_cubed(items: list[Labelled], labels: Mapping[ItemKey, str], titles: Mapping[ItemKey, str]) -> float:
    both = Counter((titles[one.key], labels[one.key]) for one in items)
    by_title, by_label = Counter(titles[one.key] for one in items), Counter(labels[one.key] for one in items)
    precision = recall = 0.0
    for (title, label), count in both.items():
        precision += count * count / by_title[title]
        recall += count * count / by_label[label]
    return harmonic(share(precision, len(items)), share(recall, len(items)))


def share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def harmonic(one: float, other: float) -> float:
    return 2 * one * other / (one + other) if one + other > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Blocking:
    """`recall`: share of the true pairs that share a block; `per_item`: other files' items that do, on average."""

    recall: float
    per_item: float
    missed: tuple[Pair, ...]


def blocking(data: Data) -> Blocking:
    """By the product's own keys: what the matcher could see if every item were alone in its title."""
    found = {one.key: Features(one.item) for one in data.items}
    index: dict[int, list[tuple[int, Labelled]]] = defaultdict(list)
    for one in data.items:
        for block in blocks(found[one.key]):
            index[block].append((year_of(found[one.key]), one))
    candidates = 0
    by_label: dict[str, list[Labelled]] = defaultdict(list)
    for one in data.items:
        if one.key in data.labels:
            by_label[data.labels[one.key]].append(one)
        year = year_of(found[one.key])
        near = {
            other.key
            for block in blocks(found[one.key])
            for at, other in index[block]
            if other.file != one.file and _near(year, at)
        }
        candidates += len(near)
    true = list(_pairs(by_label.values(), data.across))
    missed = [pair for pair in true if not _share_a_block(found[pair[0].key], found[pair[1].key])]
    return Blocking(
        share(len(true) - len(missed), len(true) + data.lost), share(candidates, len(data.items)), tuple(missed)
    )


def _near(year: int, other: int) -> bool:
    return not year or not other or abs(year - other) <= 1


def _share_a_block(one: Features, other: Features) -> bool:
    return not set(blocks(one)).isdisjoint(blocks(other)) and _near(year_of(one), year_of(other))
