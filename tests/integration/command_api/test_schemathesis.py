"""Generated requests, valid and not, against the whole ingestion service: never a 500, never an undocumented answer."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
import schemathesis
import schemathesis.checks
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from schemathesis.core import NotSet
from schemathesis.core.result import Ok

from command_api.services import ingestion
from migrations import runner
from query_api.services import deliveries
from runtime.http import serving
from runtime.http.app import build_app
from runtime.http.serving import Listener
from runtime.settings import Secret
from tests.support import pipeline
from tests.support.backends import Backends, PostgresDatabase
from tests.support.webhooks import headers, provider
from tests.support.webhooks import settings as nowhere

pytestmark = [pytest.mark.backends, pytest.mark.slow]
TOKEN = "t0ken"


@pytest.fixture(scope="module")
def base_url(backends: Backends, postgres_database: PostgresDatabase) -> Iterator[str]:
    """The service on a port of its own, in a thread of its own."""
    runner.apply(postgres_database.dsn)
    settings = pipeline.settings_for(backends, postgres_database, "test-schemathesis-")
    pipeline.create_topics(settings, ["catalog-deliveries"])
    known = provider(rate_per_second=10_000.0, burst=10_000)
    settings = msgspec.structs.replace(settings, providers=(known,), operator_token=Secret(TOKEN))
    started, ending = threading.Event(), threading.Event()
    ports: list[int] = []

    async def serve() -> None:
        app = build_app("ingestion", (ingestion.SPEC, deliveries.SPEC), settings)
        running = await serving.start([Listener(app, 0)])
        ports.extend(running.ports)
        started.set()
        await asyncio.to_thread(ending.wait)
        await running.stop()

    thread = threading.Thread(target=lambda: serving.run(serve()))
    thread.start()
    assert started.wait(30)
    yield f"http://127.0.0.1:{ports[0]}"
    ending.set()
    thread.join(30)


DOCUMENT = build_app("ingestion", (ingestion.SPEC, deliveries.SPEC), nowhere(Path("/nonexistent"))).openapi_schema
OPERATIONS = {
    found.ok().label: found.ok()
    for found in schemathesis.openapi.from_dict(DOCUMENT.to_schema()).get_all_operations()
    if isinstance(found, Ok)
}
# Cursors and item rules cannot be said in a schema, so a refusal of schema-valid input is no failure; the router, not
# we, answers methods that HTTP does not have.
UNCHECKED: Any = schemathesis.checks.CHECKS.get_by_names(["unsupported_method", "positive_data_acceptance"])
CASES = [
    (label, mode)
    for label in OPERATIONS
    for mode in schemathesis.GenerationMode
    if mode is schemathesis.GenerationMode.POSITIVE or "/v1/" in label  # the others take nothing that could be wrong
]


@pytest.mark.parametrize(("label", "mode"), CASES, ids=lambda value: getattr(value, "value", value))
def test_every_answer_is_documented(base_url: str, label: str, mode: schemathesis.GenerationMode) -> None:
    """Webhooks get a provider and a signature that fits, so that the generated bodies are looked at."""

    @hypothesis_settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=OPERATIONS[label].as_strategy(generation_mode=mode))
    def answers_as_documented(case: schemathesis.Case[Any]) -> None:
        if label.startswith("GET /v1/providers"):
            case.path_parameters["provider"] = "wikidata"
            case.headers["Authorization"] = f"Bearer {TOKEN}"
        if label.startswith("POST /v1/webhooks") and not isinstance(case.body, NotSet):
            body = msgspec.json.encode(case.body)
            case.path_parameters["provider"] = "wikidata"
            case.headers.update(headers(body, f"msg_{sha256(body).hexdigest()}", at=datetime.now(UTC)))
        case.call_and_validate(base_url=base_url, excluded_checks=UNCHECKED)

    answers_as_documented()
