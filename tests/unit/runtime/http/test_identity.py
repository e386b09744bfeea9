"""Whose tokens are believed: every refusal says why, none shows the token."""

import base64
import hashlib
import hmac
import json
import traceback
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Self

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from runtime.http import identity
from runtime.http.identity import LEEWAY_SECONDS, MOST_TOKEN_CHARACTERS, Caller, Verifier, usable_id, verifier_of
from runtime.http.problems import UNAUTHENTICATED, Problem
from runtime.settings import IdentitySettings
from tests.support import tokens
from tests.support.webhooks import settings

NOW = int(datetime.now(UTC).timestamp())
CURVE = ec.generate_private_key(ec.SECP256R1())


def verifier(jwks: str = "", **changes: Any) -> Verifier:
    wanted = IdentitySettings(jwks=jwks or tokens.key_set(), **{"audience": tokens.AUDIENCE, **changes})
    return verifier_of(settings("nowhere", identity=wanted))


def refusal(token: str, by: Verifier | None = None) -> str:
    """Why a token was refused. Its parts are nowhere to be seen."""
    with pytest.raises(Problem) as caught:
        (by or verifier()).verify(token)
    problem = caught.value
    shown = "".join(traceback.format_exception(problem)) + repr(problem) + str(problem.headers) + str(problem.body())
    assert not [part for part in token.split(".") if len(part) > 15 and part in shown]
    assert problem.type is UNAUTHENTICATED
    assert problem.headers["WWW-Authenticate"].startswith('Bearer realm="media-gateway"')
    return problem.detail


def forged(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    return ".".join(
        base64.urlsafe_b64encode(part).rstrip(b"=").decode()
        for part in (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    )


def with_hmac(secret: bytes, header: dict[str, Any]) -> str:
    """As an attacker makes it; the library would refuse to sign with a public key."""
    unsigned = forged(header, tokens.claims()).rpartition(".")[0]
    digest = hmac.new(secret, unsigned.encode(), hashlib.sha256).digest()
    return f"{unsigned}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def test_a_good_token_names_its_caller() -> None:
    token = tokens.token("ann", "tv 1", "users:read", "users:write", exp=NOW + 86_400, region="CH")
    expected = Caller(
        "ann", "tv 1", frozenset({"users:read", "users:write"}), "CH", datetime.fromtimestamp(NOW + 86_400, UTC)
    )
    assert verifier().verify(token) == expected


def test_scope_and_region_may_be_absent() -> None:
    found = verifier().verify(tokens.token(scope=None))
    assert (found.scopes, found.region) == (frozenset(), "ZZ")


def test_a_p256_key_verifies_es256() -> None:
    jwks = tokens.key_set(tokens.public(tokens.signer()), tokens.public(CURVE, "curve"))
    token = jwt.encode(tokens.claims("eve"), CURVE, algorithm="ES256", headers={"kid": "curve"})
    assert verifier(jwks).verify(token).user_id == "eve"


@pytest.mark.parametrize("kid", [{"kid": tokens.KID}, {}], ids=["kid", "no kid"])
@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "", None, 5, ["EdDSA"]])
def test_unsigned(algorithm: object, kid: dict[str, str]) -> None:
    for signature in (b"", b"0" * 64):
        why = refusal(forged({"alg": algorithm, "typ": "JWT", **kid}, tokens.claims(), signature))
        assert why in ("The token is not signed with ES256 or EdDSA.", "The token is not a signed JWT.")


@pytest.mark.parametrize("kind", ["raw", "pem", "der", "jwk x"])
def test_a_public_key_is_no_shared_secret(kind: str) -> None:
    public = tokens.signer().public_key()
    secret = {
        "raw": public.public_bytes(Encoding.Raw, PublicFormat.Raw),
        "pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "der": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "jwk x": tokens.public(tokens.signer())["x"].encode(),
    }[kind]
    assert refusal(with_hmac(secret, {"alg": "HS256", "kid": tokens.KID})) == (
        "The token is not signed with ES256 or EdDSA."
    )
    assert "signature" in refusal(with_hmac(secret, {"alg": "EdDSA", "kid": tokens.KID}))


def test_the_key_decides_the_algorithm() -> None:
    jwks = tokens.key_set(tokens.public(tokens.signer()), tokens.public(CURVE, "curve"))
    crossed = [
        jwt.encode(tokens.claims(), CURVE, algorithm="ES256", headers={"kid": tokens.KID}),
        jwt.encode(tokens.claims(), tokens.signer(), algorithm="EdDSA", headers={"kid": "curve"}),
    ]
    for token in crossed:
        assert refusal(token, verifier(jwks)) == "The token is not signed with the algorithm of its key."
    rsa_names = forged({"alg": "RS256", "kid": tokens.KID}, tokens.claims(), b"0" * 64)
    assert refusal(rsa_names) == "The token is not signed with ES256 or EdDSA."


def test_another_key_under_the_same_name() -> None:
    token = jwt.encode(tokens.claims(), Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"kid": tokens.KID})
    assert refusal(token) == "The token does not carry its key's signature."


def test_a_key_that_the_token_brings_along_is_not_looked_at() -> None:
    own = Ed25519PrivateKey.generate()
    headers = {"kid": "mine", "jwk": tokens.public(own, "mine"), "jku": "http://127.0.0.1:1/jwks.json"}
    token = jwt.encode(tokens.claims(), own, algorithm="EdDSA", headers=headers)
    assert refusal(token) == "The token names no key (kid) that is known here."


def test_changed_claims_and_cut_signatures() -> None:
    head, _, signature = tokens.token("ann").split(".")
    others = tokens.token("bob").split(".")[1]
    assert "signature" in refusal(f"{head}.{others}.{signature}")
    assert "signature" in refusal(f"{head}.{others}.")
    assert refusal(tokens.token()[:-4])


@pytest.mark.parametrize("kid", [None, "", "other", "../jwks", "a" * 500])
def test_unknown_keys(kid: str | None) -> None:
    token = jwt.encode(tokens.claims(), tokens.signer(), algorithm="EdDSA", headers={} if kid is None else {"kid": kid})
    assert refusal(token) == "The token names no key (kid) that is known here."


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"exp": NOW - LEEWAY_SECONDS - 1}, "has expired"),
        ({"exp": 0}, "has expired"),
        ({"exp": -5}, "has expired"),
        ({"nbf": NOW + 86_400}, "is not valid yet"),
        ({"iat": NOW + 86_400}, "is not valid yet"),
        ({"aud": "another"}, "is for another audience"),
        ({"aud": ["another", "media"]}, "is for another audience"),
        ({"aud": []}, "lacks the claim aud"),
        ({"aud": {"media-gateway": 1}}, "is for another audience"),
        ({"sub": None}, "lacks the claim sub"),
        ({"exp": None}, "lacks the claim exp"),
        ({"iat": None}, "lacks the claim iat"),
        ({"aud": None}, "lacks the claim aud"),
        ({"device_id": None}, "has unusable claims"),
        ({"device_id": 7}, "has unusable claims"),
        ({"sub": 7}, "has unusable claims"),
        ({"exp": "tomorrow"}, "has unusable claims"),
        ({"exp": str(NOW + 86_400)}, "has unusable claims"),
        ({"exp": True}, "has expired"),
        ({"exp": 10**15}, "has unusable claims"),
        ({"exp": 1e308}, "has unusable claims"),
        ({"exp": float("inf")}, "has unusable claims"),
        ({"exp": float("nan")}, "has unusable claims"),
        ({"iat": "x"}, "has unusable claims"),
        ({"nbf": [1]}, "has unusable claims"),
        ({"scope": ["users:write"]}, "has unusable claims"),
        ({"region": "ch"}, "has unusable claims"),
        ({"region": "CHE"}, "has unusable claims"),
        ({"region": "CH\n"}, "has unusable claims"),
        ({"sub": ""}, "has an unusable sub"),
        ({"sub": "a" * 129}, "has an unusable sub"),
        ({"sub": "a/b"}, "has an unusable sub"),
        ({"sub": "a:b"}, "has an unusable sub"),
        ({"sub": "a\x00b"}, "has an unusable sub"),
        ({"sub": "a\u202eb"}, "has an unusable sub"),
        ({"sub": "a\ud800b"}, "has an unusable sub"),
        ({"device_id": ""}, "has an unusable device_id"),
        ({"device_id": "tv\n"}, "has an unusable device_id"),
        ({"device_id": "a" * 129}, "has an unusable device_id"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),  # times would differ between workers
)
def test_claims(changes: dict[str, Any], why: str) -> None:
    assert refusal(tokens.token(**changes)).startswith(f"The token {why}")


def test_clocks_may_differ_a_little() -> None:
    now = int(datetime.now(UTC).timestamp())
    assert verifier().verify(tokens.token(exp=now - LEEWAY_SECONDS + 8, nbf=now + 5, iat=now + 5)).user_id == "ann"


def test_one_of_several_audiences_is_enough() -> None:
    assert verifier().verify(tokens.token(aud=["another", tokens.AUDIENCE])).user_id == "ann"


def test_the_issuer_counts_when_one_is_configured() -> None:
    strict = verifier(issuer="https://issuer.example")
    assert strict.verify(tokens.token(iss="https://issuer.example")).user_id == "ann"
    assert refusal(tokens.token(iss="https://issuer.example/"), strict) == "The token is of another issuer."
    assert refusal(tokens.token(iss=5), strict).startswith("The token ")
    assert refusal(tokens.token(), strict) == "The token lacks the claim iss."
    assert verifier().verify(tokens.token(iss="anybody")).user_id == "ann"


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "..", "...", "a.b.c", "a.b.c.d.e", "eyJ.eyJ.eyJ", "{}", "e30.e30.", "e30.e30.e30", "ï.ö.ü", "\x00",
        forged([], {}), forged({"alg": "EdDSA", "kid": 5}, {}), forged({"alg": "EdDSA", "crit": ["exp"]}, {}),  # type: ignore[arg-type] # that is the point
        forged({"alg": "EdDSA", "kid": tokens.KID, "b64": False, "crit": ["b64"]}, tokens.claims()),
    ],
)  # fmt: skip
def test_garbage(text: str) -> None:
    assert refusal(text)


def test_a_header_nested_without_end() -> None:
    nested = base64.urlsafe_b64encode(b'{"alg":' + b"[" * 5_000).rstrip(b"=").decode()
    assert refusal(f"{nested}.e30.e30") == "The token is not a signed JWT."


def test_a_huge_token_is_not_even_parsed() -> None:
    token = tokens.token(scope="x" * 100_000)
    assert len(token) > 100_000
    assert refusal(token) == f"The token is longer than {MOST_TOKEN_CHARACTERS} characters."


def test_claims_that_are_no_object() -> None:
    for payload in (b"[]", b"5", b'"x"', b"null", b"\xff", b"[" * 3_000):
        token = jwt.api_jws.encode(payload, tokens.signer(), algorithm="EdDSA", headers={"kid": tokens.KID})
        assert refusal(token) == "The token has unusable claims."


def test_a_remembered_caller_is_forgotten_when_the_token_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    by, now = verifier(), datetime.now(UTC)
    token = tokens.token(exp=int(now.timestamp()) + 60)
    assert by.verify(token) is by.verify(token)
    later = now + timedelta(seconds=60 + LEEWAY_SECONDS + 2)

    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(later.timestamp(), tz)

    monkeypatch.setattr(identity, "datetime", Later)
    monkeypatch.setattr(jwt.api_jwt, "datetime", Later)
    assert refusal(token, by) == "The token has expired."


def test_not_more_callers_are_remembered_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "_MOST_CALLERS", 3)
    by = verifier()
    for number in range(10):
        assert by.verify(tokens.token(f"user{number}")).user_id == f"user{number}"
        assert len(by._callers) <= 3


def test_without_keys_nobody_gets_in() -> None:
    for wanted in (IdentitySettings(), IdentitySettings(jwks='{"keys": []}')):
        why = refusal(tokens.token(), verifier_of(settings("nowhere", identity=wanted)))
        assert why == "No keys are configured here to verify tokens with (MG_AUTH_JWKS), so nobody gets in."


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_refused_or_a_caller(text: str) -> None:
    with pytest.raises(Problem):
        verifier().verify(text)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=9), st.lists, max_leaves=4))
def test_no_claim_of_any_type_escapes_as_another_error(value: object) -> None:
    for name in ("sub", "device_id", "exp", "iat", "nbf", "aud", "iss", "jti", "scope", "region"):
        try:
            changes: dict[str, Any] = {name: value}
            found = verifier().verify(tokens.token(**changes))
        except Problem as problem:
            assert problem.type is UNAUTHENTICATED  # noqa: PT017 - either outcome is fine, no other is
        else:
            assert usable_id(found.user_id)


def test_a_verifier_shows_nothing() -> None:
    assert tokens.public(tokens.signer())["x"] not in repr(verifier())
    assert "Caller" in repr(msgspec.structs.replace(verifier().verify(tokens.token()), region="CH"))
