"""The evaluations by name."""

from collections.abc import Callable

from proofs.evaluation import compared, search_titles
from proofs.figures import Figure

RUNS: dict[str, Callable[[], list[Figure]]] = {
    "search-titles": search_titles.run,
    "entity-resolution": compared.evaluate,
}
