"""`mg token`: what it prints lets its bearer in."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from devstack.tokens import ensure_token_key
from runtime.http.identity import Caller, verifier_of
from runtime.settings import load_identity
from tests.support.running import Done, mg
from tests.support.webhooks import settings


def token(home: Path, *words: str, **environment: str) -> Done:
    return mg(["token", *words], {"MG_HOME": str(home), **environment})


def caller(home: Path, signed: str, **environment: str) -> Caller:
    identity = load_identity({"MG_HOME": str(home), **environment})
    return verifier_of(settings(home, identity=identity)).verify(signed)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    ensure_token_key(tmp_path)
    return tmp_path


def test_it_prints_the_token_and_nothing_else(home: Path) -> None:
    done = token(home, "--user", "ann", "--device", "tv")
    assert (done.code, done.err, done.out.count("\n"), done.out.count(".")) == (0, "", 1, 2)
    found = caller(home, done.out.strip())
    assert (found.user_id, found.device_id, found.scopes, found.region) == ("ann", "tv", frozenset(), "ZZ")
    assert abs(found.expires_at - datetime.now(UTC) - timedelta(hours=1)) < timedelta(minutes=5)


def test_everything_at_once(home: Path) -> None:
    rights = ["--scope", "users:read", "--scope", "users:write deliveries:read"]
    more = ["--region", "CH", "--minutes", "5", "--json"]
    done = token(home, "--user", "ünï", "--device", "tv 1", *rights, *more)
    shape = json.loads(done.out)
    found = caller(home, shape.pop("token"))
    assert found.scopes == {"users:read", "users:write", "deliveries:read"}
    assert (found.user_id, found.device_id, found.region) == ("ünï", "tv 1", "CH")
    assert datetime.fromisoformat(shape.pop("expiresAt")) == found.expires_at
    assert shape == {"user": "ünï", "device": "tv 1", "scopes": sorted(found.scopes), "region": "CH"}


def test_the_audience_and_issuer_of_the_settings(home: Path) -> None:
    other = {"MG_AUTH_AUDIENCE": "films", "MG_AUTH_ISSUER": "https://issuer.example"}
    done = token(home, "--user", "ann", "--device", "tv", **other)
    assert caller(home, done.out.strip(), **other).user_id == "ann"


def test_without_a_key_one_line(tmp_path: Path) -> None:
    done = token(tmp_path, "--user", "ann", "--device", "tv")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("mg: there is no key to sign with")
    assert done.err.endswith("run `mg stack up`\n")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ["--device", "tv"],
        ["--user", "ann"],
        ["--user", "", "--device", "tv"],
        ["--user", "a/b", "--device", "tv"],
        ["--user", "ann", "--device", "a:b"],
        ["--user", "a" * 129, "--device", "tv"],
        ["--user", "ann", "--device", "tv", "--region", "ch"],
        ["--user", "ann", "--device", "tv", "--minutes", "0"],
        ["--user", "ann", "--device", "tv", "--minutes", "x"],
    ],
)
def test_wrong_usage(home: Path, words: list[str]) -> None:
    done = token(home, *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("mg: ")
