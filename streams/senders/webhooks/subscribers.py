"""Who is told, where, of what, and the secrets that sign it: a file, because secrets stand neither in the log nor in
the database.

`{"acme": {"url": "https://…", "secrets": ["whsec_…"], "changes": ["expiring"], "regions": ["DE"]}}`; an empty list
means all. With `private` true the address may be one of this machine or network, and plain http.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from runtime import files, logging
from runtime.settings import Secret
from schemas.read_models.availability_changes import Change

MOST_SECRETS: Final = 5
_NAME: Final = re.compile(r"[a-z0-9_-]{1,64}")
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - how every secret begins
SECRET_BYTES: Final = (24, 64)
"""Fewest and most (Standard Webhooks 1.0)."""
_LOG = logging.get(__name__)


class SubscribersError(Exception):
    """The file cannot be used; the message says where, and never quotes a secret."""


class Entry(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A subscriber as the file has it."""

    url: str
    secrets: Annotated[tuple[str, ...], Meta(min_length=1, max_length=MOST_SECRETS)]
    """`whsec_…`. Every message is signed with each, so that a new one can be known before an old one goes."""
    changes: tuple[Change, ...] = ()
    regions: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    private: bool = False


class Subscriber(Struct, frozen=True):
    name: str
    url: str
    secrets: tuple[Secret, ...]
    changes: tuple[Change, ...]
    regions: tuple[str, ...]
    providers: tuple[str, ...]
    private: bool


def read_entries(path: Path) -> dict[str, Entry]:
    """Empty when there is no such file. Raises SubscribersError."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SubscribersError(f"{path}: {error.strerror}") from None
    try:
        return msgspec.json.decode(text, type=dict[str, Entry])
    except msgspec.MsgspecError as error:
        # A message of msgspec names fields and types, not values; but a file that is no JSON is quoted nowhere either.
        raise SubscribersError(f"{path}: {error}") from None


def subscribers_of(entries: Mapping[str, Entry]) -> dict[str, Subscriber]:
    """Raises SubscribersError for a name, address or secret that cannot be used."""
    return {name: _checked(name, entry) for name, entry in sorted(entries.items())}


class KnownSubscribers:
    """Those of the file, read again when it changes. One that cannot be used changes nothing: `trouble` says why."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int, int] | None = None
        self._found: dict[str, Subscriber] = {}
        self.trouble = ""

    def look(self) -> Mapping[str, Subscriber]:
        stamp = files.stamp(self._path)
        if stamp == self._stamp:
            return self._found
        self._stamp = stamp
        try:
            self._found = subscribers_of(read_entries(self._path))
        except SubscribersError as error:
            self.trouble = str(error)
            _LOG.warning("subscribers_unchanged", error=self.trouble)
        else:
            self.trouble = ""
            _LOG.info("subscribers_read", subscribers=sorted(self._found))
        return self._found


def _checked(name: str, entry: Entry) -> Subscriber:
    if not _NAME.fullmatch(name):
        raise SubscribersError(f"subscriber {name[:64]!r}: a name is 1 to 64 of a-z 0-9 _ -")
    try:
        parts = urlsplit(entry.url)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    schemes = ("https", "http") if entry.private else ("https",)
    if not usable or parts.scheme not in schemes or parts.username is not None or parts.fragment:
        kind = "http or https" if entry.private else "https (or, with private, http)"
        raise SubscribersError(f"subscriber {name}: url must be {kind}, an address without user and fragment")
    for secret in entry.secrets:
        if not _is_secret(secret):
            raise SubscribersError(f"subscriber {name}: a secret must be whsec_ and 24 to 64 bytes in base64")
    return Subscriber(
        name,
        entry.url,
        tuple(map(Secret, entry.secrets)),
        entry.changes,
        entry.regions,
        entry.providers,
        entry.private,
    )


def _is_secret(text: str) -> bool:
    if not text.startswith(SECRET_PREFIX):
        return False
    try:
        key = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        return False
    return SECRET_BYTES[0] <= len(key) <= SECRET_BYTES[1]
