"""What is sent, and what came of it."""

from typing import Final

from msgspec import Struct

from proofs.ledger.evidence import Posted

BROKEN: Final = 0
"""In place of a status: the connection ended before the answer did."""
TIMED_OUT: Final = -1
GOOD: Final = frozenset({200, 202})
REFUSED: Final = frozenset({429, 503})


class Request(Struct, frozen=True):
    """`what` it is among its `kind`; `events` are what the log must have once it is acknowledged."""

    kind: str
    what: str
    service: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""
    events: list[Posted] = []


class Answer(Struct, frozen=True, gc=False):
    """`seconds` from when the request was due, not from when it could be sent. `size` is what it carried; `polite`
    whether a refusal said when to come again; `late` how long after it was due the load had got round to it."""

    kind: str
    what: str
    seconds: float
    status: int
    size: int
    polite: bool = False
    late: float = 0.0

    @property
    def good(self) -> bool:
        return self.status in GOOD

    @property
    def refused(self) -> bool:
        return self.status in REFUSED and self.polite
