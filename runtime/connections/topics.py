"""Topics on a broker against what they should be: shows the differences, and closes those that are safe to close."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Literal

import msgspec
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # re-exported without saying so
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

from runtime.backoff import Backoff

_SECONDS = 15.0
_BROKER_DEFAULT = -1
_WHY_REFUSED = {
    "too_few": "more partitions move keys; stop the producers, let consumers catch up, then ask for it",
    "too_many": "Kafka cannot take partitions away; correct the topic file",
}


class TopicsError(Exception):
    """The broker is away or refuses; the message says what to do."""


class TopicSpec(msgspec.Struct, frozen=True):
    """What a topic should be. `config` holds the broker's names and text values; other settings are left alone."""

    name: str
    partitions: int
    config: dict[str, str]


class Difference(msgspec.Struct, frozen=True):
    """One way in which a topic is not as specified.

    `missing`: there is no such topic. `too_few` and `too_many`: its number of partitions. `config`: one setting, named
    by `setting`. `actual` and `wanted` are texts for people.
    """

    topic: str
    kind: Literal["missing", "too_few", "too_many", "config"]
    actual: str
    wanted: str
    setting: str = ""

    def __str__(self) -> str:
        if self.kind == "missing":
            return f"{self.topic}: no such topic, wanted with {self.wanted}"
        if self.kind == "config":
            return f"{self.topic}: {self.setting} is {self.actual}, wanted {self.wanted}"
        return f"{self.topic}: {self.actual} partitions, wanted {self.wanted}"


class Applied(msgspec.Struct, frozen=True):
    """What `apply` did, and what it would not do."""

    changed: tuple[Difference, ...]
    refused: tuple[Difference, ...]


def diff(bootstrap: str, specs: Sequence[TopicSpec], prefix: str = "") -> list[Difference]:
    """Differences in the order of `specs`; `prefix` goes before every name. Raises TopicsError."""
    admin = _admin(bootstrap)
    try:
        found = admin.list_topics(timeout=_SECONDS).topics
        present = [spec for spec in specs if prefix + spec.name in found]
        configs = _configs(admin, [prefix + spec.name for spec in present])
    except KafkaException as error:
        raise _unreachable(bootstrap, error) from error
    differences: list[Difference] = []
    for spec in specs:
        name = prefix + spec.name
        if name not in found:
            differences.append(Difference(name, "missing", "absent", _describe(spec)))
            continue
        partitions = len(found[name].partitions)
        if partitions != spec.partitions:
            kind: Literal["too_few", "too_many"] = "too_few" if partitions < spec.partitions else "too_many"
            differences.append(Difference(name, kind, str(partitions), str(spec.partitions)))
        for setting, wanted in spec.config.items():
            actual = configs[name].get(setting)
            if actual != wanted:
                differences.append(Difference(name, "config", str(actual), wanted, setting))
    return differences


def apply(
    bootstrap: str,
    specs: Sequence[TopicSpec],
    prefix: str = "",
    say: Callable[[str], None] = lambda _line: None,
    *,
    replication: int = _BROKER_DEFAULT,
    add_partitions: bool = False,
) -> Applied:
    """Creates missing topics and sets differing settings; never deletes anything, so it can be repeated.

    More partitions send keys to other partitions, where a consumer may see a key's newer event before its older one;
    that takes `add_partitions`, and a consumer group that has read everything. Fewer partitions are impossible in
    Kafka. Both come back in `refused`. `say` gets a line for each change and each refusal.
    Raises TopicsError, after which some of the changes may have been made.
    """
    changed: list[Difference] = []
    refused: list[Difference] = []
    for difference in diff(bootstrap, specs, prefix):
        wanted = difference.kind in ("missing", "config") or (difference.kind == "too_few" and add_partitions)
        (changed if wanted else refused).append(difference)
    admin = _admin(bootstrap)
    by_name = {prefix + spec.name: spec for spec in specs}
    try:
        missing = [by_name[difference.topic] for difference in changed if difference.kind == "missing"]
        _create(admin, missing, prefix, replication)
        _grow(admin, [difference for difference in changed if difference.kind == "too_few"])
        _configure(admin, [difference for difference in changed if difference.kind == "config"])
    except KafkaException as error:
        raise _unreachable(bootstrap, error) from error
    _await_effect(bootstrap, specs, prefix, changed)
    for difference in changed:
        say(f"created {difference.topic}" if difference.kind == "missing" else f"changed {difference}")
    for difference in refused:
        say(f"left alone: {difference} ({_WHY_REFUSED[difference.kind]})")
    return Applied(tuple(changed), tuple(refused))


def _await_effect(bootstrap: str, specs: Sequence[TopicSpec], prefix: str, changed: Sequence[Difference]) -> None:
    """The controller confirms before brokers tell: without waiting, the next look may show the old state."""
    patience, waited = Backoff(first=0.05, most=0.5), 0.0
    while changed and (left := set(map(str, changed)) & set(map(str, diff(bootstrap, specs, prefix)))):
        if waited > _SECONDS:
            raise TopicsError(f"Kafka at {bootstrap} confirmed but does not show: {'; '.join(sorted(left))}")
        delay = patience.next_delay()
        time.sleep(delay)
        waited += delay


def _admin(bootstrap: str) -> AdminClient:
    # librdkafka would print its own connection errors; ours go to the caller, once.
    return AdminClient({"bootstrap.servers": bootstrap, "client.id": "mg-topics", "log_level": 2})


def _unreachable(bootstrap: str, error: KafkaException) -> TopicsError:
    cause = error.args[0]
    if cause.code() in (KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN):
        return TopicsError(f"no Kafka answers at {bootstrap}: start one with `mg stack up` or set MG_KAFKA_BOOTSTRAP")
    return TopicsError(f"Kafka at {bootstrap} refused: {cause.str()}")


def _describe(spec: TopicSpec) -> str:
    return f"{spec.partitions} partitions" if spec.partitions != 1 else "1 partition"


def _configs(admin: AdminClient, names: Sequence[str]) -> dict[str, dict[str, str | None]]:
    if not names:
        return {}
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    futures = admin.describe_configs(resources, request_timeout=_SECONDS)
    return {
        resource.name: {name: entry.value for name, entry in future.result().items()}
        for resource, future in futures.items()
    }


def _create(admin: AdminClient, specs: Sequence[TopicSpec], prefix: str, replication: int) -> None:
    if not specs:
        return
    topics = [
        NewTopic(
            prefix + spec.name, num_partitions=spec.partitions, replication_factor=replication, config=dict(spec.config)
        )
        for spec in specs
    ]
    for future in admin.create_topics(topics, operation_timeout=_SECONDS, request_timeout=_SECONDS).values():
        # Two processes may apply at once; the loser finds what it wanted.
        _settle(future, tolerate=KafkaError.TOPIC_ALREADY_EXISTS)


def _grow(admin: AdminClient, differences: Sequence[Difference]) -> None:
    if not differences:
        return
    wanted = [NewPartitions(difference.topic, int(difference.wanted)) for difference in differences]
    for future in admin.create_partitions(wanted, operation_timeout=_SECONDS, request_timeout=_SECONDS).values():
        _settle(future)


def _configure(admin: AdminClient, differences: Sequence[Difference]) -> None:
    if not differences:
        return
    entries: dict[str, list[ConfigEntry]] = {}
    for difference in differences:
        entry = ConfigEntry(difference.setting, difference.wanted, incremental_operation=AlterConfigOpType.SET)
        entries.setdefault(difference.topic, []).append(entry)
    resources = [ConfigResource(ResourceType.TOPIC, name, incremental_configs=found) for name, found in entries.items()]
    for future in admin.incremental_alter_configs(resources, request_timeout=_SECONDS).values():
        _settle(future)


def _settle(future: "Future[Any]", tolerate: int | None = None) -> None:
    try:
        future.result()
    except KafkaException as error:
        if error.args[0].code() != tolerate:
            raise
