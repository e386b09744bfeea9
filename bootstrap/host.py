"""One process: any selection of units in one event loop, with one producer and one admin server.

Any unit that fails ends the process with exit code 1, without acknowledging what it had in hand; `mg up` (or whatever
supervises the process) starts it again. SIGTERM and SIGINT stop everything in good order and exit 0.
"""

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator

from bootstrap.units import Selection
from runtime import interpreter, logging, tracing
from runtime.connections.kafka import EventProducer
from runtime.health import UnitHealth
from runtime.http import serving
from runtime.http.admin import build_admin
from runtime.http.app import build_app
from runtime.http.serving import Listener
from runtime.settings import Settings
from streams.engine.materializer import Materializer
from streams.engine.spec import MaterializerSpec, ProcessorSpec, SenderSpec, StoreContext

log = logging.get(__name__)

# librdkafka retries this long before a processor hears of a failure; the processor then goes on trying.
_PIPELINE_TIMEOUT_SECONDS = 120.0


class UnitFailed(Exception):
    """A unit ended by itself; the cause is chained."""


async def run(selection: Selection, settings: Settings, admin_port: int) -> None:
    """Runs until a signal. Raises UnitFailed when a unit fails."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    health = {name: UnitHealth(name) for name in selection.names}
    failures: asyncio.Queue[tuple[str, BaseException]] = asyncio.Queue()
    async with contextlib.AsyncExitStack() as stack:
        listeners = [
            Listener(
                build_app(service.name, service.load(), settings), service.port(settings.ports), settings.listen_host
            )
            for service in selection.services
        ]
        admin = build_admin(lambda: [one.status() for one in health.values()])
        listeners.append(Listener(admin, admin_port, settings.listen_host))
        serving_now = await serving.start(listeners)
        stack.push_async_callback(serving_now.stop)
        for service in selection.services:
            health[f"service:{service.name}"].becomes("ready")
        if selection.processors or selection.materializers:
            producer = EventProducer(settings.kafka, "mg-pipeline", timeout_seconds=_PIPELINE_TIMEOUT_SECONDS)
            stack.push_async_callback(asyncio.to_thread, producer.close)
            for spec in selection.materializers:
                unit = health[f"materializer:{spec.name}"]
                await stack.enter_async_context(_materializing(spec, settings, producer, unit, failures))
            for processor in selection.processors:
                unit = health[f"processor:{processor.name}"]
                await stack.enter_async_context(_processing(processor, settings, producer, unit, failures))
        for sender in selection.senders:
            unit = health[f"sender:{sender.name}"]
            await stack.enter_async_context(_sending(sender, settings, unit, failures))
        interpreter.tune()
        log.info("process_started", units=list(selection.names))
        await _until_stopped(stop, failures)
        log.info("process_stopping", units=list(selection.names))


async def _until_stopped(stop: asyncio.Event, failures: "asyncio.Queue[tuple[str, BaseException]]") -> None:
    stopping = asyncio.create_task(stop.wait())
    failing = asyncio.create_task(failures.get())
    await asyncio.wait({stopping, failing}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if failing.done():
        unit, error = failing.result()
        log.error("unit_failed", unit=unit, error=str(error), exc_info=error)
        raise UnitFailed(f"{unit}: {error}") from error
    failing.cancel()


@contextlib.asynccontextmanager
async def _processing(
    spec: ProcessorSpec,
    settings: Settings,
    producer: EventProducer,
    health: UnitHealth,
    failures: "asyncio.Queue[tuple[str, BaseException]]",
) -> AsyncIterator[None]:
    from streams.engine.processor import Processor  # noqa: PLC0415 - only a process with a processor pays for Faust

    processor = Processor(spec, settings, producer, health)
    processor.failed.add_done_callback(
        lambda done: None if done.cancelled() else failures.put_nowait((health.unit, done.result()))
    )
    await processor.start()
    try:
        yield
    finally:
        await processor.stop()


@contextlib.asynccontextmanager
async def _materializing(
    spec: MaterializerSpec,
    settings: Settings,
    producer: EventProducer,
    health: UnitHealth,
    failures: "asyncio.Queue[tuple[str, BaseException]]",
) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    materializer = Materializer(spec, spec.store(StoreContext(settings, spec.name)), settings, producer, health)

    def body() -> None:
        try:
            materializer.run()
        except BaseException as error:  # noqa: BLE001 - a thread has nobody else to tell
            health.becomes("failed", str(error))
            loop.call_soon_threadsafe(failures.put_nowait, (health.unit, error))

    thread = threading.Thread(target=body, name=health.unit, daemon=True)
    thread.start()
    try:
        yield
    finally:
        materializer.stop()
        await asyncio.to_thread(thread.join, 30.0)


@contextlib.asynccontextmanager
async def _sending(
    spec: SenderSpec,
    settings: Settings,
    health: UnitHealth,
    failures: "asyncio.Queue[tuple[str, BaseException]]",
) -> AsyncIterator[None]:
    sending = spec.start(settings, health)

    async def body() -> None:
        try:
            await sending.run()
        except Exception as error:  # noqa: BLE001 - a task has nobody else to tell
            health.becomes("failed", str(error))
            failures.put_nowait((health.unit, error))

    task = asyncio.create_task(body())
    try:
        yield
    finally:
        sending.stop()
        await task


def main(selection: Selection, settings: Settings, admin_port: int) -> int:
    """The body of `mg run`; returns the exit code."""
    logging.configure(settings.log_level, settings.log_format)
    tracing.configure(settings.otlp_endpoint, "+".join(selection.names))
    try:
        serving.run(run(selection, settings, admin_port))
    except UnitFailed:
        return 1
    except serving.PortTaken as error:
        log.error("port_taken", error=str(error))
        return 1
    return 0
