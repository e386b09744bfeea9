from pathlib import Path

import pytest

from devstack.backend import Place
from devstack.errors import StackError
from devstack.kafka.server import KafkaBackend, first_error, java_version, properties


def place(folder: Path) -> Place:
    return Place(home=folder, data=folder / "data", cache=folder / "cache", ports={"kafka": 19092, "controller": 20092})


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_402"', 8),
        ("something else", None),
    ],
)
def test_java_versions_are_read(text: str, version: int | None) -> None:
    assert java_version(text) == version


def test_listeners_are_on_loopback_and_large_deliveries_fit(tmp_path: Path) -> None:
    settings = dict(line.split("=", 1) for line in properties(place(tmp_path)).splitlines())
    assert settings["listeners"] == "PLAINTEXT://127.0.0.1:19092,CONTROLLER://127.0.0.1:20092"
    assert settings["controller.quorum.voters"] == "1@127.0.0.1:20092"
    assert int(settings["message.max.bytes"]) >= 6_000_000


def test_no_java_names_the_package_and_the_other_way(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"openjdk-17-jre-headless.*docker compose up"):
        KafkaBackend(0, java_home=str(tmp_path)).prepare(place(tmp_path), print)


def executable(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_old_java_is_named_before_anything_is_downloaded(tmp_path: Path) -> None:
    executable(tmp_path / "bin" / "java", "echo 'openjdk version \"11.0.2\"' >&2")
    with pytest.raises(StackError, match=r"is 11: install openjdk-17-jre-headless or set JAVA_HOME"):
        KafkaBackend(0, java_home=str(tmp_path)).prepare(place(tmp_path), print)
    assert not list((tmp_path / "cache").glob("kafka-*/*"))


def test_no_maven_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executable(tmp_path / "bin" / "java", "echo 'openjdk version \"17.0.1\"' >&2")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match=r"install it \(Debian: maven\).*docker compose up"):
        KafkaBackend(0, java_home=str(tmp_path)).prepare(place(tmp_path), print)


def test_a_failing_download_says_why_and_leaves_no_half_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executable(tmp_path / "bin" / "java", "echo 'openjdk version \"17.0.1\"' >&2")
    executable(tmp_path / "mvn", "echo '[ERROR] Could not resolve org.apache.kafka'; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    backend = KafkaBackend(0, java_home=str(tmp_path))
    with pytest.raises(StackError, match=r"Could not resolve org.apache.kafka.*check the network"):
        backend.prepare(place(tmp_path), print)
    assert not [path for path in (tmp_path / "cache").iterdir() if path.is_dir()]


def test_maven_output_without_an_error_line_is_handled() -> None:
    assert first_error("[INFO] nothing") == "no reason given"
