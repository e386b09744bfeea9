"""Settings: where each comes from, one line for what is wrong, and secrets that never show."""

import json
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st
from rich.pretty import pretty_repr

from runtime import settings as settings_module
from runtime.settings import ProviderSettings, Secret, Settings, SettingsError, without_password

FIRST, LAST = "Zq9", "Xw7"
SECRETS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12).map(lambda t: f"{FIRST}{t}{LAST}")
PLAIN = {
    "MG_KAFKA_BOOTSTRAP": "127.0.0.1:9092",
    "MG_POSTGRES_DSN": "postgresql://mg@127.0.0.1:5432/mg",
    "MG_REDIS_URL": "redis://127.0.0.1:6379/0",
    "MG_QDRANT_URL": "http://127.0.0.1:6333",
}


def load(tmp: Path, **changed: str) -> Settings:
    return settings_module.load(PLAIN | {"MG_HOME": str(tmp)} | changed)


def shown(value: object) -> str:
    return "\n".join((repr(value), str(value), f"{value}", pretty_repr(value)))


def assert_hidden(text: str) -> None:
    assert FIRST not in text
    assert LAST not in text


def keyword_quoted(password: str) -> str:
    inner = password.replace("\\", "\\\\").replace("'", "\\'")
    return f"host=127.0.0.1 password = '{inner}' dbname=mg"


def keyword_escaped(password: str) -> str:
    inner = "".join(f"\\{c}" if c.isspace() or c in "\\'" else c for c in password)
    return f"password={inner} host=127.0.0.1"


ADDRESSES: dict[str, Callable[[str], str]] = {
    "url": lambda p: f"postgresql://mg:{quote(p, safe='')}@127.0.0.1:5432/mg",
    "url without user": lambda p: f"redis://:{quote(p, safe='')}@127.0.0.1:6379/0",
    "url not escaped": lambda p: f"postgresql://mg:{p}@127.0.0.1:5432/mg",
    "url of several hosts": lambda p: f"postgresql://mg:{quote(p, safe='')}@one:5432,two:5433/mg",
    "url of IPv6": lambda p: f"postgresql://mg:{quote(p, safe='')}@[::1]:5432/mg",
    "url parameter": lambda p: f"postgresql://127.0.0.1/mg?user=mg&password={quote(p, safe='')}&connect_timeout=3",
    "key of a certificate": lambda p: f"postgresql://127.0.0.1/mg?sslpassword={quote(p, safe='')}",
    "api key": lambda p: f"http://127.0.0.1:6333?api_key={quote(p, safe='')}",
    "keyword, quoted": keyword_quoted,
    "keyword, escaped": keyword_escaped,
}


@pytest.mark.parametrize("kind", ADDRESSES)
@trying(max_examples=20)
@given(password=SECRETS)
def test_no_address_shows_its_password(kind: str, password: str) -> None:
    address = ADDRESSES[kind](password)
    assert_hidden(without_password(address))
    try:
        found = settings_module.load(
            PLAIN
            | {"MG_HOME": "nowhere", "MG_POSTGRES_DSN": address, "MG_REDIS_URL": address, "MG_QDRANT_URL": address}
        )
    except SettingsError as error:
        assert kind == "url not escaped"
        assert_hidden("".join(traceback.format_exception(error)))
    else:
        assert_hidden(shown(found))
        assert_hidden(shown(found.describe()))
        assert found.postgres_dsn == address


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("postgresql://mg:pw@h:5432/mg?x=1", "postgresql://mg:***@h:5432/mg?x=1"),
        ("postgresql://mg@h:5432/mg", "postgresql://mg@h:5432/mg"),
        ("redis://:pw@h:6379/0", "redis://:***@h:6379/0"),
        ("postgresql://mg:pw@[::1]:5432/mg", "postgresql://mg:***@[::1]:5432/mg"),
        ("host=h password=pw dbname=mg", "host=h password=*** dbname=mg"),
        ("127.0.0.1:9092,127.0.0.2:9092", "127.0.0.1:9092,127.0.0.2:9092"),
        ("http://127.0.0.1:6333", "http://127.0.0.1:6333"),
        ("", ""),
    ],
)
def test_the_rest_of_an_address_stays_readable(address: str, text: str) -> None:
    assert without_password(address) == text


@trying(max_examples=20)
@given(secret=SECRETS)
def test_secrets_show_nothing_of_themselves(secret: str) -> None:
    hidden = Secret(secret)
    provider = ProviderSettings("wikidata", (hidden,))
    assert hidden.reveal() == secret
    assert shown(hidden) == "\n".join(["Secret(***)"] * 4)
    assert_hidden(shown(provider))
    assert_hidden(shown([provider]))
    with pytest.raises(TypeError):
        msgspec.json.encode(provider)


@trying(max_examples=20)
@given(secret=SECRETS)
def test_provider_secrets_and_operator_token_are_in_no_representation(secret: str) -> None:
    found = settings_module.load(
        PLAIN
        | {
            "MG_HOME": "nowhere",
            "MG_PROVIDERS": json.dumps({"wikidata": {"secrets": [secret], "burst": 3}}),
            "MG_OPERATOR_TOKEN": secret,
        }
    )
    assert [one.reveal() for one in found.providers[0].secrets] == [secret]
    assert found.operator_token.reveal() == secret.strip()
    assert_hidden(shown(found))
    assert_hidden(shown(found.providers))
    assert_hidden(shown(found.operator_token))


def broken(secret: str) -> list[Any]:
    """Tables of providers that are wrong in one place each, with a secret in it."""
    return [
        {"a": {"secrets": secret}},
        {"a": {"secrets": []}},
        {"a": {"secrets": [""]}},
        {"a": {"secrets": [secret, 5]}},
        {"a": {"secrets": {secret: 1}}},
        {"a": {"secret": [secret]}},
        {"a": [secret]},
        {"a": secret},
        [secret],
        secret,
        {"a": {"secrets": [secret], "burst": secret}},
        {"a": {"secrets": [secret], "burst": 0}},
        {"a": {"secrets": [secret], "ratePerSecond": secret}},
        {"a": {"secrets": [secret], "ratePerSecond": 0}},
    ]


@trying(max_examples=20)
@given(secret=SECRETS, cut=st.integers(1, 3))
def test_wrong_providers_are_one_line_without_the_secret(secret: str, cut: int) -> None:
    texts = [json.dumps(table) for table in broken(secret)]
    texts.append(json.dumps({"a": {"secrets": [secret]}})[:-cut])
    for text in texts:
        with pytest.raises(SettingsError, match="MG_PROVIDERS") as caught:
            settings_module.load(PLAIN | {"MG_HOME": "nowhere", "MG_PROVIDERS": text})
        assert_hidden("".join(traceback.format_exception(caught.value)))


def test_providers_come_from_the_variable_else_the_named_file_else_the_home_folder(tmp_path: Path) -> None:
    def named(name: str) -> str:
        return json.dumps({name: {"secrets": ["whsec_x"], "ratePerSecond": 5, "burst": 7}})

    assert load(tmp_path).providers == ()
    (tmp_path / "providers.json").write_text(named("home"))
    (tmp_path / "other.json").write_text(named("file"))
    file = {"MG_PROVIDERS_FILE": str(tmp_path / "other.json")}
    assert [p.name for p in load(tmp_path).providers] == ["home"]
    assert [p.name for p in load(tmp_path, **file).providers] == ["file"]
    found = load(tmp_path, MG_PROVIDERS=named("variable"), **file).providers
    assert found == (ProviderSettings("variable", (Secret("whsec_x"),), 5.0, 7),)
    with pytest.raises(SettingsError, match="no such file"):
        load(tmp_path, MG_PROVIDERS_FILE=str(tmp_path / "missing.json"))


def test_keys_of_tokens_come_from_the_variable_else_the_named_file_else_the_home_folder(tmp_path: Path) -> None:
    plain = load(tmp_path).identity
    assert (plain.jwks, plain.jwks_file) == ("", tmp_path / "jwks.json")
    assert (plain.audience, plain.issuer) == ("media-gateway", "")
    file = tmp_path / "keys.json"
    with pytest.raises(SettingsError, match=r"^MG_AUTH_JWKS_FILE names .* no such file"):
        load(tmp_path, MG_AUTH_JWKS_FILE=str(file))
    file.write_text("{}")
    assert load(tmp_path, MG_AUTH_JWKS_FILE=str(file)).identity.jwks_file == file
    found = load(tmp_path, MG_AUTH_JWKS=' {"keys": []}\n', MG_AUTH_AUDIENCE="films", MG_AUTH_ISSUER="i").identity
    assert (found.jwks, found.audience, found.issuer) == ('{"keys": []}', "films", "i")
    assert load(tmp_path, MG_AUTH_JWKS="", MG_AUTH_AUDIENCE="", MG_AUTH_ISSUER="").identity == plain
    assert settings_module.load_identity({"MG_HOME": str(tmp_path)}) == plain


@trying(max_examples=20)
@given(secret=SECRETS)
def test_a_wrong_key_set_is_one_line_without_what_it_holds(secret: str) -> None:
    for table in (secret, [secret], {"keys": secret}, {"keys": [secret]}, {"key": [{"d": secret}]}):
        with pytest.raises(SettingsError, match=r"^MG_AUTH_JWKS must be") as caught:
            settings_module.load(PLAIN | {"MG_HOME": "nowhere", "MG_AUTH_JWKS": json.dumps(table)})
        assert_hidden("".join(traceback.format_exception(caught.value)))


def test_a_file_of_providers_that_is_not_text_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "providers.json").write_bytes(b'{"a": {"secrets": ["\xff"]}}')
    with pytest.raises(SettingsError, match="MG_PROVIDERS"):
        load(tmp_path)


def test_the_environment_comes_before_the_stack_file(tmp_path: Path) -> None:
    addresses = {
        "kafka": "127.0.0.1:1",
        "postgres_dsn": "postgresql://mg@127.0.0.1:2/mg",
        "postgres_reader_dsn": "postgresql://reader@127.0.0.1:2/mg",
        "redis_url": "redis://127.0.0.1:3/0",
        "qdrant_url": "http://127.0.0.1:4",
        "registry_url": "http://127.0.0.1:5",
        "port_discovery": 6,
    }
    (tmp_path / "stack.json").write_text(json.dumps({"addresses": addresses}))
    home = {"MG_HOME": str(tmp_path)}
    stack = settings_module.load(home)
    assert {name: getattr(stack, name) for name in stack.describe()} == {
        name: address for name, address in addresses.items() if name in stack.describe()
    }
    assert stack.ports.discovery == 6
    both = settings_module.load(home | PLAIN | {"MG_PORT_DISCOVERY": "8"})
    assert (both.kafka, both.ports.discovery) == ("127.0.0.1:9092", 8)
    assert both.postgres_reader_dsn == addresses["postgres_reader_dsn"]


@pytest.mark.parametrize(
    ("changed", "variable"),
    [
        ({"MG_KAFKA_BOOTSTRAP": ""}, "MG_KAFKA_BOOTSTRAP"),
        ({"MG_POSTGRES_DSN": ""}, "MG_POSTGRES_DSN"),
        ({"MG_PORT_INGESTION": "http"}, "MG_PORT_INGESTION"),
        ({"MG_EMBEDDING_DIMENSION": "3.5"}, "MG_EMBEDDING_DIMENSION"),
        ({"MG_LOG_LEVEL": "loud"}, "MG_LOG_LEVEL"),
        ({"MG_LOG_FORMAT": "xml"}, "MG_LOG_FORMAT"),
        ({"MG_REDIS_URL": "redis://:a/b@127.0.0.1:6379"}, "MG_REDIS_URL"),
        ({"MG_POSTGRES_READER_DSN": "postgresql://u:a#b@h/d"}, "MG_POSTGRES_READER_DSN"),
    ],
)
def test_an_error_names_its_variable(tmp_path: Path, changed: Mapping[str, str], variable: str) -> None:
    with pytest.raises(SettingsError, match=f"^{variable} "):
        load(tmp_path, **changed)


@pytest.mark.parametrize("text", ["{", "[]", '"x"', '{"addresses": []}'])
def test_a_broken_stack_file_says_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / "stack.json").write_text(text)
    with pytest.raises(SettingsError, match="mg stack down"):
        load(tmp_path)


def test_no_token_lets_nobody_in(tmp_path: Path) -> None:
    assert load(tmp_path).operator_token == Secret("")
    (tmp_path / "operator.token").write_text("from the file\n")
    assert load(tmp_path).operator_token == Secret("from the file")
    assert load(tmp_path, MG_OPERATOR_TOKEN="theirs").operator_token == Secret("theirs")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


def test_the_stack_and_the_tests_have_settings_of_their_own(tmp_path: Path) -> None:
    stack = settings_module.load_stack({"MG_HOME": str(tmp_path), "MG_STACK_KAFKA_PORT": "0", "JAVA_HOME": "/java"})
    assert (stack.home, stack.ports.kafka, stack.ports.postgres, stack.java_home) == (tmp_path, 0, 15432, "/java")
    with pytest.raises(SettingsError, match="MG_STACK_REDIS_PORT"):
        settings_module.load_stack({"MG_STACK_REDIS_PORT": "six"})
    found = settings_module.load_test_backends({"MG_TEST_KAFKA": "k:1", "MG_REQUIRE_BACKENDS": "1"})
    assert (found.kafka, found.kind, found.required) == ("k:1", "embedded", True)
    assert not settings_module.load_test_backends({"MG_REQUIRE_BACKENDS": "0"}).required
    with pytest.raises(SettingsError, match="MG_TEST_BACKENDS"):
        settings_module.load_test_backends({"MG_TEST_BACKENDS": "mocks"})


def test_the_home_folder_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings_module.home_from({}) == tmp_path / ".mg"
    assert settings_module.home_from({"MG_HOME": "here"}) == tmp_path / "here"
