"""Folds a batch to the newest row of each device and the first of each command, stages both, and merges them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from runtime.connections import bulk
from runtime.connections.postgres import Cursor
from runtime.settings import Settings
from runtime.sql import Statements
from schemas.read_models.devices import READ_MODEL, TABLES, DeviceCommandRow, DeviceRow
from streams.engine import live
from streams.engine.spec import StoreContext, Versions
from streams.engine.store import PostgresStore
from streams.engine.versions import PostgresVersions
from streams.materializers.devices.transform import Write, order

_QUERIES = Path(__file__).with_name("queries.sql")
_DEVICE_TYPES = ("text", "text", "text", "text", "text[]", "bool", "int8", "timestamptz")
_COMMAND_TYPES = ("text", "text", "text", "text", "text", "text", "int8", "timestamptz", "timestamptz")


def create(context: StoreContext) -> PostgresStore:
    return PostgresStore(context, write, _QUERIES, live=True)


def versions(settings: Settings) -> Versions:
    return PostgresVersions(settings, READ_MODEL, TABLES)


def write(cursor: Cursor, statements: Statements, writes: Sequence[Write]) -> Sequence[Write] | None:
    devices = newest(row for row in writes if isinstance(row, DeviceRow))
    commands = first(row for row in writes if isinstance(row, DeviceCommandRow))
    changed_devices: Sequence[DeviceRow] | None = ()
    changed_commands: Sequence[DeviceCommandRow] | None = ()
    if devices:
        changed_devices = _write_devices(cursor, statements, devices)
    if commands:
        changed_commands = _write_commands(cursor, statements, commands)
    if changed_devices is None or changed_commands is None:
        return None
    return [*changed_devices, *changed_commands]


def newest(rows: Iterable[DeviceRow]) -> list[DeviceRow]:
    """The row of each device that wins, by person and device: two transactions take their row locks in one order."""
    folded: dict[tuple[str, str], DeviceRow] = {}
    for row in rows:
        known = folded.get((row.user_id, row.device_id))
        if known is None or order(row) > order(known):
            folded[row.user_id, row.device_id] = row
    return [folded[key] for key in sorted(folded)]


def first(rows: Iterable[DeviceCommandRow]) -> list[DeviceCommandRow]:
    """Each command once, by person and id."""
    folded: dict[tuple[str, str], DeviceCommandRow] = {}
    for row in rows:
        folded.setdefault((row.user_id, row.command_id), row)
    return [folded[key] for key in sorted(folded)]


def _write_devices(cursor: Cursor, statements: Statements, devices: list[DeviceRow]) -> Sequence[DeviceRow] | None:
    bulk.stage(
        cursor,
        statements["stage_devices"],
        statements["copy_devices"],
        _DEVICE_TYPES,
        (
            (
                row.user_id,
                row.device_id,
                row.name,
                row.kind,
                list(row.capabilities),
                row.removed,
                row.hlc,
                row.event_at,
            )
            for row in devices
        ),
    )
    return live.merge(cursor, statements["merge_devices"], DeviceRow)


def _write_commands(
    cursor: Cursor, statements: Statements, commands: list[DeviceCommandRow]
) -> Sequence[DeviceCommandRow] | None:
    bulk.stage(
        cursor,
        statements["stage_commands"],
        statements["copy_commands"],
        _COMMAND_TYPES,
        (
            (
                row.user_id,
                row.command_id,
                row.device_id,
                row.target_device_id,
                row.command,
                row.title_id,
                row.position_ms,
                row.issued_at,
                row.expires_at,
            )
            for row in commands
        ),
    )
    return live.merge(cursor, statements["merge_commands"], DeviceCommandRow)
