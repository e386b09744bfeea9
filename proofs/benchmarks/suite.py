"""The benchmarks by name, in the order `make bench` runs them."""

from collections.abc import Callable

from proofs.benchmarks import catalog, codec, processors
from proofs.figures import Figure

RUNS: dict[str, Callable[[], list[Figure]]] = {
    "codec": codec.run,
    "processors": processors.run,
    "catalog": catalog.catalog,
    "ingestion": catalog.ingestion,
}
