"""One post of one message, and what its answer means."""

import time
from datetime import datetime
from typing import Final

from msgspec import Struct

from runtime.backoff import retry_after
from runtime.connections.outgoing import Answer, Outgoing, Refused, Unreachable
from streams.senders.webhooks.message import headers_of
from streams.senders.webhooks.store import Attempt
from streams.senders.webhooks.subscribers import Subscriber

ANSWER_SECONDS: Final = 15.0
"""Standard Webhooks 1.0: 15 to 30."""
_GONE: Final = 410
_BUSY: Final = frozenset({429, 502, 503, 504})
# Of an endpoint that says it is busy and not for how long, and the longest that is believed.
_REST_SECONDS, _LONGEST_REST_SECONDS = 30.0, 3600.0


class Outcome(Struct, frozen=True):
    """`name` as in the metrics."""

    name: str
    answer: Answer | None
    attempt: Attempt

    def rest(self, now: datetime) -> float:
        """Seconds in which the receiver wants to hear nothing."""
        if self.answer is None or self.answer.status not in _BUSY:
            return 0.0
        asked = retry_after(self.answer.headers.get("retry-after", ""), now)
        return min(asked if asked > 0 else _REST_SECONDS, _LONGEST_REST_SECONDS)


async def attempt(outgoing: Outgoing, subscriber: Subscriber, message_id: str, body: bytes, now: datetime) -> Outcome:
    """One post, whatever comes of it."""
    started = time.perf_counter()
    answer: Answer | None = None
    trouble = ""
    try:
        headers = headers_of(message_id, body, subscriber.secrets, now)
        answer = await outgoing.post(subscriber.url, headers, body, ANSWER_SECONDS)
        trouble = "" if answer.status // 100 == 2 else f"HTTP {answer.status}"
        name = "delivered" if not trouble else "gone" if answer.status == _GONE else "refused"
    except Unreachable as error:
        trouble, name = str(error), "unreachable"
    except Refused as error:
        trouble, name = str(error), "forbidden"
    milliseconds = int((time.perf_counter() - started) * 1000)
    return Outcome(name, answer, Attempt(now, answer.status if answer else None, trouble, milliseconds))
