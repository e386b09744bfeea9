"""Every change of the API of the command part of `sync` shows in a diff of sync_commands.json."""

import json
from pathlib import Path

from command_api.services.sync import SPEC
from runtime.http.app import build_app
from tests.support import tokens
from tests.support.webhooks import settings

GOLDEN = Path(__file__).with_name("sync_commands.json")
COMMAND = "python -m tests.contract.openapi.test_sync_commands"


def document() -> str:
    """Building connects to nothing."""
    app = build_app("sync", [SPEC], settings(Path("/nonexistent"), identity=tokens.IDENTITY))
    return json.dumps(app.openapi_schema.to_schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def test_the_document_is_as_promised() -> None:
    assert GOLDEN.read_text() == document(), f"if the change is meant: {COMMAND}"


def test_every_error_is_a_problem_and_every_operation_has_a_name() -> None:
    operations = [each for path in json.loads(document())["paths"].values() for each in path.values()]
    assert len({each["operationId"] for each in operations}) == len(operations)
    for operation in operations:
        assert operation["summary"]
        for status, answer in operation["responses"].items():
            if status >= "400":
                assert list(answer["content"]) == ["application/problem+json"]


if __name__ == "__main__":
    GOLDEN.write_text(document())
    print(f"wrote {GOLDEN.name}")  # noqa: T201 - the command line of this file
