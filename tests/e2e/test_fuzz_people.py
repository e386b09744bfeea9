"""The personal services against their own OpenAPI documents, as a device with a good token and as a stranger."""

import json
from typing import Any

import httpx
import pytest
import schemathesis
from requests import PreparedRequest
from requests.auth import AuthBase
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    negative_data_rejection,
    status_code_conformance,
    unsupported_method,
)

from devstack.tokens import signer_of
from runtime.settings import load_identity
from tests.e2e.test_fuzz import BOUNDED, CHECKS, GOLDEN
from tests.support.running import Running

USER, DEVICE = "fuzzed", "tv"
# `live` answers without an end; tests/integration/query_api/live sends it garbage.
PARTS = ("sync_commands", "sync_queries", "playback_commands", "playback_queries")
DOCUMENTS = {name: json.loads((GOLDEN / f"{name}.json").read_text()) for name in PARTS}
_SCHEMAS = [schemathesis.openapi.from_dict(document).include(path_regex="^/v1/") for document in DOCUMENTS.values()]
sync_commands, sync_queries, playback_commands, playback_queries = _SCHEMAS
# The path's user is always the token's, so bad data may be answered as good; and the methods of one path stand in two
# documents, commands and queries (what OPTIONS names are those of the first: Litestar keeps its answer).
_OFF = (negative_data_rejection, unsupported_method, allow_header_conformance)
_CHECKS = [check for check in CHECKS if check not in _OFF]


class _Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["authorization"] = f"Bearer {self._token}"
        return request


@pytest.fixture(scope="module")
def device(running: Running) -> AuthBase:
    signer = signer_of(running.system.home, load_identity(running.system.environment))
    return _Bearer(signer.sign(USER, DEVICE, seconds=3600))


def _as_its_user(case: Case[Any], url: str, device: AuthBase) -> None:
    case.path_parameters["user_id"] = USER
    answer = case.call(base_url=url, auth=device)
    assert answer.status_code != 401, answer.text
    case.validate_response(answer, checks=_CHECKS)


@sync_commands.parametrize()
@BOUNDED
def test_what_devices_send(case: Case[Any], running: Running, device: AuthBase) -> None:
    _as_its_user(case, running.system.url("sync"), device)


@sync_queries.parametrize()
@BOUNDED
def test_what_devices_ask(case: Case[Any], running: Running, device: AuthBase) -> None:
    _as_its_user(case, running.system.url("sync"), device)


@playback_commands.parametrize()
@BOUNDED
def test_what_players_send(case: Case[Any], running: Running, device: AuthBase) -> None:
    _as_its_user(case, running.system.url("playback"), device)


@playback_queries.parametrize()
@BOUNDED
def test_what_is_asked_of_sessions(case: Case[Any], running: Running, device: AuthBase) -> None:
    _as_its_user(case, running.system.url("playback"), device)


@sync_commands.parametrize()
@BOUNDED
def test_strangers_get_nothing(case: Case[Any], running: Running) -> None:
    answer = case.call(base_url=running.system.url("sync"))
    case.validate_response(answer, checks=[not_a_server_error, status_code_conformance])
    assert answer.status_code in {400, 401, 404, 405}, answer.text


def test_both_services_still_answer_after_all_of_it(running: Running) -> None:
    for service in ("sync", "playback"):
        assert httpx.get(f"{running.system.url(service)}/health/ready").status_code == 200
    running.settle()
