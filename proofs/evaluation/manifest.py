"""A manifest of labelled data: which files, what their columns mean, and which items are one work (docs/resolution.md).

    name: two-shops
    files:
      - path: shop_a.csv          # relative to the manifest
        provider: shop_a
        separator: ";"            # guessed from the header where it is not given
        id: sku
        kind: {column: type, values: {Film: movie, Serie: series}}
        fields: {name: title, year: released, people: {director: directors}}
      - path: shop_b.jsonl
        ...
    gold: {path: matches.csv, columns: [sku_a, sku_b]}

`id`, `kind`, `fields`, `offers`, `ignore` and `file` are the notation of mappings (docs/mappings.md). Instead of
`gold`, every file may have a `label` column: items of one label are one work, and the matcher never sees that column.
Instead of files, `pairs` names labelled pairs in the form `COL a VAL … COL b VAL … <tab> … <tab> 1`, with one `mapping`
for both sides.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from bootstrap.mappings import data_files, notation
from bootstrap.mappings.notation import FieldMapping, FileShape, MappingError
from bootstrap.mappings.rows import Row, check_columns, item_of, native_id
from proofs.evaluation.moment import MOMENT
from schemas.types.catalog import CanonicalItem
from streams.engine.outcome import InvalidEvent
from streams.processors.normalization.adapters.canonical import Row as CanonicalRow
from streams.processors.normalization.adapters.canonical import draft
from streams.processors.normalization.draft import finish
from streams.processors.normalization.reasons import refusal

_FILE_KEYS: Final = ("separator", "encoding", "quote", "format", "columns")
_OURS: Final = ("path", "provider", "label", *_FILE_KEYS)
ItemKey = tuple[str, str]
"""Provider and native id."""


class GoldFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pairs of ids: `columns` of the gold file, of the items of these two `files` (places, from 0) of the manifest."""

    path: str
    columns: tuple[str, str] | None = None
    files: tuple[int, int] = (0, 1)
    separator: str | None = None


class Pairs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: str
    mapping: dict[str, Any]


class Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    files: list[dict[str, Any]] = []
    gold: GoldFile | None = None
    pairs: Pairs | None = None
    bars: dict[str, float] = {}


@dataclass(frozen=True, slots=True)
class Labelled:
    """An item as the matcher gets it, and what it really is."""

    provider: str
    native_id: str
    item: CanonicalItem
    file: int

    @property
    def key(self) -> ItemKey:
        return (self.provider, self.native_id)


@dataclass(slots=True)
class FileRead:
    """A data file, its rows, and how many of them normalization takes."""

    path: Path
    rows: int = 0
    items: int = 0


@dataclass(slots=True)
class Data:
    """`labels`: what each item is; items of equal labels are one work. `counted`: only pairs across files are labelled.
    `refused`: rows that normalization does not take; `lost`: true pairs of which one side was refused: never found."""

    name: str
    items: list[Labelled] = field(default_factory=list)
    labels: dict[ItemKey, str] = field(default_factory=dict)
    across: bool = False
    refused: int = 0
    lost: int = 0
    bars: Mapping[str, float] = field(default_factory=dict)
    pairs: list[tuple[CanonicalItem, CanonicalItem, bool]] = field(default_factory=list)
    files: list[FileRead] = field(default_factory=list)


def load(path: Path, *, labelled: bool = True) -> Data:
    """Without labels no gold file is read, and there need not be one.

    Raises MappingError: one line that says which file and what is wrong.
    """
    try:
        shape = msgspec.convert(notation.read_yaml(path), Shape)
    except msgspec.ValidationError as error:
        raise MappingError(f"{path}: {error}") from None
    data = Data(shape.name, bars=shape.bars)
    if shape.pairs is not None:
        data.pairs = list(_pairs(path, shape.pairs))
        data.files = [FileRead(path.parent / shape.pairs.path, len(data.pairs), 2 * len(data.pairs))]
        return data
    if not shape.files:
        raise MappingError(f"{path}: names neither files nor pairs")
    for number, entry in enumerate(shape.files):
        _read(path, number, entry, data)
    if not labelled:
        data.labels.clear()
        return data
    if shape.gold is not None:
        data.across = True
        data.labels = _closure(data, _gold_pairs(path, shape.gold, data))
    if len(set(data.labels.values())) == len(data.labels):
        raise MappingError(f"{path}: no two items are labelled as one work; are the gold's ids those of the files?")
    return data


def is_here(path: Path) -> bool:
    """Whether all files that a manifest names are there. Raises MappingError for a manifest that cannot be read."""
    shape = msgspec.convert(notation.read_yaml(path), Shape)
    named = [entry.get("path") for entry in shape.files] + ([shape.pairs.path] if shape.pairs else [])
    return all((path.parent / str(name)).is_file() for name in named)


def _read(manifest: Path, number: int, entry: dict[str, Any], data: Data) -> None:
    where = f"{manifest}: files[{number}]"
    path, mapping = _file(manifest, where, entry)
    provider = str(entry.get("provider") or path.stem)
    label = entry.get("label")
    columns = data_files.header(path, mapping.file)
    if columns is not None:
        try:
            check_columns(columns, mapping)
        except MappingError as error:
            raise MappingError(f"{path}: {error}") from None
        if label and label not in columns:
            raise MappingError(f"{path}: no column {label} for the labels")
    seen: set[str] = {one.native_id for one in data.items if one.provider == provider}
    read = FileRead(path)
    data.files.append(read)
    for line, row in data_files.read(path, mapping.file):
        read.rows += 1
        shown = {name: value for name, value in row.items() if name != label} if label else row
        identifier = native_id(row, mapping)
        try:
            item = canonical(shown, mapping, provider)
        except (InvalidEvent, msgspec.ValidationError):
            data.refused += 1
            continue
        if identifier is None or identifier in seen:  # rows of one id are different items here, not versions of one
            identifier = f"{identifier or ''}#{line}"
        seen.add(identifier)
        found = Labelled(provider, identifier, item, number)
        data.items.append(found)
        read.items += 1
        if label and (value := str(row.get(label) or "").strip()):
            data.labels[found.key] = value


def _file(manifest: Path, where: str, entry: dict[str, Any]) -> tuple[Path, FieldMapping]:
    if not isinstance(entry.get("path"), str):
        raise MappingError(f"{where}: no path")
    path = manifest.parent / entry["path"]
    if not path.is_file():
        raise MappingError(f"{where}: no file {path}")
    named = entry.get("mapping")
    rest = {name: value for name, value in entry.items() if name not in {*_OURS, "mapping"}}
    raw = notation.read_yaml(manifest.parent / named) if isinstance(named, str) else named
    raw = {**(raw or {}), **rest}
    shape = {name: entry[name] for name in _FILE_KEYS if name in entry}
    return path, notation.parse({**raw, "file": {**raw.get("file", {}), **shape}}, where)


def canonical(row: Row, mapping: FieldMapping, provider: str) -> CanonicalItem:
    """As normalization makes it; a record of the kind `unknown` (a person, say) stays, to be kept apart from works.
    Raises InvalidEvent and msgspec.ValidationError."""
    body = item_of(row, mapping, provider)
    if not body["kind"]:
        raise refusal("unknown_kind")
    converted = msgspec.convert(body, CanonicalRow)
    return finish(draft(converted, body["kind"]), MOMENT)


def _gold_pairs(manifest: Path, gold: GoldFile, data: Data) -> Iterator[tuple[ItemKey, ItemKey]]:
    path = manifest.parent / gold.path
    shape = FileShape(separator=gold.separator)
    sides = [{one.native_id: one.key for one in data.items if one.file == number} for number in gold.files]
    for _, row in data_files.read(path, shape):
        names = gold.columns or tuple(row)[:2]
        if missing := [name for name in names if name not in row]:
            raise MappingError(f"{path}: no column {', '.join(missing)}; there are: {', '.join(row)}")
        one, other = (sides[at].get(str(row[name]).strip()) for at, name in enumerate(names))
        if one is None or other is None:
            data.lost += 1
        else:
            yield one, other


def _closure(data: Data, pairs: Iterator[tuple[ItemKey, ItemKey]]) -> dict[ItemKey, str]:
    """Items that pairs join have one label; every other item a label of its own: the gold is complete."""
    parent = {one.key: one.key for one in data.items}

    def root(key: ItemKey) -> ItemKey:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for one, other in pairs:
        parent[root(one)] = root(other)
    return {key: "\x1f".join(root(key)) for key in parent}


def _pairs(manifest: Path, shape: Pairs) -> Iterator[tuple[CanonicalItem, CanonicalItem, bool]]:
    path = manifest.parent / shape.path
    mapping = notation.parse(shape.mapping, f"{manifest}: pairs.mapping")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(f"{path}: {error}") from None
    for at, line in enumerate(lines, start=1):
        parts = line.split("\t")
        if len(parts) != 3 or parts[2].strip() not in {"0", "1"}:
            raise MappingError(f"{path}:{at}: not two records and 0 or 1, separated by tabs")
        try:
            left, right = (canonical(_columns(part), mapping, str(side)) for side, part in enumerate(parts[:2]))
        except (InvalidEvent, msgspec.ValidationError) as error:
            raise MappingError(f"{path}:{at}: {error}") from None
        yield left, right, parts[2].strip() == "1"


def _columns(record: str) -> dict[str, str]:
    found = {}
    for part in record.split("COL ")[1:]:
        name, _, value = part.partition(" VAL ")
        found[name.strip()] = value.strip()
    return found
