"""The key that signs callers' tokens for local use, made once, and the signing."""

import hashlib
import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from jwt.algorithms import OKPAlgorithm
from jwt.utils import base64url_encode

from devstack.errors import StackError
from devstack.record import write_private
from runtime.settings import IdentitySettings

ALGORITHM = "EdDSA"


class _KeySet(msgspec.Struct):
    keys: tuple[dict[str, Any], ...]


class Signer:
    """Signs tokens that services with the key's public half believe."""

    def __init__(self, key: Ed25519PrivateKey, identity: IdentitySettings) -> None:
        self._key = key
        self._identity = identity
        self._kid = str(public_key(key)["kid"])

    def sign(
        self, user: str, device: str, scopes: Iterable[str] = (), *, region: str | None = None, seconds: int = 3600
    ) -> str:
        return self.signed(user, device, scopes, region=region, seconds=seconds)[0]

    def signed(
        self, user: str, device: str, scopes: Iterable[str] = (), *, region: str | None = None, seconds: int = 3600
    ) -> tuple[str, datetime]:
        """The token and until when it is good."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "sub": user,
            "device_id": device,
            "aud": self._identity.audience,
            "iat": now,
            "exp": now + seconds,
            "scope": " ".join(scopes),
        }
        if self._identity.issuer:
            claims["iss"] = self._identity.issuer
        if region is not None:
            claims["region"] = region
        token = jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"kid": self._kid})
        return token, datetime.fromtimestamp(claims["exp"], UTC)

    def __repr__(self) -> str:
        return f"Signer({self._kid})"


def signer_of(home: Path, identity: IdentitySettings) -> Signer:
    """With the key that `mg stack up` made. Raises StackError when there is none."""
    return Signer(_private_key(key_path(home)), identity)


def ensure_token_key(home: Path) -> bool:
    """Writes the private key (mode 0600) unless it is there; True when it was written.

    Also sees to its public half being in `<home>/jwks.json`; other keys there stay.
    """
    path, made = key_path(home), False
    if not path.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_private(path, pem.decode())
        made = True
    _publish(home / "jwks.json", public_key(_private_key(path)))
    return made


def key_path(home: Path) -> Path:
    return home / "secrets" / "token.key"


def public_key(key: Ed25519PrivateKey) -> dict[str, Any]:
    """As a JSON Web Key; `kid` is its thumbprint (RFC 7638)."""
    found = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    required = json.dumps({name: found[name] for name in ("crv", "kty", "x")}, separators=(",", ":"))
    kid = base64url_encode(hashlib.sha256(required.encode()).digest()).decode()
    return {**found, "alg": ALGORITHM, "use": "sig", "kid": kid}


def _private_key(path: Path) -> Ed25519PrivateKey:
    try:
        found = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        raise StackError(f"there is no key to sign with ({path}): run `mg stack up`") from None
    except (OSError, ValueError, TypeError):
        # `from None`: a cause may quote the file.
        raise StackError(f"{path} cannot be read as a key: delete it and run `mg stack up`") from None
    if not isinstance(found, Ed25519PrivateKey):
        raise StackError(f"{path} is not an Ed25519 key: delete it and run `mg stack up`")
    return found


def _publish(path: Path, ours: dict[str, Any]) -> None:
    try:
        others = msgspec.json.decode(path.read_bytes(), type=_KeySet).keys if path.exists() else ()
    except (OSError, ValueError):
        raise StackError(f"{path} cannot be read as a key set: delete it and run `mg stack up`") from None
    if ours not in others:
        kept = [key for key in others if key.get("kid") != ours["kid"]]
        write_private(path, json.dumps({"keys": [ours, *kept]}, indent=2) + "\n")
