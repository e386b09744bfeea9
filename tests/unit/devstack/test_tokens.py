import json
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from devstack.errors import StackError
from devstack.tokens import ensure_token_key, key_path, signer_of
from runtime.http.identity import Verifier, verifier_of
from runtime.settings import IdentitySettings
from tests.support import tokens
from tests.support.webhooks import settings


def identity(home: Path) -> IdentitySettings:
    return IdentitySettings(jwks_file=home / "jwks.json")


def verifier(home: Path) -> Verifier:
    return verifier_of(settings(home, identity=identity(home)))


def test_the_key_is_private_and_made_once(tmp_path: Path) -> None:
    assert ensure_token_key(tmp_path)
    private, public = key_path(tmp_path), tmp_path / "jwks.json"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    made = (private.read_text(), public.read_text())
    assert not ensure_token_key(tmp_path)
    assert (private.read_text(), public.read_text()) == made
    assert ['"d"' in text for text in made] == [False, False]


def test_what_it_signs_is_believed(tmp_path: Path) -> None:
    ensure_token_key(tmp_path)
    signer = signer_of(tmp_path, identity(tmp_path))
    found = verifier(tmp_path).verify(signer.sign("ann", "tv", ["users:read"], region="CH", seconds=60))
    assert (found.user_id, found.device_id, found.scopes, found.region) == (
        "ann",
        "tv",
        frozenset({"users:read"}),
        "CH",
    )
    assert verifier(tmp_path).verify(signer.sign("ann", "tv")).region == "ZZ"


def test_it_signs_for_the_configured_audience_and_issuer(tmp_path: Path) -> None:
    ensure_token_key(tmp_path)
    wanted = IdentitySettings(jwks_file=tmp_path / "jwks.json", audience="films", issuer="https://issuer.example")
    token = signer_of(tmp_path, wanted).sign("ann", "tv")
    assert verifier_of(settings(tmp_path, identity=wanted)).verify(token).user_id == "ann"


def test_a_lost_key_set_is_written_again_and_others_keys_stay(tmp_path: Path) -> None:
    ensure_token_key(tmp_path)
    (tmp_path / "jwks.json").unlink()
    assert not ensure_token_key(tmp_path)
    other = tokens.public(tokens.signer())
    (tmp_path / "jwks.json").write_text(tokens.key_set(other))
    ensure_token_key(tmp_path)
    keys = json.loads((tmp_path / "jwks.json").read_text())["keys"]
    assert len(keys) == 2
    assert other in keys
    assert verifier(tmp_path).verify(signer_of(tmp_path, identity(tmp_path)).sign("ann", "tv")).user_id == "ann"
    assert verifier(tmp_path).verify(tokens.token("bob")).user_id == "bob"


def test_a_deleted_key_is_replaced_by_another(tmp_path: Path) -> None:
    ensure_token_key(tmp_path)
    before = signer_of(tmp_path, identity(tmp_path))
    key_path(tmp_path).unlink()
    assert ensure_token_key(tmp_path)
    after = signer_of(tmp_path, identity(tmp_path))
    assert repr(before) != repr(after)
    assert verifier(tmp_path).verify(after.sign("ann", "tv")).user_id == "ann"


def test_no_key_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="run `mg stack up`"):
        signer_of(tmp_path, identity(tmp_path))


@pytest.mark.parametrize("text", ["", "secret", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"])
def test_a_broken_key_says_what_to_do_and_not_what_it_holds(tmp_path: Path, text: str) -> None:
    ensure_token_key(tmp_path)
    key_path(tmp_path).write_text(text)
    for attempt in (lambda: signer_of(tmp_path, identity(tmp_path)), lambda: ensure_token_key(tmp_path)):
        with pytest.raises(StackError, match="delete it and run `mg stack up`") as caught:
            attempt()
        assert "c2VjcmV0" not in str(caught.value)
        assert caught.value.__suppress_context__


def test_a_key_of_another_kind(tmp_path: Path) -> None:
    ensure_token_key(tmp_path)
    key = ec.generate_private_key(ec.SECP256R1())
    key_path(tmp_path).write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(StackError, match="not an Ed25519 key"):
        signer_of(tmp_path, identity(tmp_path))


@pytest.mark.parametrize("text", ["{", "[]", '{"keys": 5}'])
def test_a_broken_key_set_is_not_overwritten(tmp_path: Path, text: str) -> None:
    ensure_token_key(tmp_path)
    (tmp_path / "jwks.json").write_text(text)
    with pytest.raises(StackError, match="cannot be read as a key set"):
        ensure_token_key(tmp_path)
    assert (tmp_path / "jwks.json").read_text() == text


def test_a_signer_shows_no_key(tmp_path: Path) -> None:
    ensure_token_key(tmp_path)
    shown = repr(signer_of(tmp_path, identity(tmp_path)))
    assert not any(line in shown for line in key_path(tmp_path).read_text().splitlines() if line)
