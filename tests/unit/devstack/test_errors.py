import pytest

from devstack.errors import telling


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("starting\nFATAL: port in use\nHINT: wait\n", "FATAL: port in use"),
        (
            "ERROR one\nException: No space left on device\nERROR two",
            "the disk is full: free space or set MG_HOME to another one",
        ),
        ("starting\nstopped\n\n", "stopped"),
        ("", "it said nothing"),
    ],
)
def test_the_most_telling_line_is_found(output: str, reason: str) -> None:
    assert telling(output) == reason


def test_a_long_line_is_cut() -> None:
    assert len(telling("ERROR " + "x" * 10_000)) == 240
