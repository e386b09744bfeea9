"""Both services against their own OpenAPI documents: no 5xx, and every answer is one that is documented."""

import json
import time
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from requests.auth import AuthBase
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.support.running import Running, SmallCatalog, sign

GOLDEN = Path(__file__).parents[1] / "contract" / "openapi"
DOCUMENTS = {name: json.loads((GOLDEN / f"{name}.json").read_text()) for name in ("discovery", "ingestion")}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    negative_data_rejection,
    unsupported_method,
    allow_header_conformance,
]
BOUNDED = settings(
    max_examples=30,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
_NUMBERS = count(1)

discovery = schemathesis.openapi.from_dict(DOCUMENTS["discovery"])
webhooks = schemathesis.openapi.from_dict(DOCUMENTS["ingestion"]).include(operation_id="ReceiveWebhook")
operators = schemathesis.openapi.from_dict(DOCUMENTS["ingestion"]).exclude(operation_id="ReceiveWebhook")


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_what_is_fuzzed_is_what_is_served(running: Running, name: str) -> None:
    client = {"discovery": running.discovery, "ingestion": running.ingestion}[name]
    assert client.get("/schema/openapi.json").json() == DOCUMENTS[name]


@discovery.parametrize()
@BOUNDED
def test_discovery(case: Case[Any], running: Running, catalog: SmallCatalog) -> None:
    case.call_and_validate(base_url=running.system.url("discovery"), checks=CHECKS)


@operators.parametrize()
@BOUNDED
def test_operations_and_operators_pages(case: Case[Any], running: Running, catalog: SmallCatalog) -> None:
    case.call_and_validate(
        base_url=running.system.url("ingestion"),
        headers={"Authorization": f"Bearer {running.settings.operator_token.reveal()}"},
        checks=CHECKS,
    )


@webhooks.parametrize()
@BOUNDED
def test_webhooks_as_strangers_send_them(case: Case[Any], running: Running) -> None:
    case.call_and_validate(base_url=running.system.url("ingestion"), checks=CHECKS)


class Signed(AuthBase):
    """Signs whatever body was made, so that what is behind the signature is fuzzed too."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body = request.body or b""
        data = body if isinstance(body, bytes) else str(body).encode()
        at, webhook_id = datetime.now(UTC), f"fuzz_{next(_NUMBERS)}_{time.time_ns()}"
        request.headers["webhook-id"] = webhook_id
        request.headers["webhook-timestamp"] = str(int(at.timestamp()))
        request.headers["webhook-signature"] = sign(self._secret, webhook_id, at, data)
        return request


@webhooks.parametrize()
@BOUNDED
def test_webhooks_as_providers_send_them(case: Case[Any], running: Running) -> None:
    case.path_parameters["provider"] = "disney_plus"
    answer = case.call(base_url=running.system.url("ingestion"), auth=Signed(running.secrets["disney_plus"][0]))
    case.validate_response(answer, checks=[check for check in CHECKS if check is not negative_data_rejection])
    assert answer.status_code != 401, answer.text


def test_the_pipeline_still_works_after_all_of_it(running: Running) -> None:
    running.upsert(
        "disney_plus",
        {"id": "after-fuzz", "item": {"show_id": "after-fuzz", "type": "Movie", "title": "After All The Fuzz"}},
    )
    running.settle()
    assert len(running.named("After All The Fuzz")) == 1


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_no_list_is_documented_as_of_anything(name: str) -> None:
    """A `{}` among alternatives allows everything, so nothing would be fuzzed and no client generated from it."""

    def alternatives(node: Any) -> list[Any]:
        if isinstance(node, dict):
            found = [each for key in ("oneOf", "anyOf") for each in node.get(key, ())]
            return found + [each for value in node.values() for each in alternatives(value)]
        return [each for value in node for each in alternatives(value)] if isinstance(node, list) else []

    assert {} not in alternatives(DOCUMENTS[name])
