"""The public keys that tokens are verified with: a JSON Web Key Set (RFC 7517), as text or as a file that may change.

A key's own type decides the algorithm, so a token cannot choose one: Ed25519 keys verify EdDSA, P-256 keys ES256, and
no other key gets in (no RSA, no shared secrets).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import jwt
import msgspec

from runtime import logging
from runtime.clock import Clock

_LOG = logging.get(__name__)
_ALGORITHMS = {("OKP", "Ed25519"): "EdDSA", ("EC", "P-256"): "ES256"}
ALGORITHMS = frozenset(_ALGORITHMS.values())
_LOOK_EVERY_SECONDS = 1.0


class Key(NamedTuple):
    """One public key and the only algorithm it verifies."""

    algorithm: str
    jwk: jwt.PyJWK


Keys = Mapping[str, Key]
"""By key id (`kid`)."""


class KeySource(Protocol):
    def keys(self) -> Keys:
        """The keys believed now; none when nothing is configured."""
        ...


class FixedKeys:
    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def keys(self) -> Keys:
        return self._keys


class KeyFile:
    """Looks at the file at most once a second.

    A file that cannot be read (half written, say) leaves the keys as they were; one that is gone takes them away.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._keys: Keys = {}
        self._seen: tuple[int, ...] = ()
        self._look_at = float("-inf")

    def keys(self) -> Keys:
        now = self._clock.monotonic()
        if now >= self._look_at:
            self._look_at = now + _LOOK_EVERY_SECONDS
            self._look()
        return self._keys

    def _look(self) -> None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._keys, self._seen = {}, ()
            return
        except OSError as error:
            _LOG.error("jwks_unreadable", reason=error.strerror)
            return
        seen = (found.st_mtime_ns, found.st_size, found.st_ino)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._keys = parse(self._path.read_bytes())
        except (OSError, ValueError):
            # Without the text: somebody may have put a private key there.
            _LOG.error("jwks_unusable", file=self._path.name)
        else:
            _LOG.info("jwks_loaded", kids=sorted(self._keys))


class _KeySet(msgspec.Struct, frozen=True):
    keys: tuple[dict[str, Any], ...]


def parse(text: str | bytes) -> Keys:
    """The usable keys of a key set. Raises ValueError when it is not one; a key of no use is left out and logged."""
    found: dict[str, Key] = {}
    for entry in msgspec.json.decode(text, type=_KeySet).keys:
        kid, reason = entry.get("kid"), _unusable(entry)
        if not reason and kid in found:
            reason = "there is another key with this kid"
        if not reason:
            algorithm = _ALGORITHMS[entry["kty"], entry["crv"]]
            try:
                found[str(kid)] = Key(algorithm, jwt.PyJWK(entry, algorithm))
            except jwt.PyJWTError:
                reason = "it cannot be read"
        if reason:
            _LOG.warning("jwks_key_ignored", kid=kid if isinstance(kid, str) else None, reason=reason)
    return found


def _unusable(entry: Mapping[str, Any]) -> str:
    """Why a key cannot verify tokens; empty when it can."""
    algorithm = _ALGORITHMS.get((str(entry.get("kty")), str(entry.get("crv"))))
    if not isinstance(entry.get("kid"), str) or not entry["kid"]:
        return "it has no kid"
    if algorithm is None:
        return "only Ed25519 and P-256 keys are used"
    if "d" in entry:
        return "it is a private key"
    if entry.get("alg", algorithm) != algorithm or entry.get("use", "sig") != "sig":
        return "it is for another use"
    return ""
