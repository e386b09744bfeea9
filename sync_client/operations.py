"""What a device can ask for, as it stands in its queue and goes over the wire."""

from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from sync_client.errors import InvalidOperation
from sync_laws.watching import is_completed

MOST_VALUE_BYTES: Final = 4096
MOST_MS: Final = 10 * 24 * 3600 * 1000

# The service's limits (docs/sync.md): what it would refuse later is refused at once, while the app can still tell why.
_TitleId = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]+(?!\n)$")]
_Name = Annotated[str, Meta(max_length=100, pattern=r"^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*(?!\n)$")]


class _Operation(Struct, frozen=True, rename="camel", tag_field="op", omit_defaults=True):
    """`subject` tells which row it changes; operations of different subjects do not touch each other."""

    @property
    def subject(self) -> "Subject":
        raise NotImplementedError


class Kind(StrEnum):
    """Of rows; named as the lists of the service's answers."""

    WATCHLIST = "watchlist"
    WATCH_STATES = "watchStates"
    PREFERENCES = "preferences"
    RATINGS = "ratings"
    DEVICES = "devices"
    COMMANDS = "commands"


Subject = tuple[Kind, str]


class WatchlistAdd(_Operation, frozen=True, tag="watchlist.add"):
    """`observed`: tags of the additions that this one replaces."""

    title_id: _TitleId
    rank: str
    observed: tuple[str, ...] = ()

    @property
    def subject(self) -> Subject:
        return Kind.WATCHLIST, self.title_id


class WatchlistRemove(_Operation, frozen=True, tag="watchlist.remove", omit_defaults=False):
    title_id: _TitleId
    observed: tuple[str, ...]

    @property
    def subject(self) -> Subject:
        return Kind.WATCHLIST, self.title_id


class WatchlistMove(_Operation, frozen=True, tag="watchlist.move"):
    title_id: _TitleId
    rank: str

    @property
    def subject(self) -> Subject:
        return Kind.WATCHLIST, self.title_id


class ProgressSet(_Operation, frozen=True, tag="progress.set"):
    title_id: _TitleId
    position_ms: Annotated[int, Meta(ge=0, le=MOST_MS)]
    duration_ms: Annotated[int, Meta(ge=1, le=MOST_MS)] | None = None

    @property
    def subject(self) -> Subject:
        return Kind.WATCH_STATES, self.title_id

    @property
    def completed(self) -> bool:
        return is_completed(self.position_ms, self.duration_ms)

    def makes_needless(self, older: "ProgressSet") -> bool:
        """Whether leaving out `older` comes to the same. One at 95 % also marks as watched, which must not get lost."""
        return self.completed or not older.completed


class WatchedMark(_Operation, frozen=True, tag="watched.mark"):
    title_id: _TitleId

    @property
    def subject(self) -> Subject:
        return Kind.WATCH_STATES, self.title_id


class WatchedUnmark(_Operation, frozen=True, tag="watched.unmark"):
    title_id: _TitleId

    @property
    def subject(self) -> Subject:
        return Kind.WATCH_STATES, self.title_id


class PreferenceSet(_Operation, frozen=True, tag="preference.set", omit_defaults=False):
    """`value` is any JSON; None takes the preference back."""

    name: _Name
    value: Any

    @property
    def subject(self) -> Subject:
        return Kind.PREFERENCES, self.name


Operation = WatchlistAdd | WatchlistRemove | WatchlistMove | ProgressSet | WatchedMark | WatchedUnmark | PreferenceSet


class State(StrEnum):
    """`sent` may have reached the service; `accepted` did, and is shown until a pull has brought its effect."""

    PENDING = "pending"
    SENT = "sent"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class Queued(Struct):
    """An operation in the queue. Mutable: its state, and its stamp while the service cannot have it."""

    seq: int
    operation_id: str
    operation: Operation
    hlc: int
    occurred_ms: int
    state: State = State.PENDING
    reason: str = ""


_DECODER: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(Operation)
encode = msgspec.json.Encoder().encode


def decode(text: str | bytes) -> Operation:
    """Raises ValueError."""
    operation: Operation = _DECODER.decode(text)
    return operation


def checked(operation: Operation) -> Operation:
    """Raises InvalidOperation for what the service would never accept."""
    try:
        body = encode(operation)
        _DECODER.decode(body)
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError) as error:
        raise InvalidOperation(f"cannot be queued: {error}") from None
    if isinstance(operation, ProgressSet) and operation.position_ms > (operation.duration_ms or MOST_MS):
        raise InvalidOperation(f"cannot be queued: the position is beyond the title's {operation.duration_ms} ms")
    if isinstance(operation, PreferenceSet) and len(encode(operation.value)) > MOST_VALUE_BYTES:
        raise InvalidOperation(f"cannot be queued: the value has more than {MOST_VALUE_BYTES} bytes of JSON")
    return operation
