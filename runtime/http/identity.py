"""Who is calling: a JWT (RFC 7519) as bearer token, verified against the configured keys.

`Authenticating` (beside this) stands before every route of an authenticated service, verifies the token, and leaves the
`Caller` for handlers. Tokens appear in no log, error or representation.
"""

import hashlib
import re
from datetime import UTC, datetime
from typing import Annotated

import jwt
import msgspec

from runtime.clock import Clock, SystemClock
from runtime.http import keys
from runtime.http.keys import FixedKeys, Key, KeyFile, Keys, KeySource
from runtime.http.problems import UNAUTHENTICATED, Problem
from runtime.settings import Settings

MOST_TOKEN_CHARACTERS = 8_192
LEEWAY_SECONDS = 10
"""How far clocks of issuer and service may differ."""
READ_USERS, WRITE_USERS = "users:read", "users:write"
"""Scopes of analysts (GET of any user's paths) and operators (everything on any user's paths)."""
REALM = 'Bearer realm="media-gateway"'
ANYWHERE = "ZZ"
"""The region of a caller whose token names none."""
REGION = re.compile("[A-Z]{2}")
_MOST_ID_CHARACTERS = 128
_MOST_CALLERS = 20_000
_REQUIRED = ["sub", "exp", "iat", "aud"]


class Caller(msgspec.Struct, frozen=True):
    """Who sent a request, from which device, with which rights, and until when the token says so."""

    user_id: str
    device_id: str
    scopes: frozenset[str]
    region: str
    expires_at: datetime


class _Claims(msgspec.Struct, frozen=True):
    """What we read of a token; the library has judged times, audience and issuer."""

    sub: str
    device_id: str
    exp: Annotated[float, msgspec.Meta(ge=0)]
    scope: str = ""
    region: Annotated[str, msgspec.Meta(pattern=rf"\A{REGION.pattern}\Z")] = ANYWHERE


class Verifier:
    """Verifies tokens; does no I/O but a look at the key file at most once a second.

    A token that was good stays so until it expires or the keys change, and verifying takes longer than most of what
    handlers do: the callers of good tokens are remembered, by a hash.
    """

    def __init__(self, source: KeySource, audience: str, issuer: str = "") -> None:
        self._source = source
        self._audience = audience
        self._issuer = issuer or None
        self._known: Keys = {}
        self._callers: dict[bytes, Caller] = {}

    def verify(self, token: str) -> Caller:
        """Raises Problem (401) whose detail says what is wrong with the token, never what it contains."""
        if len(token) > MOST_TOKEN_CHARACTERS:
            raise _refused(f"is longer than {MOST_TOKEN_CHARACTERS} characters")
        known = self._source.keys()
        if known is not self._known or len(self._callers) >= _MOST_CALLERS:
            self._known = known
            self._callers.clear()
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        found = self._callers.get(digest)
        if found is None or found.expires_at <= datetime.now(UTC):
            found = self._callers[digest] = self._verified(token, known)
        return found

    def _verified(self, token: str, known: Keys) -> Caller:
        key = _key(token, known)
        try:
            found = jwt.decode(
                token,
                key.jwk,
                algorithms=[key.algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": _REQUIRED},
            )
        except jwt.PyJWTError as error:
            # `from None`: causes may quote the token.
            raise _refused(_reason(error)) from None
        return _caller(found)


def _key(token: str, known: Keys) -> Key:
    """The key that the token names."""
    if not known:
        raise Problem(
            UNAUTHENTICATED,
            "No keys are configured here to verify tokens with (MG_AUTH_JWKS), so nobody gets in.",
            headers={"WWW-Authenticate": REALM},
        )
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise _refused("is not a signed JWT") from None
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in keys.ALGORITHMS:
        raise _refused(f"is not signed with {' or '.join(sorted(keys.ALGORITHMS))}")
    found = known.get(header.get("kid", ""))
    if found is None:
        raise _refused("names no key (kid) that is known here")
    return found


def verifier_of(settings: Settings, clock: Clock | None = None) -> Verifier:
    """With the keys that the settings name."""
    wanted = settings.identity
    source: KeySource = FixedKeys({})
    if wanted.jwks:
        source = FixedKeys(keys.parse(wanted.jwks))
    elif wanted.jwks_file is not None:
        source = KeyFile(wanted.jwks_file, clock or SystemClock())
    return Verifier(source, wanted.audience, wanted.issuer)


def _refused(what: str) -> Problem:
    """RFC 6750, section 3.1."""
    return Problem(
        UNAUTHENTICATED,
        f"The token {what}.",
        headers={"WWW-Authenticate": f'{REALM}, error="invalid_token", error_description="The token {what}"'},
    )


def _reason(error: jwt.PyJWTError) -> str:
    match error:
        case jwt.ExpiredSignatureError():
            return "has expired"
        case jwt.ImmatureSignatureError():
            return "is not valid yet"
        case jwt.InvalidAudienceError():
            return "is for another audience"
        case jwt.InvalidIssuerError():
            return "is of another issuer"
        case jwt.MissingRequiredClaimError():
            return f"lacks the claim {error.claim}"
        case jwt.InvalidAlgorithmError():
            return "is not signed with the algorithm of its key"
        case jwt.InvalidSignatureError():
            return "does not carry its key's signature"
    return "has unusable claims"


def _caller(found: dict[str, object]) -> Caller:
    try:
        claims = msgspec.convert(found, _Claims)
        expires_at = datetime.fromtimestamp(claims.exp, UTC)
    except (msgspec.ValidationError, ValueError, OverflowError, OSError):
        raise _refused("has unusable claims (sub, device_id, exp, scope or region)") from None
    for name, value in (("sub", claims.sub), ("device_id", claims.device_id)):
        if not usable_id(value):
            raise _refused(f"has an unusable {name}: 1 to {_MOST_ID_CHARACTERS} printable characters without / and :")
    return Caller(claims.sub, claims.device_id, frozenset(claims.scope.split()), claims.region, expires_at)


def usable_id(text: str) -> bool:
    """Of a user or device: it becomes part of paths and keys."""
    return 0 < len(text) <= _MOST_ID_CHARACTERS and text.isprintable() and not set("/:") & set(text)
