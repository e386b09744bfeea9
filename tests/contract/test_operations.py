"""docs/operations.md and the alert rules say what the code does: settings, defaults, commands, metrics."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from litestar.testing import TestClient
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from bootstrap import units
from bootstrap.cli import mg
from runtime import metrics
from runtime import settings as settings_module
from runtime.health import UnitStatus
from runtime.http.admin import build_admin
from schemas import loader

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
PROMETHEUS = ROOT / "infra" / "prometheus"
ADDRESSES = {
    "MG_KAFKA_BOOTSTRAP": "kafka:9092",
    "MG_POSTGRES_DSN": "postgresql://mg@postgres/mg",
    "MG_REDIS_URL": "redis://redis",
    "MG_QDRANT_URL": "http://qdrant:6333",
}
ROW = re.compile(r"^\| `([A-Z_]+)` \| (.+?) \| (.+) \|$", re.MULTILINE)
TABLE = {name: default for name, default, _ in ROW.findall(PAGE)}
LITERAL = {name: found[1] for name, default in TABLE.items() if (found := re.fullmatch(r"`([^`]+)`", default))}


class Recorded(Mapping[str, str]):
    """An environment that remembers which variables were asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def everything(environment: Mapping[str, str]) -> tuple[object, ...]:
    return (
        settings_module.load(environment),
        settings_module.load_stack(environment),
        settings_module.load_test_backends(environment),
    )


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Addresses only, in a folder where no stack ever ran."""
    monkeypatch.chdir(tmp_path)
    return dict(ADDRESSES)


def test_the_table_has_every_setting(empty: dict[str, str]) -> None:
    environment = Recorded(empty)
    everything(environment)
    assert set(TABLE) == environment.asked


def test_required_settings_are_required(empty: dict[str, str]) -> None:
    assert {name for name, default in TABLE.items() if default == "*required*"} == set(ADDRESSES)
    for name in ADDRESSES:
        with pytest.raises(settings_module.SettingsError, match=name):
            settings_module.load({key: value for key, value in empty.items() if key != name})


@pytest.mark.parametrize("name", LITERAL)
def test_defaults_are_true(name: str, empty: dict[str, str]) -> None:
    assert everything(empty | {name: LITERAL[name]}) == everything(empty)


@pytest.mark.parametrize("name", sorted(set(TABLE) - {"MG_PROVIDERS_FILE", "MG_AUTH_JWKS_FILE"}))
def test_each_setting_changes_something(name: str, empty: dict[str, str]) -> None:
    special = {
        "MG_TEST_BACKENDS": "containers",
        "MG_PROVIDERS": '{"name": {"secrets": ["whsec_x"]}}',
        "MG_AUTH_JWKS": '{"keys": []}',
        "MG_LOG_LEVEL": "debug",
        "MG_LOG_FORMAT": "console",
    }
    other = special.get(name, "17")
    assert everything(empty | {name: other}) != everything(empty)


def test_defaults_in_the_home_folder(empty: dict[str, str], tmp_path: Path) -> None:
    home = tmp_path / ".mg"
    home.mkdir()
    (home / "providers.json").write_text('{"hulu": {"secrets": ["whsec_x"]}}')
    (home / "operator.token").write_text("token\n")
    found = settings_module.load(empty)
    assert [provider.name for provider in found.providers] == ["hulu"]
    assert found.operator_token.reveal() == "token"
    assert found.embedding.model_path.is_relative_to(home)
    assert found.postgres_reader_dsn == found.postgres_dsn


def test_commands_on_the_page_exist() -> None:
    code = "\n".join(re.findall(r"```\n(.*?)```", PAGE, re.DOTALL) + re.findall(r"`([^`\n]+)`", PAGE))
    lines = re.findall(r"(?:^|run --rm )mg ([a-z].*)", code, re.MULTILINE)
    assert len(lines) > 15
    for line in lines:
        command: click.Command = mg
        words = line.split("#")[0].split()
        while words and isinstance(command, click.Group):
            found = command.get_command(click.Context(command), words.pop(0))
            assert found is not None, f"mg {line}"
            command = found
        options = {name for parameter in command.params for name in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", " ".join(words))) <= options, f"mg {line}"


def test_units_and_topics_on_the_page_exist() -> None:
    named = set(re.findall(r"\b(?:processor|materializer|service):[a-z_]+", PAGE))
    assert named
    assert named <= set(units.every().names)
    topics = {topic.topic: topic for topic in loader.topics()}
    for name in ("provider-items", "titles", "title-embeddings"):
        assert topics[name].config["cleanup.policy"] == "compact"
    assert f"catalog-deliveries` {int(topics['catalog-deliveries'].config['retention.ms']) // 86_400_000} days" in PAGE


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / "rules.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def declared() -> list[MetricWrapperBase]:
    return [found for found in vars(metrics).values() if isinstance(found, MetricWrapperBase)]


def known_names() -> set[str]:
    """Names as Prometheus stores them. The last come from Prometheus itself and from its client library."""
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    families = [family for metric in declared() for family in metric.describe()]
    names = {family.name + suffix for family in families for suffix in suffixes.get(family.type, ("",))}
    return names | {"up", *(family.name for family in REGISTRY.collect() if family.name.startswith("process_"))}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_metrics_of_each_alert_exist(rule: dict[str, Any]) -> None:
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|on) \([^)]*\)", "", rule["expr"])
    used = set(re.findall(r"\b[a-z][a-z0-9_]*\b(?!\s*\()", bare)) - {"sum", "by"}
    assert used
    assert used <= known_names()


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_labels_of_each_alert_exist(rule: dict[str, Any]) -> None:
    text = rule["expr"] + rule["annotations"]["summary"]
    used = set(re.findall(r"\$labels\.(\w+)", text)) | {
        label.strip() for group in re.findall(r"\bby \(([^)]*)\)", text) for label in group.split(",")
    }
    # no public way to ask a metric for its labels
    own = {label for metric in declared() if metric._name in text for label in metric._labelnames}
    assert used <= own | {"instance", "le"}


def test_every_alert_is_on_the_page() -> None:
    section = PAGE.split("\n## Alerts\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([A-Z][^|]+) \|", section, re.MULTILINE)
    named = {name for row in rows for name in row.split(", ")}
    assert named == {rule["alert"] for rule in rules()}


def test_prometheus_scrapes_what_compose_runs() -> None:
    configuration = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    assert configuration["rule_files"] == ["rules.yml"]
    targets = [
        target
        for job in configuration["scrape_configs"]
        for each in job["static_configs"]
        for target in each["targets"]
    ]
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    assert targets == [
        f"{name}:{service['command'][-1]}"
        for name, service in services.items()
        if "--admin-port" in service.get("command", ())
    ]
    assert 'job="media-gateway"' in (PROMETHEUS / "rules.yml").read_text()
    assert [job["job_name"] for job in configuration["scrape_configs"]] == ["media-gateway"]


def test_units_say_in_the_metrics_how_they_are() -> None:
    behind = UnitStatus("processor:test", "degraded", "kafka is away", 10, lag_events=7, lag_seconds=61.5)
    with TestClient(build_admin(lambda: [behind])) as client:
        lines = client.get("/metrics").text.splitlines()
        assert client.get("/health/ready").status_code == 503
    assert 'mg_unit_ready{unit="processor:test"} 0.0' in lines
    assert 'mg_unit_lag_seconds{unit="processor:test"} 61.5' in lines
    assert 'mg_unit_lag_events{unit="processor:test"} 7.0' in lines
