"""The OpenAPI document of the ingestion service is a promise: a change of it is a change of a file in the diff."""

import json
from pathlib import Path

from litestar import Litestar

from command_api.services import ingestion
from query_api.services import deliveries
from runtime.http.app import build_app
from tests.support.webhooks import settings

GOLDEN = Path(__file__).with_name("ingestion.json")
COMMAND = "python -m tests.contract.openapi.test_ingestion"


def app() -> Litestar:
    """Building connects to nothing."""
    return build_app("ingestion", (ingestion.SPEC, deliveries.SPEC), settings(Path("/nonexistent")))


def document() -> str:
    # Sorted: the framework keeps headers and the like in sets.
    return json.dumps(app().openapi_schema.to_schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def test_the_document_is_as_promised() -> None:
    assert GOLDEN.read_text() == document(), f"if the change is meant: {COMMAND}"


def test_every_error_is_a_problem_and_every_operation_has_a_name() -> None:
    found = json.loads(document())
    operations = [each for path in found["paths"].values() for each in path.values()]
    assert len({each["operationId"] for each in operations}) == len(operations)
    for operation in operations:
        assert operation["summary"]
        for status, answer in operation["responses"].items():
            if status >= "400":
                assert list(answer["content"]) == ["application/problem+json"]


if __name__ == "__main__":
    GOLDEN.write_text(document())
    print(f"wrote {GOLDEN.name}")  # noqa: T201 - the command line of this file
