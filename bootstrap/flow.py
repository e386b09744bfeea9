"""The steps that several commands share: addresses, stack, migrations, topics, free ports."""

import contextlib
import socket
from collections.abc import Callable

from devstack.assets import ensure_assets
from devstack.stack import Stack
from migrations import runner
from runtime import settings as settings_module
from runtime.connections import topics as kafka_topics
from runtime.connections.topics import TopicSpec
from runtime.settings import Settings
from schemas import loader

Say = Callable[[str], None]
_DEAD_LETTER_DAYS = 30
# An owner that was frozen may write old state behind its successor's: both must be there to be compared (ADR 5), so
# nothing younger than ten minutes is compacted. Small segments, because the one being written is never compacted and a
# new owner reads all of it.
_STATE_CONFIG = {
    "cleanup.policy": "compact",
    "compression.type": "producer",
    "max.message.bytes": "8388608",
    "min.compaction.lag.ms": "600000",
    "segment.bytes": "33554432",
}


def stack_up(say: Say) -> Settings:
    """Starts (or finds) the local stack and returns the settings that lead to it."""
    home = settings_module.home_from()
    Stack(home).up(say)
    ensure_assets(home)
    return settings_module.load()


def prepare(settings: Settings, say: Say) -> None:
    """Migrations and topics; safe to repeat."""
    runner.apply(settings.postgres_dsn, "all", say)
    for difference in kafka_topics.apply(settings.kafka, topic_specs(), settings.topic_prefix).refused:
        say(f"not changed by itself: {difference}")


def topic_specs() -> list[TopicSpec]:
    """Every topic of the contract, one for dead letters of every consumer, one for the state of processors with one."""
    from streams.topology import PROCESSORS  # noqa: PLC0415 - `mg up` needs the rest of this module, and is to stay small

    found = [
        TopicSpec(topic.topic, topic.partitions, {key: str(value) for key, value in topic.config.items()})
        for topic in loader.topics()
    ]
    consumers = {
        unit.split(":")[1]
        for topic in loader.topics()
        for unit in topic.consumers
        if unit.startswith(("processor:", "materializer:"))
    }
    config = {
        "cleanup.policy": "delete",
        "retention.ms": str(_DEAD_LETTER_DAYS * 86_400_000),
        "compression.type": "producer",
        "max.message.bytes": "8388608",
    }
    dead = [TopicSpec(loader.dead_letter_topic(consumer), 1, config) for consumer in sorted(consumers)]
    # State goes with the input: partition by partition.
    states = [
        TopicSpec(spec.state_topic, loader.topic(spec.inputs[0]).partitions, _STATE_CONFIG)
        for spec in PROCESSORS
        if spec.state is not None
    ]
    return found + dead + states


def free_port(preferred: int) -> int:
    """`preferred` if nobody listens there, else one the system picks."""
    for port in (preferred, 0):
        with contextlib.closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on the loopback address")
