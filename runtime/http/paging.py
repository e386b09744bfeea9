"""Opaque cursors that belong to one query.

A cursor is where the next page starts, with a keyed hash over it and over the query it came from: a cut, changed or
foreign cursor is refused instead of quietly giving wrong pages. It is no secret and protects nothing: whoever can make
one can only ask for what the query answers anyway.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from runtime.http.problems import INVALID_CURSOR, parameter_error

T = TypeVar("T")
_CHECK_BYTES = 8
_MOST_CHARACTERS = 2048


def encode_cursor(query: Mapping[str, object], start: object) -> str:
    """`query` is everything that decides the result but the cursor and the limit; `start` anything msgspec can pack."""
    packed = msgspec.msgpack.encode(start)
    return base64.urlsafe_b64encode(packed + _check(query, packed)).rstrip(b"=").decode()


def decode_cursor(query: Mapping[str, object], cursor: str, type_: type[T], parameter: str = "cursor") -> T:
    """The `start` that was packed. Raises Problem (400, invalid-cursor), which names the parameter."""
    try:
        if len(cursor) > _MOST_CHARACTERS:
            raise ValueError
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        packed, check = raw[:-_CHECK_BYTES], raw[-_CHECK_BYTES:]
        if check != _check(query, packed):
            raise ValueError
        return msgspec.msgpack.decode(packed, type=type_)
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise parameter_error(parameter, "is damaged or comes from another query", INVALID_CURSOR) from None


def checked_limit(limit: int, most: int) -> int:
    """Too much is an error, never cut down in silence. Raises Problem (400)."""
    if not 1 <= limit <= most:
        raise parameter_error("limit", f"must be from 1 to {most}")
    return limit


def _check(query: Mapping[str, object], packed: bytes) -> bytes:
    named: Any = {name: value for name, value in query.items() if value is not None}
    return hashlib.blake2b(packed, key=_fingerprint(named), digest_size=_CHECK_BYTES).digest()


def _fingerprint(query: Any) -> bytes:
    return hashlib.blake2b(msgspec.json.encode(query, order="deterministic"), digest_size=32).digest()
