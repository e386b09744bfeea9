"""What must never be committed."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LARGEST = 1024 * 1024
# Written in pieces, so that this file does not find itself.
MACHINE_PATHS = re.compile(r"(?<![\w.:/-])/(?:wo" + r"rk|ro" + r"ot)/[\w.]")
_INDEXES = ("artifactory", "nexus", "devpi", "pypi.org/simple", "files.pythonhosted", "repo.maven", "registry.npmjs")
INDEX_HOSTS = re.compile(
    r"https?://[^\s\"'>)]*(?:" + "|".join(re.escape(part) for part in _INDEXES) + r"|repo1\.maven)"
)
FORBIDDEN_FILES = {"uv.lock", "poetry.lock", "pip.conf", ".npmrc", "settings.xml"}


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def texts() -> list[tuple[str, str]]:
    """Path and text of every tracked text file."""
    found = []
    for path in tracked():
        data = path.read_bytes()
        if b"\0" not in data:
            found.append((path.relative_to(ROOT).as_posix(), data.decode(errors="replace")))
    return found


def hits(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()[:120]}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_there_are_files_to_check() -> None:
    assert len(texts()) > 50


def test_no_path_of_a_build_machine() -> None:
    found = hits(MACHINE_PATHS)
    assert not found, "\n".join(["", *found])


def test_no_host_of_a_package_index() -> None:
    found = hits(INDEX_HOSTS)
    assert not found, "\n".join(["", *found])


def test_no_lock_or_configuration_of_another_installer() -> None:
    found = [path for path in tracked() if path.name in FORBIDDEN_FILES]
    assert not found, f"{found}: requirements/*.txt are the lock (`make pins`)"


def test_no_large_file() -> None:
    found = {path.name: path.stat().st_size for path in tracked() if path.stat().st_size > LARGEST}
    assert not found, f"{found}: data and models come from packages at run time (requirements/assets.in)"


@pytest.mark.parametrize(
    "text", ["see /wo" + "rk/main", 'path = "/ro' + 'ot/.cache/x"', "(/wo" + "rk/a)", "HOME=/ro" + "ot/x"]
)
def test_machine_path_is_found(text: str) -> None:
    assert MACHINE_PATHS.search(text)


@pytest.mark.parametrize("text", ["src/work/x", "https://example.com/work/1", "a/root/b", "/workers/1", "/works"])
def test_other_paths_are_not(text: str) -> None:
    assert not MACHINE_PATHS.search(text)


@pytest.mark.parametrize("host", ["artifactory.example.com/api", "10.0.0.1:3141/devpi/x", "repo1.maven.org/maven2"])
def test_index_host_is_found(host: str) -> None:
    assert INDEX_HOSTS.search(f"--index-url https://{host}")
