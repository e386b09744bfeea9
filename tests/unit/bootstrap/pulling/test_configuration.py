"""The YAML file of a pulled provider, and what is wrong with it, in one line."""

from pathlib import Path

import pytest

from bootstrap.pulling.configuration import PullConfiguration, PullError, read
from runtime.settings import Secret

GOOD = "provider: p\nurl: http://x\nheader: X\nkeys: keys.txt\ncountries: [us]\n"


def test_keys_stand_in_a_file_beside_it_and_never_show(tmp_path: Path) -> None:
    (tmp_path / "keys.txt").write_text("k1\n\n  k2 \n")
    (tmp_path / "pull.yaml").write_text(GOOD)
    configuration, keys = read(tmp_path / "pull.yaml")
    assert configuration == PullConfiguration("p", "http://x", "X", "keys.txt", ("us",))
    assert keys == (Secret("k1"), Secret("k2"))
    assert "k1" not in repr((configuration, keys))


@pytest.mark.parametrize("keys", ["", "\n \n", "k\u00e9\n", "a\tb\n"])
def test_keys_that_cannot_be_sent(tmp_path: Path, keys: str) -> None:
    (tmp_path / "keys.txt").write_text(keys)
    (tmp_path / "pull.yaml").write_text(GOOD)
    with pytest.raises(PullError, match=r"keys\.txt: no keys"):
        read(tmp_path / "pull.yaml")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("provider: p\n", "missing required field `url`"),
        ("provider: [\n", "no YAML"),
        ("a: !!python/object/apply:os.system [id]\n", "no YAML"),
        ("provider: p\nurl: ftp://x\nheader: X\nkeys: keys.txt\ncountries: [us]\n", "$.url"),
        ("provider: p\nurl: http://x\nheader: X\nkeys: keys.txt\ncountries: [usa]\n", "$.countries"),
        ("provider: p\nurl: http://x\nheader: X\nkeys: keys.txt\ncountries: [us]\nevery: 3\n", "unknown field `every`"),
        ("provider: p\nurl: http://x\nheader: X\nkeys: none.txt\ncountries: [us]\n", "none.txt"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "keys.txt").write_text("k1\n")
    (tmp_path / "pull.yaml").write_text(text)
    with pytest.raises(PullError) as failed:
        read(tmp_path / "pull.yaml")
    assert says in str(failed.value)
    assert len(str(failed.value).splitlines()) == 1
