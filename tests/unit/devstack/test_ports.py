import socket
from collections.abc import Iterator

import pytest

from devstack import ports


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((ports.HOST, ports.choose(0)))
        server.listen()
        yield server.getsockname()[1]


def test_a_listening_port_is_taken_and_answers(taken: int) -> None:
    assert not ports.is_free(taken)
    assert ports.answers(taken)


def test_the_preferred_port_is_chosen_when_it_is_free() -> None:
    port = ports.choose(0)
    assert ports.choose(port) == port
    assert not ports.answers(port)


def test_a_near_port_is_chosen_when_the_preferred_one_is_taken(taken: int) -> None:
    chosen = ports.choose(taken)
    assert taken < chosen < taken + ports.NEIGHBOURS
    assert ports.is_free(chosen)


def test_ports_of_the_other_backends_are_avoided() -> None:
    port = ports.choose(0)
    assert ports.choose(port, frozenset({port})) != port


def test_any_port_lies_below_the_range_of_clients() -> None:
    assert all(ports.ANYWHERE[0] <= ports.choose(0) < ports.ANYWHERE[1] for _ in range(20))


def test_impossible_ports_are_not_free() -> None:
    assert not ports.is_free(70_000)
