"""Every change of discovery's API shows in a diff of discovery.json."""

import json
from pathlib import Path

from command_api.services import resolution as commands
from query_api.services import discovery, quality, resolution
from runtime import settings as settings_module
from runtime.http.app import build_app

GOLDEN = Path(__file__).with_name("discovery.json")
NOWHERE = {
    "MG_KAFKA_BOOTSTRAP": "127.0.0.1:1",
    "MG_POSTGRES_DSN": "postgresql://127.0.0.1:1/x",
    "MG_REDIS_URL": "redis://127.0.0.1:1",
    "MG_QDRANT_URL": "http://127.0.0.1:1",
}


def rendered() -> str:
    app = build_app(
        "discovery", [discovery.SPEC, resolution.SPEC, quality.SPEC, commands.SPEC], settings_module.load(NOWHERE)
    )
    return json.dumps(app.openapi_schema.to_schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def test_golden() -> None:
    """Write it anew with `python -m tests.contract.openapi.test_discovery` and read the diff."""
    assert json.loads(rendered()) == json.loads(GOLDEN.read_text()), test_golden.__doc__


if __name__ == "__main__":
    GOLDEN.write_text(rendered())
