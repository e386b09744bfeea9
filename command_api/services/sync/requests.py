"""What a device's queue holds, and how it is checked: all or nothing, every bad place named."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from command_api.faults import Faults
from command_api.fields import Checks, ClientId, DurationMs, Hlc, Moment, PositionMs, Rank, TitleId, time_of
from command_api.reading import ListReader

MOST_OPERATIONS: Final = 500
MOST_OBSERVED: Final = 500
MOST_VALUE_BYTES: Final = 4096
MOST_BODY_BYTES: Final = 4 * 1024 * 1024
"""500 operations, each with the largest value, and some air."""

Tags = Annotated[
    tuple[ClientId, ...],
    msgspec.Meta(
        max_length=MOST_OBSERVED, description="Tags (`eventId`) of additions of the title that the device saw."
    ),
]


class _Operation(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    gc=False,
    rename="camel",
    forbid_unknown_fields=True,
    tag_field="op",
):
    """`occurredAt` is the time in `hlc` when absent."""

    operation_id: Annotated[
        ClientId, msgspec.Meta(description="Names this operation of the device for ever: a repetition changes nothing.")
    ]
    hlc: Hlc
    occurred_at: Moment | None = None


class AddToWatchlist(_Operation, frozen=True, tag="watchlist.add"):
    """Puts a title on the watchlist: at its rank, else behind everything added before by a clock."""

    title_id: TitleId
    rank: Rank | None = None
    observed: Tags = ()


class RemoveFromWatchlist(_Operation, frozen=True, tag="watchlist.remove"):
    """Takes away the observed additions and leaves those made elsewhere meanwhile; without `observed`, all of them."""

    title_id: TitleId
    observed: Tags | None = None


class MoveOnWatchlist(_Operation, frozen=True, tag="watchlist.move"):
    """Gives a title another place; of one that was removed, for when it comes back."""

    title_id: TitleId
    rank: Rank


class SetProgress(_Operation, frozen=True, tag="progress.set"):
    """Sets the resume position."""

    title_id: TitleId
    position_ms: PositionMs
    duration_ms: DurationMs | None = None


class MarkWatched(_Operation, frozen=True, tag="watched.mark"):
    """The person has seen it."""

    title_id: TitleId


class UnmarkWatched(_Operation, frozen=True, tag="watched.unmark"):
    """The person has not seen it."""

    title_id: TitleId


class SetPreference(_Operation, frozen=True, tag="preference.set"):
    """Sets a preference on all devices; null takes it back."""

    name: Annotated[
        str,
        msgspec.Meta(
            max_length=100,
            pattern=r"^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*(?!\n)$",
            description="Words with dots between them: `subtitles.language`.",
        ),
    ]
    value: Annotated[msgspec.Raw, msgspec.Meta(description="Any JSON of at most 4 kB.")]


Operation = (
    AddToWatchlist | RemoveFromWatchlist | MoveOnWatchlist | SetProgress | MarkWatched | UnmarkWatched | SetPreference
)
KINDS: Final = (
    "watchlist.add",
    "watchlist.remove",
    "watchlist.move",
    "progress.set",
    "watched.mark",
    "watched.unmark",
    "preference.set",
)


class Mutations(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Operations in the order in which the person did them."""

    operations: Annotated[list[Operation], msgspec.Meta(extra_json_schema={"minItems": 1, "maxItems": MOST_OPERATIONS})]


class Queued(msgspec.Struct, frozen=True, gc=False):
    """A checked operation with what its fields stand for. `value` is the JSON text of a preference, None for null."""

    operation: Operation
    pointer: str
    hlc: int
    occurred_at: datetime
    value: str | None = None


_MUTATIONS = ListReader(Mutations, "operations", Operation, MOST_OPERATIONS, {"op": KINDS})
_VALUE = msgspec.json.Decoder()


def parse(body: bytes, now: datetime) -> list[Queued]:
    """Raises Problem: 400 no JSON, 422 unusable."""
    faults = Faults()
    checks = Checks(now, faults)
    _, operations = _MUTATIONS.read_list(body, faults)
    queued = _queued(operations, checks)
    faults.raise_if_any(now)
    return queued


def _queued(operations: Sequence[Any], checks: Checks) -> list[Queued]:
    found = []
    for place, operation in enumerate(operations):
        if operation is None:
            continue
        at = f"#/operations/{place}"
        hlc = checks.hlc(operation.hlc, f"{at}/hlc")
        value = None
        match operation:
            case AddToWatchlist(rank=rank) | MoveOnWatchlist(rank=rank) if rank is not None:
                checks.rank(rank, f"{at}/rank")
            case SetProgress():
                checks.position(operation.position_ms, operation.duration_ms, f"{at}/positionMs")
            case SetPreference():
                value = _value(bytes(operation.value), f"{at}/value", checks.faults)
        if operation.occurred_at is not None:
            occurred_at = checks.moment(operation.occurred_at, f"{at}/occurredAt")
        else:
            occurred_at = time_of(hlc)
        found.append(Queued(operation, at, hlc, occurred_at, value))
    return found


def _value(raw: bytes, at: str, faults: Faults) -> str | None:
    """The JSON text without spaces, so that the same value is the same text."""
    if len(raw) > MOST_VALUE_BYTES:
        faults.add(at, f"is larger than {MOST_VALUE_BYTES} bytes")
        return None
    try:
        value = _VALUE.decode(raw)
        return None if value is None else msgspec.json.encode(value).decode()
    except RecursionError:
        faults.add(at, "is nested too deeply")
    except msgspec.DecodeError as error:
        faults.add(at, str(error))
    return None
