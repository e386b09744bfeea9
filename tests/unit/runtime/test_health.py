import msgspec
import pytest

from runtime.health import UnitHealth, UnitStatus

PARTITION = ("titles", 0)


class Wall:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    wall = Wall()
    monkeypatch.setattr("runtime.health.time.time", wall)
    return wall


def test_a_unit_starts_without_work_and_says_so() -> None:
    assert UnitHealth("processor:a").status() == UnitStatus("processor:a", "starting", "", 0, 0, 0.0)


def test_states_keep_their_detail_until_there_is_progress(wall: Wall) -> None:
    health = UnitHealth("processor:a")
    health.becomes("degraded", "kafka is away")
    assert (health.status().state, health.status().detail) == ("degraded", "kafka is away")
    health.progressed(3, wall.now)
    health.progressed(4, wall.now)
    assert (health.status().state, health.status().detail, health.status().events_total) == ("ready", "", 7)


def test_lag_counts_over_all_partitions(wall: Wall) -> None:
    health = UnitHealth("processor:a")
    health.at(PARTITION, 10, 15)
    health.at(("titles", 1), 0, 2)
    assert health.status().lag_events == 7
    health.at(PARTITION, 20, 15)  # a cached end may be older than what was read
    assert health.status().lag_events == 2


def test_partitions_of_another_owner_are_forgotten() -> None:
    health = UnitHealth("processor:a")
    health.at(PARTITION, 0, 5)
    health.at(("titles", 1), 0, 2)
    health.owns({("titles", 1)})
    assert health.status().lag_events == 2


def test_lag_in_seconds_is_the_age_of_what_was_done_last(wall: Wall) -> None:
    health = UnitHealth("processor:a")
    health.at(PARTITION, 5, 9)
    health.progressed(5, last_record_at=990.0)
    wall.now = 1010.0
    assert health.status().lag_seconds == 20.0
    health.progressed(1, last_record_at=980.0)  # another partition's, older
    assert health.status().lag_seconds == 20.0


def test_quiet_time_before_is_no_lag(wall: Wall) -> None:
    health = UnitHealth("processor:a")
    health.progressed(5, wall.now)
    health.at(PARTITION, 5, 5)
    wall.now += 3600
    health.at(PARTITION, 5, 5)  # an hour later there is still nothing to do
    wall.now += 2
    health.at(PARTITION, 5, 6)
    assert (health.status().lag_events, health.status().lag_seconds) == (1, 2.0)


def test_a_unit_that_never_finishes_anything_falls_behind(wall: Wall) -> None:
    health = UnitHealth("processor:a")
    health.at(PARTITION, 0, 6)
    wall.now += 90
    assert health.status().lag_seconds == 90.0


def test_a_wall_clock_set_back_gives_no_negative_lag(wall: Wall) -> None:
    health = UnitHealth("processor:a")
    health.at(PARTITION, 0, 6)
    wall.now -= 500
    assert health.status().lag_seconds == 0.0


def test_the_status_is_camel_case_on_the_wire() -> None:
    found = msgspec.to_builtins(UnitHealth("processor:a").status())
    assert set(found) == {"unit", "state", "detail", "eventsTotal", "lagEvents", "lagSeconds"}
