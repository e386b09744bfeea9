"""Every setting of every process, read once from the environment.

Addresses come, in this order, from `MG_*` variables and from the file that `mg stack up` leaves behind
(`$MG_HOME/stack.json`), so that each of the backends can be somebody else's server.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

# onnxruntime's wheel reports usage to its maker unless told not to before its first import; nothing here leaves the
# machine by itself. An operator's own value wins.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# Up to the last `@`, since a password with an unescaped `/`, `?`, `#` or `@` is a mistake that must not show it either.
_URL_PASSWORD = re.compile(r"^([a-z][a-z0-9+.-]*://[^:/?#@]*):.*@", re.IGNORECASE | re.DOTALL)
# In libpq's `keyword=value` form (quoted, or with backslashes) and among a URL's parameters.
_NAMED_PASSWORD = re.compile(
    r"((?:password|api[-_]?key|token)\s*=\s*)(?:'(?:[^'\\]|\\.)*(?:'|$)|(?:\\.|[^\s\\])+)", re.IGNORECASE | re.DOTALL
)
_HOST = re.compile(r"(?:\[[^\[\]]*\]|[^:\[\]@]*)(?::[0-9]*)?")
_LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
_LOG_FORMATS = ("json", "console")


class SettingsError(Exception):
    """A setting is missing or unusable; the message says which and what to do."""


class Secret:
    """A string that never shows itself: not in `repr`, not in `str`, not in a log line."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


class ProviderSettings(msgspec.Struct, frozen=True):
    """One provider that may post webhooks; `secrets` are its active Standard Webhooks secrets, newest first."""

    name: str
    secrets: tuple[Secret, ...]
    rate_per_second: float = 200.0
    burst: int = 400


class _ProviderEntry(msgspec.Struct, frozen=True, rename="camel"):
    """A provider as `MG_PROVIDERS` has it."""

    secrets: Annotated[tuple[Annotated[str, msgspec.Meta(min_length=1)], ...], msgspec.Meta(min_length=1)]
    rate_per_second: Annotated[float, msgspec.Meta(gt=0)] = 200.0
    burst: Annotated[int, msgspec.Meta(ge=1)] = 400


class _KeySet(msgspec.Struct, frozen=True):
    """The outline of `MG_AUTH_JWKS`; runtime/http/keys.py reads the keys."""

    keys: tuple[dict[str, Any], ...]


class Ports(msgspec.Struct, frozen=True):
    ingestion: int = 8085
    discovery: int = 8081
    sync: int = 8083
    playback: int = 8086
    processors_admin: int = 9201
    materializers_admin: int = 9202
    services_admin: int = 9203


class StackPorts(msgspec.Struct, frozen=True):
    """First choice of each port of the local stack; a free one is taken when it is in use.

    0 means any. Away from the usual 9092, 5432, …, so that servers of the machine's own can live beside our stack.
    """

    kafka: int = 19092
    postgres: int = 15432
    redis: int = 16379
    qdrant: int = 16333
    registry: int = 18081


class StackSettings(msgspec.Struct, frozen=True):
    """What `mg stack` takes from the environment: `MG_STACK_<NAME>_PORT`, `MG_STACK_<NAME>_ADVERTISED_PORT` (what
    clients are told when something forwards from there; 0: the port itself) and `JAVA_HOME`."""

    home: Path
    ports: StackPorts = StackPorts()
    advertised: StackPorts = StackPorts(0, 0, 0, 0, 0)
    java_home: str = ""


class BackendsUnderTest(msgspec.Struct, frozen=True):
    """Where the tests find their backends: `MG_TEST_KAFKA`, `…_POSTGRES`, `…_REDIS`, `…_QDRANT` are addresses of
    servers that already run; `MG_TEST_BACKENDS=containers` starts the rest with Docker, else the embedded stack
    is used. With `MG_REQUIRE_BACKENDS=1` a missing backend fails the test instead of skipping it.
    """

    kafka: str = ""
    postgres: str = ""
    redis: str = ""
    qdrant: str = ""
    kind: str = "embedded"
    required: bool = False


class IdentitySettings(msgspec.Struct, frozen=True):
    """Whose tokens are believed. `jwks` is the key set itself (JSON) and goes before `jwks_file`, which may change
    while processes run and need not exist. An empty `issuer` takes any.
    """

    jwks: str = ""
    jwks_file: Path | None = None
    audience: str = "media-gateway"
    issuer: str = ""


class EmbeddingSettings(msgspec.Struct, frozen=True):
    """`model_path` is a folder with model.onnx and tokenizer files; `model` is the id written into events."""

    model: str = "all-MiniLM-L6-v2-int8"
    dimension: int = 384
    model_path: Path = Path(".mg/assets/models/all-MiniLM-L6-v2-int8")
    threads: int = 2


class Settings(msgspec.Struct, frozen=True):
    home: Path
    kafka: str
    postgres_dsn: str
    postgres_reader_dsn: str
    redis_url: str
    qdrant_url: str
    registry_url: str
    providers: tuple[ProviderSettings, ...]
    ports: Ports
    embedding: EmbeddingSettings
    log_level: str = "info"
    log_format: str = "json"
    otlp_endpoint: str = ""
    topic_prefix: str = ""
    providers_file: Path | None = None
    """Where `providers` stand, when they are not in the environment itself."""
    subscribers_file: Path = Path("subscribers.json")
    group_prefix: str = "mg-"
    query_wait_seconds: float = 2.0
    trending_seconds: float = 5.0
    """A region's trend is published at most so often."""
    http_in_flight: int = 32
    """Requests that a service works on at once; some more wait, the rest is answered 503. 0 for any number."""
    listen_host: str = "127.0.0.1"
    """Where services and admin servers listen. In a container 0.0.0.0, because there the network is the boundary."""
    operator_token: Secret = Secret("")
    """What operators send as a bearer token; empty lets nobody in."""
    identity: IdentitySettings = IdentitySettings()

    def __repr__(self) -> str:
        """Addresses may carry passwords, so the representation is the description."""
        return f"Settings({self.describe()})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """msgspec gives structs one of their own, with every field."""
        return list(self.describe().items())

    def describe(self) -> dict[str, str]:
        """Addresses for people, without passwords."""
        names = ("kafka", "postgres_dsn", "postgres_reader_dsn", "redis_url", "qdrant_url", "registry_url")
        return {name: without_password(getattr(self, name)) for name in names}


def without_password(address: str) -> str:
    """Of a URL or of libpq's `keyword=value` form. Hides too much rather than too little when an address is odd."""
    return _NAMED_PASSWORD.sub(r"\1***", _URL_PASSWORD.sub(r"\1:***@", address))


def home_from(env: Mapping[str, str] | None = None) -> Path:
    """The folder of everything this checkout keeps at run time (`MG_HOME`, else `.mg`), absolute."""
    return Path((os.environ if env is None else env).get("MG_HOME", ".mg")).absolute()


def environment() -> dict[str, str]:
    """A copy of this process's environment, for starting others."""
    return dict(os.environ)


def load(env: Mapping[str, str] | None = None) -> Settings:
    """Reads the environment (or `env`). Raises SettingsError naming the variable that is missing or wrong."""
    env = os.environ if env is None else env
    home = home_from(env)
    stack = _stack_file(home)

    def address(variable: str, key: str) -> str:
        value = env.get(variable) or stack.get(key)
        if not value:
            raise SettingsError(f"{variable} is not set and no local stack is known: run `mg stack up` or set it")
        return _usable(variable, str(value))

    return Settings(
        home=home,
        kafka=address("MG_KAFKA_BOOTSTRAP", "kafka"),
        postgres_dsn=address("MG_POSTGRES_DSN", "postgres_dsn"),
        postgres_reader_dsn=_usable("MG_POSTGRES_READER_DSN", env.get("MG_POSTGRES_READER_DSN") or "")
        or stack.get("postgres_reader_dsn")
        or address("MG_POSTGRES_DSN", "postgres_dsn"),
        redis_url=address("MG_REDIS_URL", "redis_url"),
        qdrant_url=address("MG_QDRANT_URL", "qdrant_url"),
        registry_url=env.get("MG_REGISTRY_URL") or stack.get("registry_url") or "",
        providers=_providers(env, home),
        providers_file=_providers_file(env, home),
        subscribers_file=Path(env.get("MG_SUBSCRIBERS_FILE") or home / "subscribers.json"),
        operator_token=_operator_token(env, home),
        identity=_identity(env, home),
        ports=Ports(
            **{
                field: _integer(env, f"MG_PORT_{field.upper()}", stack.get(f"port_{field}", default))
                for field, default in zip(Ports.__struct_fields__, Ports.__struct_defaults__, strict=True)
            }
        ),
        embedding=EmbeddingSettings(
            model=env.get("MG_EMBEDDING_MODEL", EmbeddingSettings().model),
            dimension=_integer(env, "MG_EMBEDDING_DIMENSION", EmbeddingSettings().dimension),
            model_path=Path(
                env.get("MG_EMBEDDING_PATH")
                or home / "assets" / "models" / env.get("MG_EMBEDDING_MODEL", "all-MiniLM-L6-v2-int8")
            ),
            threads=_integer(env, "MG_EMBEDDING_THREADS", EmbeddingSettings().threads),
        ),
        log_level=_one_of(env, "MG_LOG_LEVEL", _LOG_LEVELS, "info"),
        log_format=_one_of(env, "MG_LOG_FORMAT", _LOG_FORMATS, "json"),
        otlp_endpoint=env.get("MG_OTLP_ENDPOINT", ""),
        topic_prefix=env.get("MG_TOPIC_PREFIX", ""),
        group_prefix=env.get("MG_GROUP_PREFIX", "mg-"),
        listen_host=env.get("MG_LISTEN_HOST") or "127.0.0.1",
        trending_seconds=_seconds(env, "MG_TRENDING_SECONDS", 5.0),
        http_in_flight=_integer(env, "MG_HTTP_IN_FLIGHT", 32),
    )


def load_stack(env: Mapping[str, str] | None = None) -> StackSettings:
    """Settings of the local stack itself; needs no running backend. Raises SettingsError."""
    env = os.environ if env is None else env
    names = StackPorts.__struct_fields__
    ports = {name: _integer(env, f"MG_STACK_{name.upper()}_PORT", getattr(StackPorts(), name)) for name in names}
    advertised = {name: _integer(env, f"MG_STACK_{name.upper()}_ADVERTISED_PORT", 0) for name in names}
    return StackSettings(home_from(env), StackPorts(**ports), StackPorts(**advertised), env.get("JAVA_HOME", ""))


def load_identity(env: Mapping[str, str] | None = None) -> IdentitySettings:
    """Whose tokens are believed; needs no running backend. Raises SettingsError."""
    env = os.environ if env is None else env
    return _identity(env, home_from(env))


def load_test_backends(env: Mapping[str, str] | None = None) -> BackendsUnderTest:
    """Raises SettingsError when `MG_TEST_BACKENDS` is neither `embedded` nor `containers`."""
    env = os.environ if env is None else env
    kind = env.get("MG_TEST_BACKENDS") or "embedded"
    if kind not in {"embedded", "containers"}:
        raise SettingsError(f"MG_TEST_BACKENDS must be embedded or containers, not {kind!r}")
    return BackendsUnderTest(
        kafka=env.get("MG_TEST_KAFKA", ""),
        postgres=env.get("MG_TEST_POSTGRES", ""),
        redis=env.get("MG_TEST_REDIS", ""),
        qdrant=env.get("MG_TEST_QDRANT", ""),
        kind=kind,
        required=env.get("MG_REQUIRE_BACKENDS", "") not in {"", "0"},
    )


def _stack_file(home: Path) -> dict[str, Any]:
    path = home / "stack.json"
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise SettingsError(
            f"{path} is not readable JSON ({error}): run `mg stack down`, then `mg stack up`"
        ) from error
    addresses = found.get("addresses", {}) if isinstance(found, dict) else None
    if not isinstance(addresses, dict):
        raise SettingsError(f"{path} was not written by `mg stack up`: run `mg stack down`, then `mg stack up`")
    return dict(addresses)


def _usable(variable: str, address: str) -> str:
    """Of a URL, that its hosts and ports can be read: clients that cannot say so by quoting parts of the password."""
    _, separator, rest = address.partition("://")
    hosts = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    if separator and not all(_HOST.fullmatch(host) for host in hosts.split(",")):
        raise SettingsError(
            f"{variable} is not a usable address: write /, ?, #, @ and : inside a user name or password as %2F, %3F …"
        )
    return address


def _one_of(env: Mapping[str, str], variable: str, known: tuple[str, ...], default: str) -> str:
    text = (env.get(variable) or default).lower()
    if text not in known:
        raise SettingsError(f"{variable} must be one of {', '.join(known)}, not {text!r}")
    return text


def _seconds(env: Mapping[str, str], variable: str, default: float) -> float:
    text = env.get(variable)
    try:
        found = default if text is None else float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < float("inf"):
        raise SettingsError(f"{variable} must be a number of seconds, not {text!r}")
    return found


def _integer(env: Mapping[str, str], variable: str, default: int) -> int:
    text = env.get(variable)
    if text is None:
        return int(default)
    try:
        return int(text)
    except ValueError as error:
        raise SettingsError(f"{variable} must be a whole number, not {text!r}") from error


def _operator_token(env: Mapping[str, str], home: Path) -> Secret:
    """`MG_OPERATOR_TOKEN`, else the file `$MG_HOME/operator.token`, which `mg stack up` writes."""
    path = home / "operator.token"
    text = env.get("MG_OPERATOR_TOKEN") or (path.read_text() if path.exists() else "")
    return Secret(text.strip())


def _identity(env: Mapping[str, str], home: Path) -> IdentitySettings:
    """`MG_AUTH_JWKS` (JSON) or the file `MG_AUTH_JWKS_FILE`, else `$MG_HOME/jwks.json`, which `mg stack up` writes."""
    text, named = env.get("MG_AUTH_JWKS", "").strip(), env.get("MG_AUTH_JWKS_FILE")
    if not text and named and not Path(named).is_file():
        raise SettingsError(f"MG_AUTH_JWKS_FILE names {named}, and there is no such file")
    try:
        if text:
            msgspec.json.decode(text, type=_KeySet)
    except ValueError:
        # Somebody may have put a private key there: say where it is wrong, never what it says.
        raise SettingsError('MG_AUTH_JWKS must be a JSON Web Key Set like {"keys": [{"kty": "OKP", …}]}') from None
    return IdentitySettings(
        jwks=text,
        jwks_file=Path(named or home / "jwks.json"),
        audience=env.get("MG_AUTH_AUDIENCE") or IdentitySettings().audience,
        issuer=env.get("MG_AUTH_ISSUER", ""),
    )


def _providers_file(env: Mapping[str, str], home: Path) -> Path | None:
    named = env.get("MG_PROVIDERS_FILE")
    if "MG_PROVIDERS" in env:
        return None
    if named and not Path(named).is_file():
        raise SettingsError(f"MG_PROVIDERS_FILE names {named}, and there is no such file")
    return Path(named or home / "providers.json")


def _providers(env: Mapping[str, str], home: Path) -> tuple[ProviderSettings, ...]:
    path = _providers_file(env, home)
    if path is None:
        return providers_from(env["MG_PROVIDERS"] or "{}")
    return providers_from(path) if path.exists() else ()


def providers_from(source: str | Path) -> tuple[ProviderSettings, ...]:
    """Of `{"wikidata": {"secrets": ["whsec_…"], "ratePerSecond": 200, "burst": 400}}`. Raises SettingsError."""
    try:
        text = source.read_bytes() if isinstance(source, Path) else source
        table = msgspec.json.decode(text, type=dict[str, _ProviderEntry])
    except (ValueError, OSError):
        # The text holds secrets: say where it is wrong, never what it says. `from None` keeps it out of the traceback.
        raise SettingsError('MG_PROVIDERS (or its file) must be JSON like {"name": {"secrets": ["whsec_…"]}}') from None
    return tuple(
        ProviderSettings(name, tuple(map(Secret, entry.secrets)), entry.rate_per_second, entry.burst)
        for name, entry in sorted(table.items())
    )
