"""Bearer tokens, rate-limit headers."""

import pytest

from runtime.http import problems, rate_limit
from runtime.http.auth import Bearer
from runtime.http.problems import Problem
from runtime.http.rate_limit import Decision, Quota
from runtime.settings import Secret

QUOTA = Quota(50.0, 120)


def test_the_token_lets_in() -> None:
    Bearer(Secret("t0ken")).require("Bearer t0ken")
    Bearer(Secret("t0ken")).require("bearer  t0ken ")


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer ", "Bearer t0ke", "Basic t0ken", "t0ken", "Bearer é☃"])
def test_anything_else_does_not(given: str | None) -> None:
    with pytest.raises(Problem) as caught:
        Bearer(Secret("t0ken")).require(given)
    assert caught.value.type is problems.UNAUTHENTICATED
    assert caught.value.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("given", [None, "Bearer ", "Bearer"])
def test_without_a_configured_token_nobody_gets_in(given: str | None) -> None:
    with pytest.raises(Problem):
        Bearer(Secret("")).require(given)


def test_a_bearer_does_not_show_its_token() -> None:
    assert "t0ken" not in repr(Bearer(Secret("t0ken")))


def test_headers_of_an_allowed_request() -> None:
    assert rate_limit.require("deliveries", QUOTA, Decision(True, 119, 0.0, 0.02)) == {
        "RateLimit-Policy": '"deliveries";q=120;w=3',
        "RateLimit": '"deliveries";r=119;t=1',
    }


def test_a_refused_request_says_when_to_come_back() -> None:
    with pytest.raises(Problem) as caught:
        rate_limit.require("deliveries", QUOTA, Decision(False, 0, 0.01, 2.4))
    assert caught.value.type is problems.RATE_LIMITED
    assert caught.value.headers["Retry-After"] == "1"
    assert caught.value.headers["RateLimit"] == '"deliveries";r=0;t=3'
