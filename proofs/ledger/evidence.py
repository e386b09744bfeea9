"""Everything the checker looks at, as one value: a failed run is kept as a file of it and can be judged again."""

from typing import Any, Final

from msgspec import Struct

UNITS: Final = (
    "service:ingestion",
    "service:playback",
    "service:sync",
    "processor:normalization",
    "processor:entity_resolution",
    "processor:embedding",
    "processor:playback_sessions",
    "materializer:provider_deliveries",
    "materializer:title_catalog",
    "materializer:title_search",
    "materializer:watch_state",
    "materializer:watchlist",
    "materializer:ratings",
    "materializer:preferences",
    "materializer:playback_history",
)
FIRST_HAND: Final = ("catalog-deliveries", "playback-events", "ratings", "watchlist-changes", "preference-changes")
"""Topics that producers write to through the edges."""
DERIVED: Final = ("provider-items", "playback-sessions", "titles")
VECTORS: Final = "title-embeddings"


class Posted(Struct):
    """One event that a producer asked for, in the order of asking. `owner` and `subject` say what it is about (person
    and title, provider and item), `hlc` is its clock, `value` what it says, `orderly` whether its owner keeps to the
    order of the clocks."""

    event_id: str
    topic: str
    owner: str
    subject: str
    hlc: int
    value: Any
    orderly: bool = True
    acknowledged: bool = False


class Logged(Struct, frozen=True):
    """A decoded record. `content` is a digest of all its fields but the time at which an edge took it."""

    topic: str
    partition: int
    offset: int
    event_id: str
    kind: str
    content: str
    owner: str
    subject: str
    hlc: int
    value: Any


class Letter(Struct, frozen=True):
    """A dead letter: who refused what, and why."""

    consumer: str
    position: str
    reason: str


class Fault(Struct, frozen=True):
    """What was done to whom. `seconds` from the end of the fault until every read model held what the log then had;
    None when that did not happen in time."""

    name: str
    victim: str
    seconds: float | None


class Evidence(Struct):
    seed: int
    seconds: float
    posted: list[Posted] = []
    logged: list[Logged] = []
    undecodable: list[str] = []
    """Positions of records that are no events."""
    poisoned: dict[str, str] = {}
    """Positions of records that the nemesis put there → what they are."""
    letters: list[Letter] = []
    rows: dict[str, list[dict[str, Any]]] = {}
    """By read model."""
    faults: list[Fault] = []
    went_back: list[str] = []
    """Positions of consumers that were seen smaller than before."""
    told_early: list[str] = []
    """Notices of what was not committed when they were heard."""
    notices: int = 0
    """Notices that were heard."""
    answers_lost: int = 0
    """By the network, on the way from a backend."""
    behind: list[str] = []
    """Positions of consumers that are not at the end of the log, long after the load stopped."""
    fenced: int = 0
    by_devices: int = 0
    """Of what was posted: by devices that were offline now and then."""
    device_kills: int = 0
    """Of the process that those are in."""
