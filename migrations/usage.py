"""How Python code uses named statements, read from its syntax trees: nothing is imported.

A name stands for the statements of a file when it is
- assigned from `beside(__file__)` or `Statements(Path(__file__).with_name("x.sql"))`, or
- a parameter annotated `Statements`: by convention those of the `queries.sql` beside the module.
`NAME["statement"]` is a use. A module that also writes `NAME[expression]` uses every statement whose name is one of its
string literals: precise enough to find the unused ones, and it cannot make a wrong name right.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

Parameters = Mapping[str, Mapping[str, tuple[str, ...]]]
"""By file (relative, with /), then by statement: its parameter names."""

_CALLS = {"execute", "executemany"}


def problems(root: Path, folders: Iterable[Path], statements: Parameters) -> list[str]:
    """Names that do not exist, statements nobody uses, parameters that do not match; one line each, in file order."""
    found: list[str] = []
    used: set[tuple[str, str]] = set()
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        tree = ast.parse(path.read_text(), str(path))
        place = path.relative_to(root).as_posix()
        names = {name: file.relative_to(root).as_posix() for name, file in _bindings(tree, path)}
        if not names:
            continue
        for line, file, statement in _literal_uses(tree, names):
            used.add((file, statement))
            if statement not in statements.get(file, {}):
                found.append(f"{place}:{line}: {file} has no statement named {statement!r}")
        for file in _indirect_uses(tree, names):
            used |= {(file, text) for text in _literals(tree) if text in statements.get(file, {})}
        found += [f"{place}:{line}: {text}" for line, text in _mismatches(tree, names, statements)]
    for file, known in statements.items():
        found += [f"{file}: {name} is not used by any code" for name in known if (file, name) not in used]
    return found


def _bindings(tree: ast.AST, path: Path) -> Iterator[tuple[str, Path]]:
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call):
                file = _file_of(call)
                if file:
                    yield name, path.with_name(file)
            case ast.arg(arg=name, annotation=ast.Name(id="Statements") | ast.Attribute(attr="Statements")):
                yield name, path.with_name("queries.sql")


def _file_of(call: ast.Call) -> str | None:
    """The file that a constructor call reads, by its name beside the module."""
    match call.func:
        case ast.Name(id="beside") | ast.Attribute(attr="beside"):
            return "queries.sql"
        case ast.Name(id="Statements") | ast.Attribute(attr="Statements"):
            for node in ast.walk(call):
                match node:
                    case ast.Call(func=ast.Attribute(attr="with_name"), args=[ast.Constant(value=str(file))]):
                        return file
    return None


def _literal_uses(tree: ast.AST, names: Mapping[str, str]) -> Iterator[tuple[int, str, str]]:
    for node in ast.walk(tree):
        use = _use(node, names)
        if use:
            yield getattr(node, "lineno", 0), *use


def _use(node: ast.AST | None, names: Mapping[str, str]) -> tuple[str, str] | None:
    match node:
        case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str(statement))) if name in names:
            return names[name], statement
    return None


def _indirect_uses(tree: ast.AST, names: Mapping[str, str]) -> set[str]:
    return {
        names[node.value.id]
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id in names
        and not isinstance(node.slice, ast.Constant)
    }


def _literals(tree: ast.AST) -> set[str]:
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def _mismatches(tree: ast.AST, names: Mapping[str, str], statements: Parameters) -> Iterator[tuple[int, str]]:
    """Calls that show both the statement and the keys they pass."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=call), args=[first, *rest]) if call in _CALLS:
                use = _use(first, names)
                wanted = statements.get(use[0], {}).get(use[1]) if use else None
                if use is None or wanted is None:
                    continue
                given = _keys(rest[0]) if rest else ()
                if given is not None and set(given) != set(wanted):
                    yield node.lineno, f"{use[1]} takes {_listed(wanted)}, and gets {_listed(given)}"


def _keys(node: ast.AST) -> tuple[str, ...] | None:
    """Keys of a dict literal; None when they cannot be seen here."""
    if not isinstance(node, ast.Dict):
        return None
    keys = [key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
    return tuple(keys) if len(keys) == len(node.keys) else None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "no parameters"
