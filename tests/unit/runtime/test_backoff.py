from random import Random

from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st

from runtime.backoff import Backoff


@trying(max_examples=40)
@given(seed=st.integers(), attempts=st.integers(0, 10_000))
def test_a_delay_is_between_half_of_its_ceiling_and_the_ceiling(seed: int, attempts: int) -> None:
    """10,000 attempts are a day of a broker being away; the growth must not overflow meanwhile."""
    backoff = Backoff(first=0.1, most=10.0, attempts=attempts, _random=Random(seed))
    ceiling = min(10.0, 0.1 * 2 ** min(attempts, 20))
    assert ceiling / 2 <= backoff.next_delay() <= ceiling
    assert backoff.attempts == attempts + 1


def test_ceilings_grow_up_to_the_most_and_start_again_after_a_success() -> None:
    class Highest(Random):
        def random(self) -> float:
            return 1.0

    backoff = Backoff(first=1.0, most=5.0, _random=Highest())
    assert [backoff.next_delay() for _ in range(5)] == [1, 2, 4, 5, 5]
    backoff.reset()
    assert backoff.next_delay() == 1


def test_two_of_them_do_not_march_in_step() -> None:
    first, second = Backoff(), Backoff()
    assert [first.next_delay() for _ in range(5)] != [second.next_delay() for _ in range(5)]
