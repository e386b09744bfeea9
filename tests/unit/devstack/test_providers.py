import base64
import stat
from pathlib import Path

from devstack.providers import PROVIDERS, ensure_providers
from runtime.settings import load

ADDRESSES = dict.fromkeys(("MG_KAFKA_BOOTSTRAP", "MG_POSTGRES_DSN", "MG_REDIS_URL", "MG_QDRANT_URL"), "x")


def test_secrets_are_random_private_and_made_once(tmp_path: Path) -> None:
    assert ensure_providers(tmp_path)
    file = tmp_path / "providers.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    made = file.read_text()
    assert not ensure_providers(tmp_path)
    assert file.read_text() == made

    providers = load(ADDRESSES | {"MG_HOME": str(tmp_path)}).providers
    assert {provider.name for provider in providers} == set(PROVIDERS)
    secrets = [secret.reveal() for provider in providers for secret in provider.secrets]
    assert len(set(secrets)) == len(PROVIDERS)
    assert all(len(base64.b64decode(secret.removeprefix("whsec_"))) == 32 for secret in secrets)
    assert all(provider.rate_per_second == 5000 and provider.burst == 20000 for provider in providers)
