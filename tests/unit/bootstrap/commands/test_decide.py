"""`mg resolve merge` and the others: what is posted, and what is said of the answer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from click.testing import CliRunner, Result

from bootstrap.commands import decide
from bootstrap.commands.resolve import resolve
from runtime.settings import Secret
from tests.support import webhooks

APPLIED = {"outcome": "applied", "detail": "merged"}


class Service:
    """Answers a post with `accepted`, and says what became of it on the second look."""

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        self.tokens: set[str] = set()
        self.accepted = httpx.Response(202, json={})
        self.outcome: dict[str, Any] | None = APPLIED
        self.looks = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.tokens.add(request.headers["authorization"])
        if request.method == "POST":
            self.posted.append(json.loads(request.content))
            return self.accepted
        self.looks += 1
        if self.looks < 2 or self.outcome is None:
            return httpx.Response(404, json={"title": "Nothing is here"})
        return httpx.Response(200, json=self.outcome)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Service:
    found = Service()
    settings = msgspec.structs.replace(webhooks.settings(tmp_path), operator_token=Secret("t0ken"))
    monkeypatch.setattr("runtime.settings.load", lambda: settings)
    monkeypatch.setattr(decide, "_PAUSE_SECONDS", 0.0)
    client: Callable[..., httpx.Client] = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **more: client(transport=httpx.MockTransport(found), **more))
    return found


def run(*words: str) -> Result:
    return CliRunner().invoke(resolve, [*words, "--reason", "seen"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("words", "members"),
    [
        (("merge", "T1", "T2"), {"titleId": "T1", "otherTitleId": "T2"}),
        (
            ("split", "T1", "a:1", "b:2:3"),
            {"titleId": "T1", "items": [{"provider": "a", "item": "1"}, {"provider": "b", "item": "2:3"}]},
        ),
        (("confirm", "a:1", "T1"), {"item": {"provider": "a", "item": "1"}, "titleId": "T1"}),
        (("reject", "a:1", "T1"), {"item": {"provider": "a", "item": "1"}, "titleId": "T1"}),
        (("undo", "d-0"), {"undoes": "d-0"}),
    ],
)
def test_what_is_posted(service: Service, words: tuple[str, ...], members: dict[str, Any]) -> None:
    found = run(*words, "--id", "d-1")
    assert (found.exit_code, found.output) == (0, "d-1: applied, merged\n")
    assert service.posted == [{"kind": words[0], "decisionId": "d-1", "reason": "seen", **members}]
    assert service.tokens == {"Bearer t0ken"}


def test_another_operator_s_token_and_an_id_of_its_own(service: Service) -> None:
    for _ in range(2):
        run("undo", "d-0", "--token", "a.b.c")
    assert service.tokens == {"Bearer a.b.c"}
    assert len({each["decisionId"] for each in service.posted}) == 2


def test_a_refusal_says_why(service: Service) -> None:
    service.outcome = {"outcome": "refused", "detail": "contradicts d-0"}
    found = run("undo", "d-0", "--id", "d-1")
    assert (found.exit_code, found.output) == (1, "d-1: refused, contradicts d-0\n")
    problem = {"detail": "Nothing was accepted.", "errors": [{"pointer": "#/undoes", "detail": "is no decision"}]}
    service.accepted = httpx.Response(422, json=problem)
    found = run("undo", "d-0")
    assert (found.exit_code, "Nothing was accepted. (#/undoes is no decision)" in found.output) == (1, True)


def test_what_nobody_reads_is_said_to_be_unread(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    service.outcome = None
    monkeypatch.setattr(decide, "_WAIT_SECONDS", 0.01)
    found = run("undo", "d-0")
    assert (found.exit_code, "was not read yet" in found.output) == (1, True)


def test_an_item_needs_a_provider(service: Service) -> None:
    assert run("reject", "1", "T1").exit_code == 2
    assert service.posted == []
