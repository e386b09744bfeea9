"""The benchmarks by name, in the order `make bench` runs them."""

from collections.abc import Callable

from proofs.benchmarks import backlog, catalog, codec, live_idle, processors, sync
from proofs.figures import Figure

RUNS: dict[str, Callable[[], list[Figure]]] = {
    "codec": codec.run,
    "processors": processors.run,
    "backlog": backlog.backlog,
    "sync": sync.sync,
    "live": live_idle.live_idle,
    "catalog": catalog.catalog,
    "ingestion": catalog.ingestion,
}
