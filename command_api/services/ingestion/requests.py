"""What a provider sends, and how it is checked: all or nothing, every bad place named.

The raw item is kept byte for byte. It is read once here only to be sure that whoever reads it next can: strings are
valid Unicode without NUL, numbers fit a double, nesting is bounded.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec

from runtime.http.errors import pointer
from runtime.http.problems import INVALID_DELIVERY, INVALID_REQUEST, FieldError, Problem

MOST_BODY_BYTES = 5 * 1024 * 1024
MOST_ITEMS = 1_000
MOST_ITEM_BYTES = 512 * 1024
MOST_ID_CHARACTERS = 200
MOST_NESTING = 64
MOST_ERRORS = 100
FUTURE_TOLERANCE = timedelta(minutes=5)

Time = Annotated[datetime, msgspec.Meta(tz=True, description="RFC 3339 with an offset.")]
NativeId = Annotated[
    str,
    msgspec.Meta(
        min_length=1, max_length=MOST_ID_CHARACTERS, description="The provider's own id: printable characters."
    ),
]


class UpsertedItem(msgspec.Struct, frozen=True, rename="camel"):
    """One item as it is now."""

    id: NativeId
    item: Annotated[
        msgspec.Raw, msgspec.Meta(description="The item as the provider has it: any JSON object of at most 512 KiB.")
    ]
    updated_at: Annotated[
        Time | None, msgspec.Meta(description="When it changed; the payload's `timestamp` when absent.")
    ] = None


class WithdrawnItem(msgspec.Struct, frozen=True, rename="camel"):
    """An item that the provider no longer lists."""

    id: NativeId
    withdrawn_at: Time | None = None


class _Items(msgspec.Struct, frozen=True):
    items: list[msgspec.Raw]


class _Envelope(msgspec.Struct, frozen=True):
    type: str
    data: msgspec.Raw
    timestamp: Time | None = None


class DeliveredItem(msgspec.Struct, frozen=True, gc=False):
    """A checked item. `body` is empty for a withdrawal; `source_time` is UTC."""

    native_id: str
    action: Literal["upsert", "withdraw"]
    source_time: datetime
    body: bytes = b""


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_ITEMS = msgspec.json.Decoder(_Items)
_UPSERTED = msgspec.json.Decoder(UpsertedItem)
_WITHDRAWN = msgspec.json.Decoder(WithdrawnItem)
_ANY = msgspec.json.Decoder()
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
# An odd run of backslashes before u0000 is the escape; an even one is text about it.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class _Bad(Exception):
    """One bad place below the current pointer."""

    def __init__(self, detail: str, below: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.below = below


def parse(body: bytes, sent_at: datetime, now: datetime) -> tuple[DeliveredItem, ...]:
    """The items of a delivery in its order.

    An item's time is its own `updatedAt` or `withdrawnAt`, else the payload's `timestamp` (the same in every attempt),
    else `sent_at` (this attempt's). Raises Problem: 400 when the body is no JSON, 422 when its content is unusable.
    """
    try:
        body.decode("utf-8")
        envelope = _ENVELOPE.decode(body)
    except UnicodeDecodeError as error:
        raise Problem(INVALID_REQUEST, f"The body is not UTF-8 at byte {error.start}.") from None
    except RecursionError:
        raise Problem(INVALID_REQUEST, "The body is nested too deeply.") from None
    except msgspec.ValidationError as error:
        raise _refused([_field_error("#", error)], "the envelope") from None
    except msgspec.DecodeError as error:
        raise Problem(INVALID_REQUEST, str(error)) from None
    try:
        default = _time(envelope.timestamp, sent_at, now)
    except _Bad as bad:
        raise _refused([FieldError(detail=bad.detail, pointer="#/timestamp")], "the envelope") from None
    match envelope.type:
        case "catalog.item.upserted":
            return _single(envelope.data, default, now, withdraw=False)
        case "catalog.item.withdrawn":
            return _single(envelope.data, default, now, withdraw=True)
        case "catalog.items.upserted":
            return _many(envelope.data, default, now)
        case _:
            detail = "must be catalog.item.upserted, catalog.items.upserted or catalog.item.withdrawn"
            raise _refused([FieldError(detail=detail, pointer="#/type")], "the type")


def _single(data: msgspec.Raw, default: datetime, now: datetime, *, withdraw: bool) -> tuple[DeliveredItem, ...]:
    try:
        return ((_withdrawn if withdraw else _upserted)(data, default, now),)
    except _Bad as bad:
        raise _refused([FieldError(detail=bad.detail, pointer=f"#/data{bad.below}")], "the item") from None


def _many(data: msgspec.Raw, default: datetime, now: datetime) -> tuple[DeliveredItem, ...]:
    try:
        raws = _ITEMS.decode(data).items
    except msgspec.ValidationError as error:
        raise _refused([_field_error("#/data", error)], "data") from None
    if not 1 <= len(raws) <= MOST_ITEMS:
        detail = f"must have from 1 to {MOST_ITEMS} items, has {len(raws)}"
        raise _refused([FieldError(detail=detail, pointer="#/data/items")], "the number of items")
    found: list[DeliveredItem] = []
    errors: list[FieldError] = []
    first_place: dict[str, int] = {}
    for place, raw in enumerate(raws):
        try:
            item = _upserted(raw, default, now)
            first = first_place.setdefault(item.native_id, place)
            if first != place:
                raise _Bad(f"the same id as #/data/items/{first}: one item comes once in a delivery", "/id")
            found.append(item)
        except _Bad as bad:
            errors.append(FieldError(detail=bad.detail, pointer=f"#/data/items/{place}{bad.below}"))
    if errors:
        raise _refused(errors, f"{len(errors)} of {len(raws)} items")
    return tuple(found)


def _upserted(raw: msgspec.Raw, default: datetime, now: datetime) -> DeliveredItem:
    try:
        entry = _UPSERTED.decode(raw)
    except msgspec.ValidationError as error:
        raise _bad(error) from None
    _check_id(entry.id)
    body = bytes(entry.item)
    _check_body(body)
    return DeliveredItem(entry.id, "upsert", _time(entry.updated_at, default, now, "/updatedAt"), body)


def _withdrawn(raw: msgspec.Raw, default: datetime, now: datetime) -> DeliveredItem:
    try:
        entry = _WITHDRAWN.decode(raw)
    except msgspec.ValidationError as error:
        raise _bad(error) from None
    _check_id(entry.id)
    return DeliveredItem(entry.id, "withdraw", _time(entry.withdrawn_at, default, now, "/withdrawnAt"))


def _check_id(native_id: str) -> None:
    if not native_id.isprintable() or native_id != native_id.strip():
        raise _Bad("must be printable characters without spaces around", "/id")


def _check_body(body: bytes) -> None:
    if len(body) > MOST_ITEM_BYTES:
        raise _Bad(f"is larger than {MOST_ITEM_BYTES // 1024} KiB", "/item")
    if not body.startswith(b"{"):
        raise _Bad("must be an object", "/item")
    if b"\\u0000" in body and _NUL.search(body):
        raise _Bad("contains a NUL character", "/item")
    if body.count(b"{") + body.count(b"[") > MOST_NESTING and _nesting(body) > MOST_NESTING:
        raise _Bad(f"is nested more than {MOST_NESTING} levels deep", "/item")
    try:
        _ANY.decode(body)
    except msgspec.DecodeError as error:
        raise _bad(error, "/item") from None


def _nesting(body: bytes) -> int:
    """Depth of a well-formed JSON text, without recursion; stops counting just over the limit."""
    depth = deepest = 0
    for character in _STRING.sub(b"", body):
        if character in b"{[":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > MOST_NESTING:
                break
        elif character in b"}]":
            depth -= 1
    return deepest


def _time(given: datetime | None, default: datetime, now: datetime, below: str = "") -> datetime:
    if given is None:
        return default
    try:
        found = given.astimezone(UTC)
    except OverflowError:
        raise _Bad("is not a time that can be represented in UTC", below) from None
    if found > now + FUTURE_TOLERANCE:
        raise _Bad("is more than five minutes in the future", below)
    return found


def _bad(error: msgspec.DecodeError, below: str = "") -> _Bad:
    detail, _, path = str(error).partition(" - at ")
    found = pointer(path.strip("`")).removeprefix("#").rstrip("/")
    return _Bad(detail, below + found)


def _field_error(at: str, error: msgspec.DecodeError) -> FieldError:
    bad = _bad(error)
    return FieldError(detail=bad.detail, pointer=at + bad.below)


def _refused(errors: list[FieldError], what: str) -> Problem:
    return Problem(INVALID_DELIVERY, f"Nothing was accepted because of {what}.", errors=errors[:MOST_ERRORS])
