"""Filling the next version of a read model from the log, beside the serving one.

1. Make the next version's tables or collection, empty, and forget any position of an earlier try.
2. Run the same materializer code against it, in its own consumer group, from the beginning of the log.
3. When it has read to the end, switch: the live materializer is held back until the next version has all that the log
   holds, so that no reader goes back to something older. From then on readers see it and the live materializer writes
   it (its next batch is fenced, reads the new version's positions and goes on from there). The same positions fence
   both owners.
4. Drop the old version after a grace period in which running queries finish.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # public, not in __all__
from msgspec import Struct

from bootstrap import units
from runtime.connections.kafka import EventProducer
from runtime.connections.versions import VersionError
from runtime.health import UnitHealth
from runtime.settings import Settings
from streams.engine import alignment
from streams.engine.materializer import Materializer
from streams.engine.outcome import TransientError
from streams.engine.spec import MaterializerSpec, StoreContext

Say = Callable[[str], None]
_GRACE_SECONDS = 6.0  # longer than a reader's statement time-out
_HELD_BACK_SECONDS = 2.0  # the live materializer, at a time; its own patience is six


class RebuildError(ConnectionError):
    """The rebuild gave up; the serving version was not touched."""


class Rebuilt(Struct, frozen=True):
    """The version that serves now; `events` were read within `seconds` until it had caught up."""

    version: int
    events: int
    seconds: float


def rebuild_read_model(name: str, settings: Settings, say: Say, *, keep_old: bool = False) -> Rebuilt:
    """Raises RebuildError; nothing has switched then."""
    spec = units.materializer(name)
    if spec is None:
        raise RebuildError(f"no read model called {name}")
    versions = spec.versions(settings)
    old = versions.serving()
    new = old + 1
    versions.create(new)
    say(f"{name}: filling version {new} beside version {old}")
    started = time.monotonic()
    with _filling(spec, settings, new) as filler:
        filler.until_caught_up(say)
        done = Rebuilt(new, filler.events, time.monotonic() - started)
        try:
            versions.switch(new, filler.is_complete)
        except VersionError as error:
            raise RebuildError(f"{error}; traffic may be too much for it, try again") from error
    rate = done.events / max(done.seconds, 0.001)
    say(f"{name}: switched to version {new}; {done.events} events in {done.seconds:.1f} s ({rate:.0f}/s)")
    if not keep_old:
        time.sleep(_GRACE_SECONDS)
        versions.drop(old)
        say(f"{name}: dropped version {old}")
    return done


class _Filler:
    """The materializer of the next version, in a thread."""

    def __init__(self, spec: MaterializerSpec, settings: Settings, version: int, producer: EventProducer) -> None:
        self._spec = spec
        self._settings = settings
        self._health = UnitHealth(f"rebuild:{spec.name}")
        store = spec.store(StoreContext(settings, spec.name, version))
        group = f"{settings.group_prefix}{spec.name.replace('_', '-')}-v{version}"
        self._materializer = Materializer(spec, store, settings, producer, self._health, group=group)
        self._failure: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, name=self._health.unit, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._materializer.stop()
        self._thread.join(30)

    @property
    def events(self) -> int:
        return self._health.status().events_total

    def until_caught_up(self, say: Say) -> None:
        shown = time.monotonic()
        while not self._is_caught_up():
            self._check()
            if time.monotonic() - shown > 2:
                shown = time.monotonic()
                status = self._health.status()
                say(f"{status.events_total} events, {status.lag_events} to go {status.detail}".rstrip())
            time.sleep(0.2)

    def is_complete(self) -> bool:
        """Whether it has, soon, all that the log holds at the call."""
        try:
            admin = AdminClient({"bootstrap.servers": self._settings.kafka, "log_level": 2})
            latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # no types shipped
            ends = alignment.offsets(admin, self._settings.topic_prefix, self._materializer.positions, latest)
        except (KafkaException, TimeoutError):
            return False
        deadline = time.monotonic() + _HELD_BACK_SECONDS
        while not self._materializer.has_read(ends):
            self._check()
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True

    def _run(self) -> None:
        try:
            self._materializer.run()
        except BaseException as error:  # noqa: BLE001 - handed to the waiting thread
            self._failure.append(error)

    def _is_caught_up(self) -> bool:
        try:
            return self._materializer.caught_up()
        except TransientError:
            return False  # the broker is away; the materializer itself says so

    def _check(self) -> None:
        if not self._thread.is_alive():
            cause = self._failure[0] if self._failure else None
            raise RebuildError(f"{self._spec.name}: {cause or 'the materializer ended'}") from cause


@contextmanager
def _filling(spec: MaterializerSpec, settings: Settings, version: int) -> Iterator[_Filler]:
    producer = EventProducer(settings.kafka, f"mg-rebuild-{spec.name}")
    try:
        filler = _Filler(spec, settings, version, producer)
        filler.start()
        try:
            yield filler
        finally:
            filler.stop()
    finally:
        producer.close()
