"""The AsyncAPI 3.0 document of every topic, from topic files, Avro files and examples.

`make schemas` writes it to tests/contract/asyncapi.json, where every change of the contract shows in the diff.
Avro payloads keep Avro's own form (the "Multi Format Schema Object" of AsyncAPI), so that tools read one truth.
"""

import json
from typing import Any

import msgspec

from schemas import examples, loader
from schemas.loader import JSON, Topic

_AVRO = "application/vnd.apache.avro+json;version=1.9.0"
_BINDING = "0.5.0"


def document() -> JSON:
    """Shapes of AsyncAPI 3.0.0 and of the Kafka bindings 0.5.0."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Media Gateway events",
            "version": "1.0.0",
            "description": "Every topic of the log. Messages are Avro in the Confluent wire format: a zero byte, the "
            "schema id (4 bytes, big-endian), the record. Ids are those of schemas/registry.lock.json.",
        },
        "defaultContentType": "application/avro",
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "description": "Any Kafka; topic names may carry a prefix (MG_TOPIC_PREFIX).",
                "variables": {
                    "bootstrap": {"default": "127.0.0.1:9092", "description": "MG_KAFKA_BOOTSTRAP, host:port."}
                },
            }
        },
        "channels": {topic.topic: _channel(topic) for topic in loader.topics()},
        "operations": {name: operation for topic in loader.topics() for name, operation in _operations(topic)},
        "components": {
            "messages": {
                _message_name(record): _message(record, topic) for topic in loader.topics() for record in topic.records
            }
        },
    }


def text() -> str:
    """The document as it is committed."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _channel(topic: Topic) -> JSON:
    return {
        "address": topic.topic,
        "description": topic.description,
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {
            _message_name(record): {"$ref": f"#/components/messages/{_message_name(record)}"}
            for record in topic.records
        },
        "bindings": {
            "kafka": {
                "topic": topic.topic,
                "partitions": topic.partitions,
                "topicConfiguration": _topic_configuration(topic),
                "bindingVersion": _BINDING,
            }
        },
        "x-config": topic.config,
        "x-key": list(topic.key),
        "x-compatibility": topic.compatibility,
    }


def _topic_configuration(topic: Topic) -> JSON:
    """The settings that the binding knows; the rest is under `x-config` of the channel."""
    known = ("retention.ms", "retention.bytes", "delete.retention.ms", "max.message.bytes")
    found: JSON = {name: topic.config[name] for name in known if name in topic.config}
    policy = str(topic.config.get("cleanup.policy", "delete"))
    return {"cleanup.policy": policy.split(",")} | found


def _operations(topic: Topic) -> list[tuple[str, JSON]]:
    channel = {"$ref": f"#/channels/{topic.topic}"}
    messages = [{"$ref": f"#/channels/{topic.topic}/messages/{_message_name(record)}"} for record in topic.records]
    found = []
    for action, units in (("send", (topic.producer,)), ("receive", topic.consumers)):
        for unit in units:
            name = f"{unit.replace(':', '.')}.{action}.{topic.topic}"
            found.append(
                (
                    name,
                    {"action": action, "title": unit, "channel": channel, "messages": messages}
                    | ({} if action == "send" else _group(unit)),
                )
            )
    return found


def _group(unit: str) -> JSON:
    """The consumer group of a unit (before MG_GROUP_PREFIX is changed)."""
    group = {"type": "string", "enum": [f"mg-{unit.split(':')[1].replace('_', '-')}"]}
    return {"bindings": {"kafka": {"groupId": group, "bindingVersion": _BINDING}}}


def _message(record: str, topic: Topic) -> JSON:
    schema = loader.record_schemas()[record]
    return {
        "name": record,
        "title": schema["name"],
        "summary": schema["doc"],
        "contentType": "application/avro",
        "payload": {"schemaFormat": _AVRO, "schema": schema},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": ":".join(topic.key), "examples": [_key(record, topic)]},
                "schemaIdLocation": "payload",
                "schemaIdPayloadEncoding": "4",
                "bindingVersion": _BINDING,
            }
        },
        "examples": [{"name": name, "payload": _payload(record, name)} for name in ("minimal", "full")],
    }


def _key(record: str, topic: Topic) -> str:
    event = examples.of(record)
    return ":".join(getattr(event, name) for name in topic.key)


def _payload(record: str, name: str) -> Any:
    return msgspec.to_builtins(examples.of(record, name))


def _message_name(record: str) -> str:
    """`media_gateway.catalog.v1.TitleChanged` → `catalog.v1.TitleChanged`."""
    return record.removeprefix("media_gateway.")
