"""Key sets: which keys are used, and a file that changes while the service runs."""

import json
import os
from pathlib import Path
from typing import Any

import jwt
import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm, RSAAlgorithm

from runtime.clock import FrozenClock
from runtime.http.identity import Verifier, verifier_of
from runtime.http.keys import KeyFile, parse
from runtime.http.problems import Problem
from runtime.settings import IdentitySettings
from tests.support import tokens
from tests.support.webhooks import settings

OURS = tokens.public(tokens.signer())
NEXT = Ed25519PrivateKey.generate()


def signed(key: Ed25519PrivateKey, kid: str) -> str:
    return jwt.encode(tokens.claims(), key, algorithm="EdDSA", headers={"kid": kid})


def believed(verifier: Verifier, token: str) -> bool:
    try:
        verifier.verify(token)
    except Problem:
        return False
    return True


def test_several_keys_at_once() -> None:
    curve = tokens.public(ec.generate_private_key(ec.SECP256R1()), "curve")
    found = parse(tokens.key_set(OURS, tokens.public(NEXT, "next"), curve))
    assert {kid: key.algorithm for kid, key in found.items()} == {
        tokens.KID: "EdDSA",
        "next": "EdDSA",
        "curve": "ES256",
    }


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ({**OURS, "kid": None}, "it has no kid"),
        ({**OURS, "kid": ""}, "it has no kid"),
        ({**OURS, "kid": 5}, "it has no kid"),
        ({**OURS, "kty": "oct", "k": "c2VjcmV0"}, "only Ed25519 and P-256 keys are used"),
        ({"kty": "oct", "k": "c2VjcmV0", "kid": "shared", "alg": "HS256"}, "only Ed25519 and P-256 keys are used"),
        ({**OURS, "crv": "Ed448"}, "only Ed25519 and P-256 keys are used"),
        ({**OURS, "crv": ["Ed25519"]}, "only Ed25519 and P-256 keys are used"),
        (
            tokens.public(ec.generate_private_key(ec.SECP384R1()), "p384"),
            "only Ed25519 and P-256 keys are used",
        ),
        (
            {
                **RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048).public_key(), as_dict=True),
                "kid": "rsa",
            },
            "only Ed25519 and P-256 keys are used",
        ),
        ({**OKPAlgorithm.to_jwk(NEXT, as_dict=True), "kid": "private"}, "it is a private key"),
        ({**OURS, "alg": "HS256"}, "it is for another use"),
        ({**OURS, "alg": "ES256"}, "it is for another use"),
        ({**OURS, "use": "enc"}, "it is for another use"),
        ({**OURS, "x": "AAAA"}, "it cannot be read"),
        ({**OURS, "x": 5}, "it cannot be read"),
        ({name: value for name, value in OURS.items() if name != "x"}, "it cannot be read"),
        ({"kty": "EC", "crv": "P-256", "kid": "off the curve", "x": "AA" * 21 + "A", "y": "AA" * 21 + "A"},
         "it cannot be read"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_keys_of_no_use_are_left_out_and_said(key: dict[str, Any], reason: str) -> None:
    good = tokens.public(NEXT, "good")
    with structlog.testing.capture_logs() as logs:
        found = parse(tokens.key_set(key, good))
    assert set(found) == {"good"}
    assert [(entry["event"], entry["reason"]) for entry in logs] == [("jwks_key_ignored", reason)]
    secret = OKPAlgorithm.to_jwk(NEXT, as_dict=True)["d"]
    assert secret not in str(logs)


def test_the_first_of_two_keys_with_one_name() -> None:
    found = parse(tokens.key_set(OURS, tokens.public(NEXT)))
    assert found[tokens.KID].jwk.key == tokens.signer().public_key()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"keys": {}}', '{"keys": [5]}', "null", b"\xff"])
def test_what_is_no_key_set(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "jwks.json"


@pytest.fixture
def verifier(file: Path, clock: FrozenClock, tmp_path: Path) -> Verifier:
    return verifier_of(settings(tmp_path, identity=IdentitySettings(jwks_file=file)), clock)


def test_keys_rotate_without_a_restart(file: Path, clock: FrozenClock, verifier: Verifier) -> None:
    old, new = tokens.token(), signed(NEXT, "next")
    assert not believed(verifier, old)
    file.write_text(tokens.key_set(OURS))
    assert not believed(verifier, old)  # it looks once a second
    clock.advance(1.1)
    assert (believed(verifier, old), believed(verifier, new)) == (True, False)
    file.write_text(tokens.key_set(OURS, tokens.public(NEXT, "next")))
    clock.advance(1.1)
    assert (believed(verifier, old), believed(verifier, new)) == (True, True)
    file.write_text(tokens.key_set(tokens.public(NEXT, "next")))
    clock.advance(1.1)
    assert (believed(verifier, old), believed(verifier, new)) == (False, True)


def test_a_file_replaced_by_one_of_the_same_size_and_time(file: Path, clock: FrozenClock, verifier: Verifier) -> None:
    file.write_text(tokens.key_set(OURS))
    assert believed(verifier, tokens.token())
    times = file.stat()
    other = file.with_name("other.json")
    other.write_text(tokens.key_set(tokens.public(Ed25519PrivateKey.generate())))
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(file)
    clock.advance(1.1)
    assert not believed(verifier, tokens.token())


@pytest.mark.parametrize("text", ["", "{", '{"keys": [{"kty": "OKP", "d": "c2VjcmV0"', "[]"])
def test_a_half_written_file_changes_nothing(file: Path, clock: FrozenClock, verifier: Verifier, text: str) -> None:
    file.write_text(tokens.key_set(OURS))
    assert believed(verifier, tokens.token())
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            file.write_text(text)
            clock.advance(1.1)
            assert believed(verifier, tokens.token())
    assert {entry["event"] for entry in logs} == {"jwks_unusable"}
    assert "c2VjcmV0" not in str(logs)
    file.write_text(tokens.key_set(tokens.public(NEXT, "next")))
    clock.advance(1.1)
    assert believed(verifier, signed(NEXT, "next"))


def test_a_file_that_is_gone_takes_its_keys_away(file: Path, clock: FrozenClock, verifier: Verifier) -> None:
    file.write_text(tokens.key_set(OURS))
    assert believed(verifier, tokens.token())
    content = file.read_text()
    file.unlink()
    clock.advance(1.1)
    assert not believed(verifier, tokens.token())
    file.write_text(content)
    clock.advance(1.1)
    assert believed(verifier, tokens.token())


def test_a_folder_in_its_place(tmp_path: Path, clock: FrozenClock) -> None:
    source = KeyFile(tmp_path, clock)
    with structlog.testing.capture_logs() as logs:
        assert source.keys() == {}
        clock.advance(1.1)
        assert source.keys() == {}
    assert [entry["event"] for entry in logs] == ["jwks_unusable"]
    source = KeyFile(tmp_path / "file" / "below", clock)
    (tmp_path / "file").write_text(json.dumps({}))
    assert source.keys() == {}
