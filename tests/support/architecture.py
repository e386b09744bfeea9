"""Who may import whom, and how every unit looks: rules over the syntax trees of the packages.

The rules are those of the blueprint (README, "Layout"). Each takes modules and yields one line per breach.
"""

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import NamedTuple

OURS = (
    "schemas",
    "runtime",
    "sync_laws",
    "streams",
    "command_api",
    "query_api",
    "sync_client",
    "bootstrap",
    "devstack",
    "migrations",
    "proofs",
    "tests",
)
EVERYTHING = frozenset(OURS)
CONTRACT = frozenset({"schemas", "runtime"})
LAWS = frozenset({"sync_laws"})
MAY_IMPORT: dict[str, frozenset[str]] = {
    "schemas": frozenset(),
    "runtime": frozenset(),
    "sync_laws": frozenset(),
    "streams": CONTRACT | LAWS,
    "command_api": CONTRACT | LAWS,
    "query_api": CONTRACT | LAWS,
    "sync_client": LAWS,
    "migrations": CONTRACT,
    "devstack": CONTRACT,
    "bootstrap": EVERYTHING - {"tests"},
    "proofs": EVERYTHING - {"tests"},
    "tests": EVERYTHING,
}
UNIT_FOLDERS = (
    "streams/processors",
    "streams/materializers",
    "streams/senders",
    "command_api/services",
    "query_api/services",
)
# Third-party packages and the only places that may know them: folders, or file names within the packages.
STORE_PLACES = ("store.py", "lookup.py", "reader.py", "runtime/connections/", "devstack/", "bootstrap/", "proofs/")
PLACES: dict[str, tuple[str, ...]] = {
    "faust": ("streams/engine/", "proofs/benchmarks/peers/"),  # there to be compared with
    "mode": ("streams/engine/",),
    "litestar": ("runtime/http/", "command_api/", "query_api/", "devstack/"),
    "psycopg": (*STORE_PLACES, "migrations/"),
    "psycopg_pool": STORE_PLACES,
    "redis": STORE_PLACES,
    "qdrant_client": (*STORE_PLACES, "migrations/"),
    "confluent_kafka": ("runtime/connections/", "streams/engine/", "bootstrap/", "devstack/", "proofs/"),
    "sqlalchemy": (),
    "pkgutil": (),
}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}
CLIENTS = {
    "AdminClient",
    "App",
    "AsyncClient",
    "AsyncConnectionPool",
    "AsyncQdrantClient",
    "Client",
    "ConnectionPool",
    "Consumer",
    "EventProducer",
    "Litestar",
    "Producer",
    "QdrantClient",
    "Redis",
    "TextEmbedding",
}
LINES, TEST_LINES = 400, 500
REQUIRED: dict[str, tuple[frozenset[str], ...]] = {
    "streams/processors": (frozenset({"__init__.py", "transform.py"}), frozenset({"__init__.py", "lookup.py"})),
    "streams/materializers": (frozenset({"__init__.py", "transform.py", "store.py"}),),
    "streams/senders": (frozenset({"__init__.py", "sender.py", "store.py", "message.py"}),),
    "command_api/services": (frozenset({"__init__.py", "controller.py", "requests.py", "events.py"}),),
    "query_api/services": (frozenset({"__init__.py", "controller.py", "responses.py", "reader.py"}),),
}


@dataclass(frozen=True)
class Module:
    """One Python file: its path from the root of the repository, and its text. It is parsed once for all rules."""

    path: str
    source: str

    @property
    def package(self) -> str:
        return self.path.split("/", 1)[0]

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source, self.path)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def imports(self) -> "list[Import]":
        return list(_imports(self.tree, inside=False))

    def says(self, *words: str) -> bool:
        """Whether a rule about these words need look at the tree at all: walking every tree takes seconds."""
        return any(word in self.source for word in words)


class Import(NamedTuple):
    """An import statement: `from a.b import c` gives `a.b.c`, relative ones start with a dot."""

    name: str
    line: int
    inside: bool
    """Inside a function."""


_HOLDING = (ast.stmt, ast.excepthandler, ast.match_case)


def _imports(node: ast.AST, *, inside: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, child.lineno, inside)
        elif isinstance(child, ast.ImportFrom):
            origin = "." * child.level + (child.module or "")
            for alias in child.names:
                yield Import(
                    f"{origin}.{alias.name}" if origin.strip(".") else f"{origin}{alias.name}", child.lineno, inside
                )
        if isinstance(child, _HOLDING):  # expressions are most of a tree and hold no imports
            deeper = inside or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from _imports(child, inside=deeper)


def packages_keep_their_distance(modules: Iterable[Module]) -> Iterator[str]:
    for module in modules:
        allowed = MAY_IMPORT[module.package]
        for found in module.imports:
            other = found.name.split(".")[0]
            if other in OURS and other != module.package and other not in allowed:
                yield f"{module.path}:{found.line} imports {found.name}: {module.package} must not import {other}"


def units_do_not_know_each_other(modules: Iterable[Module]) -> Iterator[str]:
    """A processor, materializer or service imports no other; nor does the engine import any of them."""
    for module in modules:
        own = _unit(module.path)
        if own is None and not module.path.startswith("streams/engine/"):
            continue
        for found in module.imports:
            other = _unit(found.name.replace(".", "/"))
            if other is not None and other != own:
                yield f"{module.path}:{found.line} imports {found.name}: share through schemas or runtime"


def _unit(path: str) -> str | None:
    """`streams/processors/embedding/transform.py` → `streams/processors/embedding`."""
    for folder in UNIT_FOLDERS:
        if path.startswith(f"{folder}/"):
            name = path.removeprefix(f"{folder}/").split("/")[0]
            return None if name.endswith(".py") else f"{folder}/{name}"
    return None


def clients_stay_in_their_places(modules: Iterable[Module]) -> Iterator[str]:
    for module in modules:
        if module.package == "tests":
            continue
        for found in module.imports:
            top = found.name.split(".")[0]
            if top in PLACES and not any(_is_in(module.path, place) for place in PLACES[top]):
                where = ", ".join(PLACES[top]) or "nowhere"
                yield f"{module.path}:{found.line} imports {top}: allowed in {where}"


def _is_in(path: str, place: str) -> bool:
    return path.startswith(place) if place.endswith("/") else PurePosixPath(path).name == place


def environment_is_read_once(modules: Iterable[Module]) -> Iterator[str]:
    for module in modules:
        if module.package == "tests" or module.path == "runtime/settings.py" or not module.says("environ", "getenv"):
            continue
        names = {found.name for found in module.imports}
        for node in module.nodes:
            named = isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb")
            if named and isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
                yield f"{module.path}:{node.lineno} reads os.{node.attr}: add a setting to runtime/settings.py"
        if names & {"os.environ", "os.getenv", "os.environb"}:
            yield f"{module.path} imports os.environ: add a setting to runtime/settings.py"


def imports_stand_at_the_top(modules: Iterable[Module]) -> Iterator[str]:
    """No relative imports; no imports of ours inside functions, but in entry points, which must start quickly.

    A unit's `__init__` (its SPEC) may import parts of its own package late: every process reads all SPECs, and only the
    one that runs the unit should pay for its libraries.
    """
    for module in modules:
        for found in module.imports:
            if found.name.startswith("."):
                yield f"{module.path}:{found.line} imports {found.name}: write the full name"
            package = module.path.removesuffix("/__init__.py").replace("/", ".") + "."
            own_part = module.path.endswith("/__init__.py") and found.name.startswith(package)
            lazy = found.inside and found.name.split(".")[0] in OURS and not own_part
            entry_point = module.package in ("bootstrap", "tests") or module.path.endswith("/__main__.py")
            if lazy and not entry_point:
                yield f"{module.path}:{found.line} imports {found.name} inside a function: a cycle is a layering fault"


def nothing_is_built_at_import(modules: Iterable[Module]) -> Iterator[str]:
    """No client, pool or app comes into being when a module is imported."""
    for module in modules:
        if module.package == "tests":
            continue
        for node in _outside_functions(module.tree):
            if isinstance(node, ast.Call):
                function = node.func
                name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
                if name in CLIENTS or name == "import_module":
                    yield f"{module.path}:{node.lineno} calls {name}() at import: build it in a function"


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from _outside_functions(child)


def files_stay_small(modules: Iterable[Module]) -> Iterator[str]:
    for module in modules:
        limit = TEST_LINES if module.package == "tests" else LINES
        lines = module.source.count("\n")
        generated = module.path.startswith("schemas/types/")
        if lines > limit and not generated:
            yield f"{module.path} has {lines} lines, at most {limit}: split it by what it does"


def names_say_something(modules: Iterable[Module]) -> Iterator[str]:
    for module in modules:
        for part in PurePosixPath(module.path).with_suffix("").parts:
            if part in FORBIDDEN_NAMES:
                yield f"{module.path}: {part} says nothing; name it after what it does"


def units_look_alike(modules: Iterable[Module]) -> Iterator[str]:
    """Every unit of a kind has the files of its kind."""
    files: dict[str, set[str]] = {}
    for module in modules:
        unit = _unit(module.path)
        if unit is not None:
            files.setdefault(unit, set()).add(module.path.removeprefix(f"{unit}/"))
    for unit, found in sorted(files.items()):
        forms = REQUIRED[unit.rsplit("/", 1)[0]]
        if not any(form <= found for form in forms):
            missing = min((sorted(form - found) for form in forms), key=len)
            yield f"{unit} lacks {', '.join(missing)}: every unit of its kind has the same files"


Rule = Callable[[Iterable[Module]], Iterator[str]]
RULES: tuple[Rule, ...] = (
    packages_keep_their_distance,
    units_do_not_know_each_other,
    clients_stay_in_their_places,
    environment_is_read_once,
    imports_stand_at_the_top,
    nothing_is_built_at_import,
    files_stay_small,
    names_say_something,
    units_look_alike,
)
