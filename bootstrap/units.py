"""Which controllers, processors, materializers and senders make a process, and how the whole is drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bootstrap import parts
from runtime.settings import Ports
from schemas import loader
from streams.engine.spec import MaterializerSpec, ProcessorSpec, SenderSpec
from streams.topology import MATERIALIZERS, PROCESSORS, SENDERS

if TYPE_CHECKING:  # a web framework that processes without services do without
    from runtime.http.service import ServiceSpec

Kind = Literal["processor", "materializer", "sender", "service"]
GROUPS: dict[str, Kind] = {
    "processors": "processor",
    "materializers": "materializer",
    "senders": "sender",
    "services": "service",
}


@dataclass(frozen=True, slots=True)
class Service:
    """One deployable service: command and query parts behind one port."""

    name: str
    load: "Callable[[], tuple[ServiceSpec, ...]]"
    """Imports its parts and returns them."""
    read_models: tuple[str, ...]
    stores: str
    description: str

    def port(self, ports: Ports) -> int:
        return int(getattr(ports, self.name))

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(topic.topic for topic in loader.topics() if topic.producer == f"service:{self.name}")


SERVICES: tuple[Service, ...] = (
    Service(
        "ingestion",
        parts.ingestion,
        ("provider_deliveries",),
        "Redis, PostgreSQL (read)",
        "Takes providers' webhooks; shows what became of them",
    ),
    Service(
        "discovery",
        parts.discovery,
        ("title_catalog", "availability", "availability_changes", "title_search", "trending"),
        "Redis, PostgreSQL and Qdrant (read)",
        "Titles, where to watch them, search, what is watched most; takes operators' decisions",
    ),
    Service(
        "sync",
        parts.sync,
        (
            "watch_state",
            "watchlist",
            "ratings",
            "preferences",
            "devices",
            "playback_history",
            "title_catalog",
        ),
        "Redis, PostgreSQL (read)",
        "Takes devices' queues and what they ask of each other; shows lists, positions and changes, live too",
    ),
    Service(
        "playback",
        parts.playback,
        ("playback_history", "ratings", "title_catalog"),
        "Redis, PostgreSQL (read)",
        "Takes what players did and how people rated it; looks up sessions",
    ),
)


@dataclass(frozen=True, slots=True)
class Selection:
    """What one process runs."""

    processors: tuple[ProcessorSpec, ...] = ()
    materializers: tuple[MaterializerSpec, ...] = ()
    senders: tuple[SenderSpec, ...] = ()
    services: tuple[Service, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (
            *(f"processor:{spec.name}" for spec in self.processors),
            *(f"materializer:{spec.name}" for spec in self.materializers),
            *(f"sender:{spec.name}" for spec in self.senders),
            *(f"service:{service.name}" for service in self.services),
        )


class UnknownUnit(Exception):
    """A unit name that does not exist; the message lists those that do."""


def every() -> Selection:
    return Selection(PROCESSORS, MATERIALIZERS, SENDERS, SERVICES)


def select(wanted: Sequence[str]) -> Selection:
    """From `processor:NAME`, `processors` and so on. Raises UnknownUnit."""
    everything = every()
    chosen: set[str] = set()
    for word in wanted:
        if word in GROUPS:
            chosen.update(name for name in everything.names if name.startswith(f"{GROUPS[word]}:"))
        elif word in everything.names:
            chosen.add(word)
        else:
            raise UnknownUnit(f"no unit called {word!r}; there are: {', '.join((*GROUPS, *everything.names))}")
    return Selection(
        tuple(spec for spec in everything.processors if f"processor:{spec.name}" in chosen),
        tuple(spec for spec in everything.materializers if f"materializer:{spec.name}" in chosen),
        tuple(spec for spec in everything.senders if f"sender:{spec.name}" in chosen),
        tuple(service for service in everything.services if f"service:{service.name}" in chosen),
    )


def materializer(name: str) -> MaterializerSpec | None:
    return next((spec for spec in MATERIALIZERS if spec.name == name), None)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of `mg units`."""

    unit: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    stores: str
    description: str


def table() -> list[Row]:
    rows = [Row(f"service:{s.name}", (), s.outputs, s.stores, s.description) for s in SERVICES]
    rows += [Row(f"processor:{p.name}", p.inputs, p.outputs, _stores_of(p), p.description) for p in PROCESSORS]
    rows += [
        Row(f"materializer:{m.name}", (*m.inputs, *m.dead_letter_inputs), (), m.store_kind, m.description)
        for m in MATERIALIZERS
    ]
    rows += [Row(f"sender:{s.name}", s.read_models, (), s.store_kind, s.description) for s in SENDERS]
    return rows


def _stores_of(spec: ProcessorSpec) -> str:
    if spec.state is not None:
        return f"Kafka ({spec.state_topic})"
    return "PostgreSQL" if spec.lookup else ""


def markdown() -> str:
    """The table of the README."""
    lines = ["| unit | reads | writes | stores | |", "| --- | --- | --- | --- | --- |"]
    for row in table():
        reads, writes = (", ".join(topics) for topics in (row.reads, row.writes))
        lines.append(f"| `{row.unit}` | {reads} | {writes} | {row.stores} | {row.description} |")
    return "\n".join(lines) + "\n"


def mermaid() -> str:
    """The flow as a Mermaid graph: topics are pipes, units boxes, read models cylinders, senders hexagons."""
    lines = ["flowchart LR", "  providers((providers)) --> service_ingestion"]
    lines += [f"  devices((devices)) --> service_{name}" for name in ("playback", "sync")]
    lines += [f"  {_id('service', s.name)}[{s.name}]" for s in SERVICES]
    for topic in loader.topics():
        lines.append(f"  {_id('topic', topic.topic)}>{topic.topic}]")
        lines.append(f"  {_id(*topic.producer.split(':'))} --> {_id('topic', topic.topic)}")
        lines += [f"  {_id('topic', topic.topic)} --> {_id(*unit.split(':'))}" for unit in topic.consumers]
    lines += [f"  {_id('processor', p.name)}[[{p.name}]]" for p in PROCESSORS]
    for spec in MATERIALIZERS:
        lines.append(f"  {_id('materializer', spec.name)}[({spec.name}<br/>{spec.store_kind})]")
        lines += [
            f"  {_id('dlq', name)}>{name}] --> {_id('materializer', spec.name)}" for name in spec.dead_letter_inputs
        ]
    for processor in PROCESSORS:
        dlq = loader.dead_letter_topic(processor.name)
        if any(dlq in m.dead_letter_inputs for m in MATERIALIZERS):
            lines.append(f"  {_id('processor', processor.name)} -.-> {_id('dlq', dlq)}")
    lines += [
        f"  {_id('materializer', model)} --> {_id('service', s.name)}" for s in SERVICES for model in s.read_models
    ]
    for sender in SENDERS:
        lines.append(f"  {_id('sender', sender.name)}{{{{{sender.name}}}}} --> subscribers((subscribers))")
        lines += [f"  {_id('materializer', model)} --> {_id('sender', sender.name)}" for model in sender.read_models]
    lines += [f"  service_{name} --> clients((clients))" for name in ("discovery", "sync", "playback")]
    return "\n".join(lines) + "\n"


def _id(kind: str, name: str) -> str:
    return f"{kind}_{name.replace('-', '_')}"
