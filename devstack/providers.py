"""Secrets for local use, made once: a webhook secret for each provider and the operator's token."""

import base64
import json
import re
import secrets
from pathlib import Path

from devstack.errors import StackError
from devstack.record import locked, write_private

PROVIDERS = (
    "wikidata", "movielens", "netflix", "disney_plus", "hulu", "prime_video", "hbo_max", "apple_tv_plus",
    "paramount_plus", "peacock", "justwatch", "streaming_availability", "youtube", "spotify", "apple_music",
)  # fmt: skip
_NAME = re.compile(r"^[a-z0-9][a-z0-9_-]{0,63}$")
SECRET_BYTES = 32
"""Standard Webhooks asks for 24 to 64 random bytes."""


def ensure_providers(home: Path) -> bool:
    """Writes `<home>/providers.json` (mode 0600) unless it is there; True when it was written.

    Also sees to `<home>/operator.token`. The rate limits are high: on one machine the importer should be bounded by the
    system, not by politeness.
    """
    _ensure_operator_token(home)
    path = home / "providers.json"
    if path.exists():
        return False
    write_private(path, json.dumps({name: _entry() for name in PROVIDERS}, indent=2) + "\n")
    return True


def add_provider(home: Path, name: str) -> None:
    """One more in `<home>/providers.json`, with a secret of its own. Raises StackError when the name or file is bad."""
    if not _NAME.match(name):
        raise StackError(f"{name!r} is no name for a provider: a-z, 0-9, _ and -, at most 64")
    path = home / "providers.json"
    with locked(home / "providers.lock", lambda _: None):
        try:
            table = json.loads(path.read_text()) if path.exists() else {}
        except (OSError, ValueError):
            raise StackError(f"{path} cannot be read as JSON; repair it") from None
        write_private(path, json.dumps({**table, name: table.get(name) or _entry()}, indent=2) + "\n")


def new_secret() -> str:
    """A secret of Standard Webhooks, for either direction."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _entry() -> dict[str, object]:
    return {
        "secrets": [new_secret()],
        "ratePerSecond": 5000,
        "burst": 20000,
    }


def _ensure_operator_token(home: Path) -> None:
    path = home / "operator.token"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(SECRET_BYTES) + "\n")
