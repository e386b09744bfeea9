"""Example events: `examples/<context>/<event>.v<N>/{minimal,full}.json` and `<fault>.invalid.json`.

They are JSON as a person would write it: RFC 3339 times, base64 bytes. Contract tests send them through the codec,
tests of transforms feed on them, and the AsyncAPI document shows them.
"""

from functools import cache
from pathlib import Path

import msgspec

from schemas import codec, loader, registry
from schemas.codec import SchemaError
from schemas.types import RECORDS, AnyEvent

ROOT = loader.ROOT / "examples"
_INVALID = ".invalid.json"


class Example(msgspec.Struct, frozen=True):
    """One example file of a record (full name)."""

    record: str
    path: Path

    @property
    def valid(self) -> bool:
        return not self.path.name.endswith(_INVALID)

    @property
    def name(self) -> str:
        return self.path.name.removesuffix(_INVALID).removesuffix(".json")

    def event(self) -> AnyEvent:
        """The event. Raises SchemaError("bad_value") for anything that could not be published."""
        try:
            event = msgspec.json.decode(self.path.read_bytes(), type=RECORDS[self.record])
        except msgspec.DecodeError as error:
            raise SchemaError("bad_value", f"{self.path.name}: {error}") from error
        codec.encode(event)
        return event


@cache
def examples() -> tuple[Example, ...]:
    """Every example, valid or not, by record and file name."""
    return tuple(
        Example(record, path)
        for record in sorted(loader.record_schemas())
        for path in sorted((ROOT / registry.folder(record)).glob("*.json"))
    )


def of(record: str, name: str = "full") -> AnyEvent:
    """The event of one example. Raises ContractError when there is no such file."""
    for example in examples():
        if example.record == record and example.valid and example.name == name:
            return example.event()
    raise loader.ContractError(f"no example {name!r}: write schemas/examples/{registry.folder(record)}/{name}.json")
