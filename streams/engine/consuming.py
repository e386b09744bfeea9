"""The Faust app of a processor, and its acknowledgements held in hand."""

from collections.abc import Sequence
from typing import Any

import faust

from runtime.settings import Settings
from streams.engine.spec import ProcessorSpec


def build_app(spec: ProcessorSpec, settings: Settings) -> faust.App:
    """One app a processor: its own group, lag and failure domain. Built by a function, never at import."""
    return faust.App(
        f"{settings.group_prefix}{spec.name.replace('_', '-')}",
        broker=[f"kafka://{address}" for address in settings.kafka.split(",")],
        store="memory://",
        datadir=str(settings.home / "faust" / spec.name),
        processing_guarantee="at_least_once",
        autodiscover=False,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=8_388_608,
        broker_session_timeout=10.0,
        broker_heartbeat_interval=3.0,
        broker_max_poll_interval=900.0,
        broker_commit_interval=1.0,
        stream_buffer_maxsize=max(spec.max_batch * 2, 256),
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        reply_create_topic=False,
    )


def withhold(events: Sequence[Any]) -> None:
    """Makes Faust's acknowledgement of these events do nothing: they will be delivered again.

    `Consumer.ack` ignores messages already marked, and an offset that was never recorded is never committed.
    """
    for event in events:
        event.message.acked = True


def allow(events: Sequence[Any]) -> None:
    """What these events led to is durable: the next acknowledgement counts."""
    for event in events:
        event.message.acked = False
