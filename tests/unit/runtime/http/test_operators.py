"""Who is an operator, and under which name."""

import pytest

from runtime.http.auth import SHARED, Operators, operators_of
from runtime.http.identity import verifier_of
from runtime.http.problems import Problem
from runtime.settings import Secret
from tests.support import tokens, webhooks


@pytest.fixture
def operators(tmp_path: object) -> Operators:
    return operators_of(webhooks.settings(tmp_path, identity=tokens.IDENTITY, operator_token=Secret("a.dotted.token")))


def test_a_token_with_the_scope_names_its_subject(operators: Operators) -> None:
    assert operators.require(tokens.bearer("ada", "desk", "operator")["Authorization"]) == "ada"


def test_the_installations_token_names_nobody(operators: Operators) -> None:
    assert operators.require("Bearer a.dotted.token") == SHARED
    assert operators.require("bearer a.dotted.token") == SHARED


@pytest.mark.parametrize("scopes", [(), ("users:write",), ("operators",)])
def test_a_token_without_the_scope_is_forbidden(operators: Operators, scopes: tuple[str, ...]) -> None:
    with pytest.raises(Problem) as caught:
        operators.require(tokens.bearer("ann", "tv", *scopes)["Authorization"])
    assert caught.value.type.status == 403
    assert "insufficient_scope" in caught.value.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic a.dotted.token", "Bearer a.b.c", "Bearer other", "Bearer a.dotted.toke"],
)
def test_everybody_else_is_not_let_in(operators: Operators, header: str | None) -> None:
    with pytest.raises(Problem) as caught:
        operators.require(header)
    assert caught.value.type.status == 401
    assert "a.dotted.token" not in str(caught.value) + repr(operators)


def test_an_expired_token_is_not_let_in(operators: Operators) -> None:
    with pytest.raises(Problem) as caught:
        operators.require(tokens.bearer("ada", "desk", "operator", exp=1)["Authorization"])
    assert caught.value.type.status == 401


def test_without_any_configured_token_nobody_is_let_in(tmp_path: object) -> None:
    nobody = Operators(Secret(""), verifier_of(webhooks.settings(tmp_path)))
    for header in ("Bearer ", "Bearer x", tokens.bearer("ada", "desk", "operator")["Authorization"]):
        with pytest.raises(Problem) as caught:
            nobody.require(header)
        assert caught.value.type.status == 401
