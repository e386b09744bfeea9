"""Documents made from the contract: `python -m schemas.documents [--check]` (part of `make schemas`)."""

import sys
from pathlib import Path

from schemas import asyncapi, loader
from schemas.loader import Topic

_ROOT = loader.ROOT.parent
_DAY = 86_400_000


def render() -> dict[Path, str]:
    """Every document with its text."""
    return {_ROOT / "tests/contract/asyncapi.json": asyncapi.text(), _ROOT / "docs/events.md": events_page()}


def stale() -> list[Path]:
    """Documents that differ from what the contract says."""
    return [path for path, text in render().items() if not path.exists() or path.read_text() != text]


def events_page() -> str:
    """Topics, who writes and reads them, and the events they carry."""
    lines = [
        "# Topics and events",
        "",
        "Generated from `schemas/` by `make schemas`; do not edit. Fields are documented in `schemas/avro/`, examples",
        "are in `schemas/examples/`. Every consumer has a dead-letter topic (`title_search`: `title-search-dlq`).",
        "",
        "| topic | key | written by | read by | kept | partitions |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [_topic_row(topic) for topic in loader.topics()]
    lines += ["", "| event | topic | what happened |", "| --- | --- | --- |"]
    for topic in loader.topics():
        for record in topic.records:
            schema = loader.record_schemas()[record]
            lines.append(f"| {schema['name']} | {topic.topic} | {schema['doc']} |")
    return "\n".join([*lines, ""])


def _topic_row(topic: Topic) -> str:
    readers = ", ".join(unit.split(":")[1] for unit in topic.consumers)
    key = ":".join(topic.key)
    return (
        f"| {topic.topic} | {key} | {topic.producer.split(':')[1]} | {readers} | {_kept(topic)} | {topic.partitions} |"
    )


def _kept(topic: Topic) -> str:
    if "compact" in str(topic.config.get("cleanup.policy", "")):
        return "newest per key, for ever"
    retention = int(topic.config.get("retention.ms", -1))
    return "for ever" if retention < 0 else f"{retention // _DAY} days"


def main() -> int:
    if "--check" in sys.argv[1:]:
        found = stale()
        for path in found:
            sys.stderr.write(f"{path.relative_to(_ROOT)} is stale: run `make schemas`\n")
        return 1 if found else 0
    for path, text in render().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
