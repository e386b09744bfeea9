"""Providers that come, and secrets that rotate, while the process runs."""

import json
from pathlib import Path
from typing import Any

import pytest

from runtime.providers import KnownProviders
from runtime.settings import ProviderSettings, SettingsError
from tests.support.webhooks import OLD_SECRET, SECRET, settings


class Ticking:
    """Two seconds a look."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 2.0
        return self.now


def known(tmp_path: Path, check: Any = lambda _: None) -> tuple[KnownProviders, Path]:
    path = tmp_path / "providers.json"
    path.write_text("{}")
    return KnownProviders(settings(tmp_path, providers=(), providers_file=path), check, Ticking()), path


def test_a_provider_that_comes_later(tmp_path: Path) -> None:
    found, path = known(tmp_path)
    assert "shop" not in found
    path.write_text(json.dumps({"shop": {"secrets": [SECRET]}}))
    assert found["shop"].secrets[0].reveal() == SECRET
    path.write_text(json.dumps({"shop": {"secrets": [OLD_SECRET, SECRET]}}))
    assert [secret.reveal() for secret in found["shop"].secrets] == [OLD_SECRET, SECRET]
    assert list(found) == ["shop"]


@pytest.mark.parametrize("text", ["{", '{"shop": {"secrets": "x"}}', "\udcff", '{"bad": {"secrets": ["whsec_x"]}}'])
def test_a_file_that_cannot_be_used_changes_nothing(tmp_path: Path, text: str) -> None:
    def check(provider: ProviderSettings) -> None:
        if provider.name == "bad":
            raise SettingsError("provider bad: no")

    found, path = known(tmp_path, check)
    path.write_text(json.dumps({"shop": {"secrets": [SECRET]}}))
    assert "shop" in found
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert set(found) == {"shop"}
    path.unlink()
    assert set(found) == {"shop"}


def test_providers_of_the_environment_stay(tmp_path: Path) -> None:
    one = ProviderSettings("shop", ())
    assert dict(KnownProviders(settings(tmp_path, providers=(one,)))) == {"shop": one}


def test_what_cannot_be_used_at_the_start_is_said(tmp_path: Path) -> None:
    def check(provider: ProviderSettings) -> None:
        raise SettingsError(provider.name)

    with pytest.raises(SettingsError, match="shop"):
        KnownProviders(settings(tmp_path, providers=(ProviderSettings("shop", ()),)), check)
