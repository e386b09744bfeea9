"""When requests are due and how much each carries, decided before anything is sent and the same for the same seed."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from msgspec import Struct

KINDS: Final = ("webhooks", "playback", "mutations", "queries")
Sizes = tuple[tuple[float, int, int], ...]
"""`(share, least, most)`: so many of the requests carry between `least` and `most`, all equally likely."""

ONE: Final[Sizes] = ((1.0, 1, 1),)
DELIVERIES: Final[Sizes] = ((1.0, 1, 9),)
DEVICES: Final[Sizes] = ((0.7, 1, 5), (0.25, 6, 50), (0.05, 100, 500))
"""Players report every few seconds; some were offline for a while, a few for a whole film."""
QUEUES: Final[Sizes] = ((1.0, 1, 3),)


class Flow(Struct, frozen=True):
    """One kind of traffic: things a second (items, events, operations, questions), and how many go in one request."""

    kind: str
    rate: float
    sizes: Sizes = ONE

    @property
    def requests(self) -> float:
        """A second."""
        return self.rate / mean(self.sizes)

    def times(self, factor: float) -> "Flow":
        return Flow(self.kind, self.rate * factor, self.sizes)


class Send(Struct, frozen=True, gc=False):
    """`due` in seconds from the beginning."""

    kind: str
    due: float
    size: int


EVENING: Final = (
    Flow("webhooks", 50, DELIVERIES),
    Flow("playback", 2000, DEVICES),
    Flow("mutations", 100, QUEUES),
    Flow("queries", 50),
)
SMALL: Final = (
    Flow("webhooks", 10),
    Flow("playback", 240, ((1.0, 1, 5),)),
    Flow("mutations", 100, QUEUES),
    Flow("queries", 50),
)
"""The evening's mixture of requests, with little in each: what is to be too much is their number."""


def mean(sizes: Sizes) -> float:
    return sum(share * (least + most) / 2 for share, least, most in sizes)


def draw(sizes: Sizes, random: Random) -> int:
    _, least, most = random.choices(sizes, [share for share, _, _ in sizes])[0]
    return random.randint(least, most)


def sends(flows: Sequence[Flow], seconds: float, seed: int) -> list[Send]:
    """In the order in which they are due. People do not take turns: gaps are exponential, so that some requests come
    at once."""
    found = [send for flow in flows for send in _of_one(flow, seconds, Random(f"{seed}/{flow.kind}"))]
    return sorted(found, key=lambda send: send.due)


def _of_one(flow: Flow, seconds: float, random: Random) -> Iterator[Send]:
    due = random.expovariate(flow.requests)
    while due < seconds:
        yield Send(flow.kind, due, draw(flow.sizes, random))
        due += random.expovariate(flow.requests)


def mixture(flows: Sequence[Flow], seed: int) -> Iterator[Send]:
    """Without end and without times, for callers that send the next when they have the answer to the last."""
    random = Random(f"{seed}/mixture")
    weights = [flow.requests for flow in flows]
    while True:
        flow = random.choices(flows, weights)[0]
        yield Send(flow.kind, 0.0, draw(flow.sizes, random))
