"""Entity resolution by several sets of weights, in one table."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from bootstrap.mappings.notation import MappingError
from proofs.evaluation import entity_resolution, resolution
from proofs.figures import Figure
from streams.processors.entity_resolution.chosen import CHOSEN, Choice, read
from streams.processors.entity_resolution.weighting import Weights


def evaluate(
    paths: Sequence[Path] = (),
    show: int = 0,
    ablate: bool = False,
    choices: Sequence[Choice] = (),
    link: float | None = None,
) -> list[Figure]:
    """By the weights that the product uses, unless there are `choices`; of several, each figure is told by its weights.
    `link`: another threshold τ1. Without manifests, all of our data. Raises MappingError, also for weights that cannot
    be read: here others must not stand in for them."""
    found = []
    for choice in choices or (CHOSEN,):
        try:
            weights = read(choice)
        except (OSError, ValueError) as error:
            raise MappingError(f"the weights ({choice}) cannot be read: {error}") from None
        if link is not None:
            weights = msgspec.structs.replace(weights, link=link)
        figures = _by(paths, show, ablate, weights)
        found.append([_told(figure, choice) for figure in figures] if len(choices) > 1 else figures)
    return [figure for figures in zip(*found, strict=True) for figure in figures]


def _by(paths: Sequence[Path], show: int, ablate: bool, weights: Weights) -> list[Figure]:
    if ablate:
        return resolution.ablate(paths, weights)
    found = resolution.evaluate(paths, show, weights)
    return found if paths or show else [*entity_resolution.evaluate(weights=weights), *found]


def _told(figure: Figure, choice: Choice) -> Figure:
    return msgspec.structs.replace(figure, name=f"{figure.name} ({choice})")
