"""Secrets for local use, made once: a webhook secret for each provider and the operator's token."""

import base64
import json
import secrets
from pathlib import Path

from devstack.record import write_private

PROVIDERS = ("wikidata", "movielens", "netflix", "disney_plus", "hulu", "justwatch")
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
    table = {
        name: {
            "secrets": ["whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()],
            "ratePerSecond": 5000,
            "burst": 20000,
        }
        for name in PROVIDERS
    }
    write_private(path, json.dumps(table, indent=2) + "\n")
    return True


def _ensure_operator_token(home: Path) -> None:
    path = home / "operator.token"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(SECRET_BYTES) + "\n")
