"""Named statements, described by a real server once (`prepare`) and held against the code ever after (`check`).

`statements.lock.json` has the SHA-256, parameter types and column types of every statement of every `*.sql` file but
the migrations. A review sees what a change of a query or a migration does to them, and a statement that no longer fits
the tables cannot be locked.

Two kinds of statement are described in another way, because the server does not look into them before they run:
- `CREATE TEMP TABLE` is run (the file's transaction is rolled back), so that the statements that read it can be
  described;
- `COPY table FROM STDIN` gets the columns of its table.
"""

import hashlib
import json
import re
from pathlib import Path

import msgspec
import psycopg
from psycopg import pq

from migrations import scratch, usage
from runtime import sql
from runtime.connections import postgres
from runtime.connections.postgres import Connection

ROOT = Path(__file__).parents[1]
LOCK = Path(__file__).with_name("statements.lock.json")
REGENERATE = "mg sql prepare"
_PACKAGES = (
    "schemas",
    "runtime",
    "command_api",
    "streams",
    "query_api",
    "bootstrap",
    "devstack",
    "migrations",
    "proofs",
)
_PARAMETER = re.compile(r"%\((?P<name>\w+)\)[sbt]|%%")
_TEMP_TABLE = re.compile(r"\s*CREATE TEMP TABLE\b", re.IGNORECASE)
_COPY = re.compile(r"\s*COPY (?P<table>\w+)\s*(?P<columns>\([^)]*\))?\s*FROM STDIN\b", re.IGNORECASE)
_VERSION = "1"
"""What stands for `{v}`: a fresh database has the first version of every read model."""


class StatementError(Exception):
    """Statements do not fit the migrated database; one line each."""


class Description(msgspec.Struct, frozen=True):
    """Types are PostgreSQL's names. `parameters` in the order of their first use, `columns` as 'name type'."""

    sha256: str
    parameters: dict[str, str]
    columns: tuple[str, ...]


Lock = dict[str, dict[str, Description]]
"""By file (relative to the checkout, with /), then by statement."""


def files(root: Path = ROOT) -> list[Path]:
    """Every file of named statements."""
    found = [path for package in _PACKAGES for path in (root / package).rglob("*.sql")]
    return sorted(path for path in found if path.parent != root / "migrations" / "postgres")


def prepare(dsn: str, root: Path = ROOT, lock: Path = LOCK) -> dict[str, Description]:
    """Describes all statements on a fresh database of the server at `dsn` and writes the lock.

    Returns them by `file:name`. Raises StatementError listing those that the database refuses; nothing is written then.
    """
    with scratch.migrated_database(dsn) as address:
        found, problems = describe(address, root)
    if problems:
        raise StatementError("\n".join(problems))
    lock.write_bytes(msgspec.json.format(msgspec.json.encode(found, order="sorted"), indent=2) + b"\n")
    return {f"{file}:{name}": each for file, statements in found.items() for name, each in statements.items()}


def describe(address: str, root: Path = ROOT) -> tuple[Lock, list[str]]:
    """All statements as the database at `address` sees them, and one line for each that it refuses."""
    found: Lock = {}
    problems: list[str] = []
    with postgres.connect_plain(address, "mg-sql") as connection:
        for path in files(root):
            found[_relative(path, root)] = _describe_file(connection, path, root, problems)
    return found, problems


def read_lock(path: Path = LOCK) -> Lock:
    """Empty when there is none yet."""
    if not path.exists():
        return {}
    return msgspec.convert(json.loads(path.read_text()), Lock)


def check(root: Path = ROOT, lock: Path = LOCK) -> list[str]:
    """What does not agree between files, lock and code; needs no database. Empty when all is well."""
    problems: list[str] = []
    locked = read_lock(lock)
    texts = {_relative(path, root): sql.read(path) for path in files(root)}
    for file, statements in texts.items():
        for name, text in statements.items():
            known = locked.get(file, {}).get(name)
            if known is None:
                problems.append(f"{file}: {name} is not in the lock: run `{REGENERATE}`")
            elif known.sha256 != _sha256(text):
                problems.append(f"{file}: {name} has changed since it was described: run `{REGENERATE}`")
    problems += [
        f"{file}: {name} is in the lock but gone: run `{REGENERATE}`"
        for file, described in locked.items()
        for name in described
        if name not in texts.get(file, {})
    ]
    parameters = {
        file: {name: parameter_names(text) for name, text in statements.items()} for file, statements in texts.items()
    }
    problems += usage.problems(root, [root / package for package in _PACKAGES], parameters)
    return problems


def parameter_names(text: str) -> tuple[str, ...]:
    """The `%(name)s` of a statement, each once, in order."""
    return tuple(dict.fromkeys(match["name"] for match in _PARAMETER.finditer(text) if match["name"]))


def _describe_file(connection: Connection, path: Path, root: Path, problems: list[str]) -> dict[str, Description]:
    found: dict[str, Description] = {}
    statements = {name: text.replace("{v}", _VERSION) for name, text in sql.read(path).items()}
    with connection.transaction(force_rollback=True):
        for text in statements.values():
            if _TEMP_TABLE.match(text):
                connection.execute(text.encode())
        for name, text in statements.items():
            try:
                with connection.transaction():
                    found[name] = _describe(connection, text, _sha256(sql.read(path)[name]))
            except psycopg.Error as error:
                problems.append(f"{_relative(path, root)}: {name}: {' '.join(str(error).split())}")
    return found


def _describe(connection: Connection, text: str, sha256: str) -> Description:
    copy = _COPY.match(text)
    if copy:
        columns = (copy["columns"] or "(*)")[1:-1]
        text = f"SELECT {columns} FROM {copy['table']}"
    names = parameter_names(text)
    numbered = _PARAMETER.sub(
        lambda match: f"${names.index(match['name']) + 1}" if match["name"] else "%", text
    ).encode()
    server = connection.pgconn
    _accepted(server.prepare(b"", numbered), connection)
    described = _accepted(server.describe_prepared(b""), connection)
    parameters = [described.param_type(number) for number in range(described.nparams)]
    fields = [(described.fname(number), described.ftype(number)) for number in range(described.nfields)]
    types = _type_names(connection, {*parameters, *(oid for _, oid in fields)})
    return Description(
        sha256,
        dict(zip(names, (types[oid] for oid in parameters), strict=True)),
        tuple(f"{(name or b'').decode()} {types[oid]}" for name, oid in fields),
    )


def _accepted(result: pq.abc.PGresult, connection: Connection) -> pq.abc.PGresult:
    if result.status != pq.ExecStatus.COMMAND_OK:
        raise psycopg.errors.lookup((result.error_field(pq.DiagnosticField.SQLSTATE) or b"XX000").decode())(
            result.get_error_message(connection.info.encoding)
        )
    return result


def _type_names(connection: Connection, oids: set[int]) -> dict[int, str]:
    rows = connection.execute("SELECT oid::bigint, format_type(oid, NULL) FROM unnest(%s::oid[]) AS oid", [list(oids)])
    return {int(oid): str(name) for oid, name in rows}


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
