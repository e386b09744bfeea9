"""What all partitions' states say together: read back from the state topic by one instance, and published.

The owner of input partition 0 does it, so there is one writer, wherever the partitions are. It starts from the
beginning of the (compacted) topic; nothing of its own has to survive it.
"""

import time

from runtime import logging
from runtime.settings import Settings
from schemas.types import AnyEvent
from streams.engine.changelog import Reader, Record
from streams.engine.spec import ProcessorSpec, StateSpec, Summary
from streams.engine.stateful import GivenUp, Loop, Stateful

_LEADER = 0
_BURST_SECONDS = 0.2

log = logging.get(__name__)


class Summing:
    """`round` is called again and again by the processor loop."""

    def __init__(
        self, spec: ProcessorSpec, state: StateSpec, settings: Settings, loop: Loop, stateful: Stateful
    ) -> None:
        self._name = spec.name
        self._make = state.summary
        self._tables = frozenset(state.summary_tables)
        self._seconds = state.summary_seconds(settings)
        self._loop = loop
        self._stateful = stateful
        self._reader: Reader | None = None
        self._summary: Summary | None = None
        self._versions: dict[tuple[int, str, bytes], tuple[int, int]] = {}
        self._now = 0
        self._published_at = 0.0

    async def round(self) -> None:
        if _LEADER not in self._stateful.owned or self._make is None:
            await self._loop.insist(self.close)
            return
        await self._loop.insist(self._read)
        if self._reader is None or not self._reader.at_end or time.monotonic() - self._published_at < self._seconds:
            return
        events: list[AnyEvent] = []
        summary, now = self._summary, self._now

        def publish() -> None:
            if summary is not None:
                events[:] = summary.publish(now)

        await self._loop.insist(publish)
        try:
            await self._loop.produce([self._loop.message(event, None) for event in events], self._still)
        except GivenUp:
            await self._loop.insist(self.close)
        self._published_at = time.monotonic()

    def close(self) -> None:
        """Forgets everything. Blocks."""
        if self._reader is not None:
            self._reader.close()
        self._reader = self._summary = None
        self._versions = {}
        self._now = 0

    def _still(self) -> None:
        if _LEADER not in self._stateful.owned:
            raise GivenUp

    def _read(self) -> None:
        if self._reader is None and self._make is not None:
            self._reader, self._summary = self._stateful.changelog.read_all(), self._make()
            log.info("summing_started", unit=self._name)
        until = time.monotonic() + _BURST_SECONDS
        while self._reader is not None and time.monotonic() < until:
            some = False
            for delivered in self._reader.poll(0.0):
                some = True
                if (delivered.key() or b"").partition(b"/")[0].decode() in self._tables or delivered.key() == b"/":
                    self._saw(self._stateful.changelog.decode(delivered))
            if not some:
                return

    def _saw(self, record: Record) -> None:
        if not record.table:
            self._now = max(self._now, record.turn)
            return
        place, version = (record.partition, record.table, record.key), (record.next, record.turn)
        if version >= self._versions.get(place, version) and self._summary is not None:
            self._summary.saw(record.table, record.partition, record.key, record.state)
            self._versions[place] = version
