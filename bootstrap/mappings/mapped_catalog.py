"""Files of a provider that a mapping describes, as items of deliveries in our own shape."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, get_args

from bootstrap.catalog_files import RawItem
from bootstrap.mappings import data_files, notation
from bootstrap.mappings.notation import FieldMapping, MappingError
from bootstrap.mappings.rows import check_columns, item_of, native_id
from schemas.types.catalog import Kind
from streams.processors.normalization.adapters import ADAPTERS

_SENT_KINDS = tuple(kind for kind in get_args(Kind) if kind != "unknown")


@dataclass(frozen=True, slots=True)
class MappedCatalog:
    """`unknown`: columns of each file that the mapping says nothing about. `refused` is filled by reading: where a row
    stands (or its id), and why it cannot be sent."""

    provider: str
    files: Sequence[Path]
    mapping: FieldMapping
    unknown: Mapping[Path, Sequence[str]]
    refused: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def open(cls, provider: str, mapping: Path, files: Sequence[Path]) -> Self:
        """Checks the mapping against every file's columns. Raises MappingError: which file, what is wrong."""
        if provider in ADAPTERS:
            raise MappingError(f"{provider} has an adapter of its own and needs no mapping; take another name")
        found = notation.load(mapping)
        unknown: dict[Path, Sequence[str]] = {}
        for file in files:
            columns = data_files.header(file, found.file)
            inside = columns if columns is not None else data_files.columns_of(data_files.read(file, found.file))
            try:
                # Objects of a JSON file have different fields; only a header can be held to the mapping.
                rest = check_columns(inside, found) if columns is not None else _unmentioned(inside, found)
            except MappingError as error:
                raise MappingError(f"{file}: {error}") from None
            if rest:
                unknown[file] = rest
        return cls(provider, files, found, unknown)

    def count(self) -> int:
        return sum(1 for _ in self.items())

    def items(self) -> Iterator[RawItem]:
        """Raises MappingError for a file that cannot be read on."""
        self.refused.clear()
        for file in self.files:
            for line, row in data_files.read(file, self.mapping.file):
                identifier = native_id(row, self.mapping)
                item = item_of(row, self.mapping, self.provider)
                if identifier is None:
                    self.refused.append((f"{file.name}:{line}", f"no id in {self.mapping.id}"))
                elif "name" not in item:
                    self.refused.append((identifier, "no name"))
                elif item["kind"] not in _SENT_KINDS:
                    self.refused.append((identifier, f"kind {item['kind']!r} is none of {', '.join(_SENT_KINDS)}"))
                else:
                    yield RawItem(identifier, item)


def _unmentioned(columns: Sequence[str], mapping: FieldMapping) -> list[str]:
    roots = {name.partition(".")[0] for name in (*mapping.columns(), *mapping.ignore)}
    return [name for name in columns if name not in roots]
