"""Callers' tokens: `settings(tmp, identity=tokens.IDENTITY)` believes what `tokens.token()` signs."""

import json
import time
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

from runtime.settings import IdentitySettings

KID = "test-key"
AUDIENCE = "media-gateway"
SECONDS = 600


@cache
def signer() -> Ed25519PrivateKey:
    """The private key behind `IDENTITY`; made once a process."""
    return Ed25519PrivateKey.generate()


def public(key: Any, kid: str = KID) -> dict[str, Any]:
    """The JSON Web Key of a private key's other half."""
    kind = OKPAlgorithm if isinstance(key, Ed25519PrivateKey) else ECAlgorithm
    return {**kind.to_jwk(key.public_key(), as_dict=True), "kid": kid}


def key_set(*keys: dict[str, Any]) -> str:
    """The JSON of a key set; of our signer's when none is given."""
    return json.dumps({"keys": list(keys) or [public(signer())]})


IDENTITY = IdentitySettings(jwks=key_set(), audience=AUDIENCE)


def claims(user: str = "ann", device: str = "tv", *scopes: str, **changes: Any) -> dict[str, Any]:
    """Of a good token, valid for ten minutes. `changes` overwrite; None leaves a claim out."""
    now = int(time.time())
    found = {
        "sub": user,
        "device_id": device,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + SECONDS,
        "scope": " ".join(scopes),
        **changes,
    }
    return {name: value for name, value in found.items() if value is not None}


def token(user: str = "ann", device: str = "tv", *scopes: str, **changes: Any) -> str:
    """A signed token; `changes` as in `claims()`."""
    # Not jwt.encode(), which refuses some of the claims that tests of refusals need.
    payload = json.dumps(claims(user, device, *scopes, **changes)).encode()
    return jwt.api_jws.encode(payload, signer(), algorithm="EdDSA", headers={"kid": KID})


def bearer(user: str = "ann", device: str = "tv", *scopes: str, **changes: Any) -> dict[str, str]:
    """Headers of a request: `client.get(path, headers=bearer("ann"))`."""
    return {"Authorization": f"Bearer {token(user, device, *scopes, **changes)}"}
