"""`mg eval entity-resolution MANIFEST…`: quality and speed of entity resolution on labelled data."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from bootstrap.mappings.notation import MappingError
from proofs.evaluation import manifest, scratch
from proofs.evaluation.manifest import Data
from proofs.evaluation.quality import Pair, blocking, harmonic, measure, share
from proofs.figures import Comparison, Figure
from schemas.types.catalog import CanonicalItem
from streams.processors.entity_resolution.chosen import chosen
from streams.processors.entity_resolution.features import Features
from streams.processors.entity_resolution.scoring import REVIEW, score
from streams.processors.entity_resolution.weighting import Weights

FOLDER = Path(__file__).with_name("manifests")
_BARS: dict[str, tuple[str, Comparison]] = {
    "f1": ("F1", "≥"),
    "precision": ("precision", "≥"),
    "recall": ("recall", "≥"),
    "b_cubed_f1": ("B-cubed F1", "≥"),
    "false_merges": ("false merges", "≤"),
    "candidate_recall": ("candidate recall", "≥"),
    "candidates": ("candidates an item", "≤"),
    "reviews": ("reviews", "≤"),
    "items_per_second": ("speed", "≥"),
}
_UNITS = {"false_merges": "of items", "reviews": "of items", "items_per_second": "items/s"}


FEATURES: dict[str, dict[str, Any]] = {
    "year": {"year": None, "release_date": None},
    "people": {"people": ()},
    "runtime": {"runtime_minutes": None},
    "genres": {"genres": ()},
    "other names": {"alternate_names": (), "original_name": None},
    "series or album": {"series_name": None},
    "season and episode": {"season_number": None, "episode_number": None},
}
"""What `ablate` takes away, one at a time."""


def evaluate(paths: Sequence[Path] = (), show: int = 0, weights: Weights | None = None) -> list[Figure]:
    """Figures of each manifest; of all of ours whose data is here when none is given. `show`: print so many wrong,
    missed and unseen pairs. `weights`: others than the chosen. Raises MappingError."""
    found: list[Figure] = []
    for path in _chosen(paths):
        data = manifest.load(path)
        found += _of_pairs(data, weights) if data.pairs else _of_items(data, show, weights)
    return found


def ablate(paths: Sequence[Path] = (), weights: Weights | None = None) -> list[Figure]:
    """F1 of each manifest as it is, and without each feature. Raises MappingError."""
    found: list[Figure] = []
    for path in _chosen(paths):
        data = manifest.load(path)
        for name, removed in {"nothing": {}, **FEATURES}.items():
            less = _without(data, removed)
            figures = _of_pairs(less, weights) if less.pairs else _of_items(less, 0, weights)
            found.append(
                msgspec.structs.replace(figures[0], name=f"{data.name}: F1 without {name}", bar="", holds=True)
            )
    return found


def _without(data: Data, removed: dict[str, Any]) -> Data:
    def less(item: CanonicalItem) -> CanonicalItem:
        return msgspec.structs.replace(item, **removed)

    items = [replace(one, item=less(one.item)) for one in data.items]
    return replace(data, items=items, pairs=[(less(left), less(right), same) for left, right, same in data.pairs])


def _chosen(paths: Sequence[Path]) -> list[Path]:
    found = list(paths) or [path for path in sorted(FOLDER.glob("*.yaml")) if manifest.is_here(path)]
    if not found:
        raise MappingError("the evaluation data is not here; give a MANIFEST.yaml of your own (docs/resolution.md)")
    return found


def _of_items(data: Data, show: int, weights: Weights | None) -> list[Figure]:
    with scratch.scratch_database() as dsn:
        resolved = scratch.resolve_all(dsn, data.items, weights=weights)
    quality, blocked = measure(data, resolved.titles), blocking(data)
    for title, pairs in (("WRONG", quality.wrong), ("MISSED", quality.missed), ("UNSEEN", blocked.missed)):
        _show(title, pairs, show)
    values = {
        "f1": (quality.f1, quality.true_pairs),
        "precision": (quality.precision, quality.true_pairs),
        "recall": (quality.recall, quality.true_pairs),
        "b_cubed_f1": (quality.b_cubed_f1, quality.labelled),
        "false_merges": (quality.false_merges, quality.labelled),
        "candidate_recall": (blocked.recall, quality.true_pairs),
        "candidates": (blocked.per_item, len(data.items)),
        "reviews": (share(len(resolved.reviewed), len(data.items)), len(data.items)),
        "items_per_second": (len(data.items) / resolved.seconds, len(data.items)),
    }
    return [_figure(data, name, *value) for name, value in values.items()]


def _of_pairs(data: Data, weights: Weights | None) -> list[Figure]:
    """Pairs that somebody chose: each is scored by itself, and linked at τ1."""
    by = weights or chosen()
    scores = [(score(Features(left), Features(right), by).total, same) for left, right, same in data.pairs]
    linked = sum(total >= by.link for total, _ in scores)
    hits = sum(total >= by.link and same for total, same in scores)
    true = sum(same for _, same in scores)
    precision, recall = share(hits, linked), share(hits, true)
    values = {
        "f1": harmonic(precision, recall),
        "precision": precision,
        "recall": recall,
        "reviews": share(sum(REVIEW <= total < by.link for total, _ in scores), len(scores)),
    }
    return [_figure(data, name, value, len(scores)) for name, value in values.items()]


def _figure(data: Data, name: str, value: float, samples: int) -> Figure:
    label, comparison = _BARS[name]
    unit = _UNITS.get(name, "")
    if name in data.bars:
        return Figure.against(f"{data.name}: {label}", value, unit, comparison, data.bars[name], samples)
    return Figure.information(f"{data.name}: {label}", value, unit, samples)


def _show(title: str, pairs: Sequence[Pair], most: int) -> None:
    if not most:
        return
    print(f"{title} {len(pairs)}")
    for pair in pairs[:: max(1, len(pairs) // most)][:most]:
        print("  " + " | ".join(f"{one.provider} {_told(one.item)}" for one in pair))


def _told(item: CanonicalItem) -> str:
    names = ("kind", "name", "alternate_names", "year", "runtime_minutes", "season_number", "episode_number")
    parts = [str(value) for name in names if (value := getattr(item, name))]
    people = [person.name for person in item.people][:4]
    return " · ".join([*parts, ", ".join(people)])
