"""The benchmarks by name, in the order `make bench` runs them."""

from collections.abc import Callable

from proofs.benchmarks import backlog, catalog, codec, flow, live_idle, processors, rebuild, resolution, scaling, sync
from proofs.benchmarks.peers import run as peers
from proofs.benchmarks.peers.kills import peers_kills
from proofs.benchmarks.peers.latency import peers_latency
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
ON_REQUEST: dict[str, Callable[[], list[Figure]]] = {
    "peers": peers.peers,
    "peers-kills": peers_kills,
    "peers-latency": peers_latency,
    "rebuild": rebuild.rebuild,
    "resolution": resolution.run,
    "flow": flow.flow,
    "scaling": scaling.scaling,
}
"""By name only: they take longer than all others together."""
