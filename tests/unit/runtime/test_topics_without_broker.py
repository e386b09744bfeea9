import pytest

from runtime.connections import topics
from runtime.connections.topics import Difference, TopicsError, TopicSpec


def test_no_broker_is_one_line_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(topics, "_SECONDS", 0.1)
    with pytest.raises(TopicsError, match=r"no Kafka answers at 127\.0\.0\.1:1: start one with `mg stack up`"):
        topics.diff("127.0.0.1:1", [TopicSpec("titles", 1, {})])
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("difference", "text"),
    [
        (Difference("titles", "missing", "absent", "3 partitions"), "titles: no such topic, wanted with 3 partitions"),
        (Difference("titles", "too_many", "4", "3"), "titles: 4 partitions, wanted 3"),
        (Difference("titles", "config", "1", "2", "retention.ms"), "titles: retention.ms is 1, wanted 2"),
    ],
)
def test_text_of_a_difference(difference: Difference, text: str) -> None:
    assert str(difference) == text
