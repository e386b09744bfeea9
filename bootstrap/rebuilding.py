"""Filling the next version of a read model from the log, beside the serving one.

1. Make the next version's tables or collection, empty, and forget any position of an earlier try.
2. Run the same materializer code against it, in its own consumer group, from the beginning of the log.
3. When it has read to the end, switch: from then on readers see it and the live materializer writes it (its next batch
   is fenced, reads the new version's positions and goes on from there). The same positions fence both owners.
4. Drop the old version after a grace period in which running queries finish.
"""

import threading
import time
from collections.abc import Callable

from bootstrap import units
from runtime.connections.kafka import EventProducer
from runtime.health import UnitHealth
from runtime.settings import Settings
from streams.engine.materializer import Materializer
from streams.engine.outcome import TransientError
from streams.engine.spec import MaterializerSpec, StoreContext

Say = Callable[[str], None]
_GRACE_SECONDS = 6.0  # longer than a reader's statement time-out


class RebuildError(ConnectionError):
    """The rebuild gave up; the serving version was not touched."""


def rebuild_read_model(name: str, settings: Settings, say: Say, *, keep_old: bool = False) -> int:
    """Returns the new version. Raises RebuildError; nothing has switched then."""
    spec = units.materializer(name)
    if spec is None:
        raise RebuildError(f"no read model called {name}")
    versions = spec.versions(settings)
    old = versions.serving()
    new = old + 1
    versions.create(new)
    say(f"{name}: filling version {new} beside version {old}")
    events, seconds = _fill(spec, settings, new, say)
    versions.switch(new)
    say(f"{name}: switched to version {new}; {events} events in {seconds:.1f} s ({events / max(seconds, 0.001):.0f}/s)")
    if not keep_old:
        time.sleep(_GRACE_SECONDS)
        versions.drop(old)
        say(f"{name}: dropped version {old}")
    return new


def _fill(spec: MaterializerSpec, settings: Settings, version: int, say: Say) -> tuple[int, float]:
    health = UnitHealth(f"rebuild:{spec.name}")
    producer = EventProducer(settings.kafka, f"mg-rebuild-{spec.name}")
    store = spec.store(StoreContext(settings, spec.name, version))
    group = f"{settings.group_prefix}{spec.name.replace('_', '-')}-v{version}"
    materializer = Materializer(spec, store, settings, producer, health, group=group)
    failure: list[BaseException] = []

    def body() -> None:
        try:
            materializer.run()
        except BaseException as error:  # noqa: BLE001 - handed to the waiting thread
            failure.append(error)

    started = time.monotonic()
    thread = threading.Thread(target=body, name=health.unit, daemon=True)
    thread.start()
    try:
        _until_caught_up(materializer, health, thread, failure, say)
    finally:
        seconds = time.monotonic() - started
        materializer.stop()
        thread.join(30)
        producer.close()
    if failure:
        raise RebuildError(f"{spec.name}: {failure[0]}") from failure[0]
    return health.status().events_total, seconds


def _until_caught_up(
    materializer: Materializer, health: UnitHealth, thread: threading.Thread, failure: list[BaseException], say: Say
) -> None:
    shown = time.monotonic()
    while thread.is_alive() and not failure:
        try:
            if materializer.caught_up():
                return
        except TransientError:
            pass  # the broker is away; the materializer itself says so
        if time.monotonic() - shown > 2:
            shown = time.monotonic()
            status = health.status()
            say(f"{status.events_total} events, {status.lag_events} to go {status.detail}".rstrip())
        time.sleep(0.2)
