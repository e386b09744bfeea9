"""The tree obeys the rules of `tests.support.architecture`, and each rule can fail."""

from pathlib import Path

import pytest

from tests.support import architecture
from tests.support.architecture import Module, Rule

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def modules() -> list[Module]:
    return [
        Module(path.relative_to(ROOT).as_posix(), path.read_text())
        for package in architecture.OURS
        for path in sorted((ROOT / package).rglob("*.py"))
    ]


@pytest.mark.parametrize("rule", architecture.RULES, ids=lambda rule: rule.__name__)
def test_rule_holds(rule: Rule, modules: list[Module]) -> None:
    breaches = list(rule(modules))
    assert not breaches, "\n".join(["", *breaches])


def test_every_package_has_modules_and_is_known(modules: list[Module]) -> None:
    with_code = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert with_code <= set(architecture.OURS), "add new packages to OURS and MAY_IMPORT in tests/support/architecture"
    assert {module.package for module in modules} == set(architecture.OURS)


BREACHES: list[tuple[Rule, str, str, str]] = [
    (
        architecture.packages_keep_their_distance,
        "schemas/x.py",
        "import runtime.clock",
        "schemas must not import runtime",
    ),
    (
        architecture.packages_keep_their_distance,
        "query_api/services/a/reader.py",
        "from streams.engine import spec",
        "query_api must not import streams",
    ),
    (
        architecture.packages_keep_their_distance,
        "runtime/x.py",
        "def f():\n    from schemas import codec",
        "runtime must not import schemas",
    ),
    (architecture.packages_keep_their_distance, "proofs/x.py", "import tests.support", "proofs must not import tests"),
    (
        architecture.units_do_not_know_each_other,
        "streams/processors/a/transform.py",
        "from streams.processors.b.transform import transform",
        "share through schemas",
    ),
    (
        architecture.units_do_not_know_each_other,
        "streams/materializers/a/store.py",
        "from streams.processors import b",
        "share through schemas",
    ),
    (
        architecture.units_do_not_know_each_other,
        "streams/engine/processor.py",
        "import streams.processors.b",
        "share through schemas",
    ),
    (architecture.clients_stay_in_their_places, "streams/topology.py", "import faust", "allowed in streams/engine/"),
    (architecture.clients_stay_in_their_places, "streams/engine/x.py", "from litestar import get", "imports litestar"),
    (
        architecture.clients_stay_in_their_places,
        "query_api/services/a/controller.py",
        "from psycopg.rows import dict_row",
        "imports psycopg: allowed in store.py",
    ),
    (
        architecture.clients_stay_in_their_places,
        "command_api/services/a/events.py",
        "import confluent_kafka",
        "imports confluent_kafka",
    ),
    (architecture.clients_stay_in_their_places, "bootstrap/x.py", "import pkgutil", "allowed in nowhere"),
    (architecture.environment_is_read_once, "runtime/clock.py", "import os\nx = os.environ['A']", "os.environ"),
    (architecture.environment_is_read_once, "devstack/x.py", "import os\ndef f(): os.getenv('A')", "os.getenv"),
    (architecture.environment_is_read_once, "bootstrap/x.py", "from os import environ", "add a setting"),
    (architecture.imports_stand_at_the_top, "schemas/x.py", "from . import codec", "write the full name"),
    (architecture.imports_stand_at_the_top, "schemas/x.py", "from .codec import decode", "write the full name"),
    (
        architecture.imports_stand_at_the_top,
        "streams/x.py",
        "def f():\n    if True:\n        import schemas.codec",
        "inside a function",
    ),
    (
        architecture.imports_stand_at_the_top,
        "streams/m/a/__init__.py",
        "def f():\n    import streams.m.b",
        "inside a function",
    ),
    (architecture.nothing_is_built_at_import, "runtime/x.py", "p = Producer({})", "calls Producer() at import"),
    (
        architecture.nothing_is_built_at_import,
        "runtime/x.py",
        "class A:\n    pool = psycopg_pool.ConnectionPool('')",
        "calls ConnectionPool() at import",
    ),
    (architecture.files_stay_small, "runtime/x.py", "x = 1\n" * 401, "has 401 lines, at most 400"),
    (architecture.files_stay_small, "tests/unit/test_x.py", "x = 1\n" * 501, "has 501 lines, at most 500"),
    (architecture.names_say_something, "runtime/utils.py", "", "utils says nothing"),
    (architecture.names_say_something, "runtime/common/x.py", "", "common says nothing"),
    (architecture.units_look_alike, "streams/materializers/a/__init__.py", "", "lacks store.py, transform.py"),
    (architecture.units_look_alike, "streams/processors/a/__init__.py", "", "lacks"),
    (architecture.units_look_alike, "query_api/services/a/controller.py", "", "lacks __init__.py"),
]


@pytest.mark.parametrize(("rule", "path", "source", "message"), BREACHES)
def test_breach_is_found(rule: Rule, path: str, source: str, message: str) -> None:
    breaches = list(rule([Module(path, source)]))
    assert len(breaches) == 1, breaches
    assert message in breaches[0]
    assert breaches[0].startswith(path.rsplit("/", 1)[0])


ALLOWED: list[tuple[Rule, str, str]] = [
    (architecture.packages_keep_their_distance, "bootstrap/x.py", "import streams.topology, query_api.services"),
    (architecture.packages_keep_their_distance, "schemas/x.py", "from schemas import codec\nimport json"),
    (
        architecture.units_do_not_know_each_other,
        "streams/processors/a/lookup.py",
        "import streams.processors.a.transform",
    ),
    (architecture.units_do_not_know_each_other, "streams/topology.py", "from streams.processors import a, b"),
    (architecture.clients_stay_in_their_places, "streams/materializers/a/store.py", "import psycopg, redis"),
    (architecture.clients_stay_in_their_places, "streams/engine/x.py", "import faust, confluent_kafka"),
    (architecture.environment_is_read_once, "runtime/settings.py", "import os\nos.environ['A']"),
    (architecture.imports_stand_at_the_top, "bootstrap/cli.py", "def f():\n    import streams.topology"),
    (architecture.imports_stand_at_the_top, "devstack/x.py", "def f():\n    import json"),
    (architecture.imports_stand_at_the_top, "streams/m/a/__init__.py", "def f():\n    import streams.m.a.store"),
    (architecture.nothing_is_built_at_import, "runtime/x.py", "def build():\n    return Producer({})"),
    (architecture.files_stay_small, "schemas/types/catalog.py", "x = 1\n" * 401),
    (architecture.names_say_something, "runtime/database.py", ""),
]


@pytest.mark.parametrize(("rule", "path", "source"), ALLOWED)
def test_what_is_allowed_passes(rule: Rule, path: str, source: str) -> None:
    assert list(rule([Module(path, source)])) == []
