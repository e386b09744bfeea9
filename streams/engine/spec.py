"""What a processor, a materializer and a sender are, in the fewest words the engines need.

Topics are not named here: the topic files say who consumes what (`consumers:`) and who produces it (`producer:`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from runtime.connections.postgres import Cursor
from runtime.health import UnitHealth
from runtime.settings import Settings
from schemas import loader
from schemas.envelope import Position
from schemas.types import AnyEvent
from streams.engine.outcome import InvalidEvent

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Received:
    """A decoded event and where it stood. `timestamp` is the broker's record time (UTC), `value` the raw bytes."""

    event: AnyEvent
    position: Position
    key: bytes | None
    timestamp: datetime
    headers: Headers = ()
    value: bytes = b""


Transform = Callable[[AnyEvent, Position], tuple[Any, ...]]
"""Pure. A processor's returns events, a materializer's returns writes. Raises InvalidEvent and nothing else."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event of a batch that a lookup refused."""

    received: Received
    error: InvalidEvent


@dataclass(slots=True)
class Decision:
    """What a lookup made of a batch: events to publish, in order, and events to dead-letter.

    `traceparents` (event id of an outgoing event → W3C header of the input that caused it) carries traces on.
    """

    events: list[AnyEvent] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    traceparents: dict[str, bytes] = field(default_factory=dict)


class Lookup(Protocol):
    """Decides a batch against PostgreSQL.

    Runs in a worker thread inside the engine's transaction: whatever it writes through `cursor` commits together with
    the outgoing events (outbox) and the input position, or not at all. It must not commit, and it may be called again
    with the same batch after a failure, with its earlier writes rolled back. psycopg errors may escape: the engine
    sorts them into transient and fatal.
    """

    def decide(self, cursor: Cursor, batch: Sequence[Received]) -> Decision: ...


@dataclass(frozen=True, slots=True)
class Counted:
    """Among what a step makes: not an event, but an input to be counted under this outcome in the metrics."""

    outcome: str


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One table of a stateful processor: what it remembers of each key. Pure functions; times are ms since 1970.

    `step(state, what, now)` takes the state of `key_of(what)` (None: nothing remembered) and gives the next state and
    what it made. `what` is a Received for a spec's first table and, for a later one, what the table before it made; the
    last table makes events. `now` is the newest time in the input so far. A step that changes nothing returns the very
    state it got; it never returns None for a state. The first table's may raise InvalidEvent. One input makes at most
    one thing a key. `tick(state, now)` runs once `wakes_at(state)` has passed; None when nothing is left to remember.
    """

    name: str
    state: type[Any]
    key_of: Callable[[Any], bytes]
    step: Callable[[Any, Any, int], tuple[Any, Sequence[Any]]]
    tick: Callable[[Any, int], tuple[Any, Sequence[AnyEvent]]]
    wakes_at: Callable[[Any], int | None]


class Summary(Protocol):
    """What all partitions' states say together. One instance of the processor holds it, in one thread."""

    def saw(self, table: str, partition: int, key: bytes, state: Any) -> None:
        """The newest state of a key; None when it was forgotten."""
        ...

    def publish(self, now: int) -> Sequence[AnyEvent]:
        """Events about what changed since the last call. `now` is the newest time in the input of any partition."""
        ...


@dataclass(frozen=True, slots=True)
class StateSpec:
    """State of a processor, kept in a compacted topic of its own (`<name>-state`), partitioned like its input.

    `time_of` places an input on the processor's time line. With `by_wall_clock` time also passes while nothing arrives:
    once everything in the log is processed.
    """

    tables: tuple[TableSpec, ...]
    time_of: Callable[[Received], int]
    by_wall_clock: bool = False
    summary: Callable[[], Summary] | None = None
    summary_tables: tuple[str, ...] = ()
    """Tables that the summary wants to see."""
    summary_seconds: Callable[[Settings], float] = lambda _settings: 5.0


@dataclass(frozen=True, slots=True)
class ProcessorSpec:
    """Topic to topic. One of `transform` (pure), `lookup` (decides in PostgreSQL) and `state` (remembers).

    `description` is for people (`mg units`).
    """

    name: str
    transform: Transform | None = None
    lookup: Callable[[Settings], Lookup] | None = None
    state: StateSpec | None = None
    max_batch: int = 1000
    gather_seconds: float = 0.01
    """How long a batch gathers: latency for every event. A decision that costs much a batch gathers longer."""
    fresh_seconds: float | None = None
    """So long instead, from the first event on, while few of them come: fresh, for more batches of fewer events."""
    description: str = ""

    def __post_init__(self) -> None:
        if sum(part is not None for part in (self.transform, self.lookup, self.state)) != 1:
            raise ValueError(f"processor {self.name}: give one of transform, lookup and state")

    @property
    def inputs(self) -> tuple[str, ...]:
        return consumed_by(f"processor:{self.name}")

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(topic.topic for topic in loader.topics() if topic.producer == f"processor:{self.name}")

    @property
    def state_topic(self) -> str:
        """Where a stateful processor keeps its state; nobody else reads it."""
        return self.name.replace("_", "-") + "-state"


@dataclass(frozen=True, slots=True)
class Advance:
    """The position of one partition moves from `expected` to `next` (offsets of the next message to read)."""

    topic: str
    partition: int
    expected: int
    next: int


class Store(Protocol):
    """One read model's writing side. Called from one thread only.

    `apply` makes the writes and the new positions durable together (or, in a store without transactions, the
    positions strictly after the confirmed writes) and raises Fenced when a position is not the expected one,
    TransientError when the backend is away. Applying the same batch again must change nothing.
    """

    def positions(self, partitions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Next offset of each partition that has one; missing partitions start at the beginning."""
        ...

    def apply(self, writes: Sequence[Any], advances: Sequence[Advance]) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class StoreContext:
    """`version` is the physical version to write (`title_catalog_v2`); None follows the serving one."""

    settings: Settings
    read_model: str
    version: int | None = None


Complete = Callable[[], bool]
"""Whether the next version has all that the log holds at the call; takes two seconds at most."""


def at_once() -> bool:
    return True


class Versions(Protocol):
    """The physical versions of one read model, for rebuilds. `create` starts empty and forgets earlier positions.

    `switch` asks `complete` while the writer of the serving version is held back, and again until it says so. It raises
    VersionError when that takes too long; nothing has switched then.
    """

    def serving(self) -> int: ...

    def create(self, version: int) -> None: ...

    def switch(self, version: int, complete: Complete = at_once) -> None: ...

    def drop(self, version: int) -> None: ...


@dataclass(frozen=True, slots=True)
class MaterializerSpec:
    """Topic to store. `store_kind` and `description` are for people (`mg units`)."""

    name: str
    transform: Transform
    store: Callable[[StoreContext], Store]
    versions: Callable[[Settings], Versions]
    store_kind: str
    description: str
    dead_letters: bool = False
    """True when it also reads the dead letters of the processors that consume its topics (as `DeadLettered`)."""
    linger_seconds: float = 0.0
    """How long to wait for more after the first event. 0 for the freshest; what may be a little behind saves work."""
    max_batch: int = 2000
    """Events a transaction, five times as many while catching up. Large events want a small number (memory)."""
    prefetch_kilobytes: int = 8_192
    """What the Kafka client may hold ahead of the batches. Small events take several times their size in memory."""

    @property
    def inputs(self) -> tuple[str, ...]:
        return consumed_by(f"materializer:{self.name}")

    @property
    def dead_letter_inputs(self) -> tuple[str, ...]:
        """Dead-letter topics it reads beside its inputs."""
        if not self.dead_letters:
            return ()
        units = [unit for name in self.inputs for unit in loader.topic(name).consumers if unit.startswith("processor:")]
        return tuple(dict.fromkeys(loader.dead_letter_topic(unit.removeprefix("processor:")) for unit in units))


class Sending(Protocol):
    """A sender at work."""

    async def run(self) -> None:
        """Until it is stopped. Raises what trying again does not change."""
        ...

    def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class SenderSpec:
    """Read model → outside. `store_kind` and `description` are for people (`mg units`)."""

    name: str
    read_models: tuple[str, ...]
    start: Callable[[Settings, UnitHealth], Sending]
    store_kind: str
    description: str


def consumed_by(unit: str) -> tuple[str, ...]:
    """Topics whose file lists `unit` as a consumer."""
    return tuple(topic.topic for topic in loader.topics() if unit in topic.consumers)
