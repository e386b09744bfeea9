"""The bad network, between a client and an echo on this machine."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from proofs.ledger.network import Link, Weather
from proofs.system import free_ports


class Echo(threading.Thread):
    """Answers every piece with itself; `heard` is what arrived."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.heard = b""
        self._listener = socket.create_server(("127.0.0.1", port))

    def run(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with closing(connection), suppress(OSError):
            while piece := connection.recv(1000):
                self.heard += piece
                connection.sendall(piece)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def ports() -> list[int]:
    return free_ports(2)


@pytest.fixture
def echo(ports: list[int]) -> Iterator[Echo]:
    found = Echo(ports[1])
    found.start()
    yield found
    found.close()


@pytest.fixture
def link(ports: list[int], echo: Echo) -> Iterator[Link]:
    found = Link(ports[0], ports[1], "seed")
    found.start()
    yield found
    found.stop()


@pytest.fixture
def client(ports: list[int], link: Link) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", ports[0]), 5) as found:
        assert said(found, b"hello") == b"hello"
        yield found


def said(client: socket.socket, what: bytes) -> bytes:
    """The answer; empty when the connection ended instead."""
    try:
        client.sendall(what)
        return client.recv(1000)
    except ConnectionError:
        return b""


def test_a_cut_ends_connections_and_refuses_new_ones(client: socket.socket, link: Link, ports: list[int]) -> None:
    with link.weather(Weather(cut=True)):
        with suppress(ConnectionError):
            assert client.recv(1000) == b""
        with socket.create_connection(("127.0.0.1", ports[0]), 5) as other:
            assert said(other, b"anybody?") == b""
    with socket.create_connection(("127.0.0.1", ports[0]), 5) as later:
        assert said(later, b"again") == b"again"


def test_in_silence_nothing_arrives_and_afterwards_all_of_it(client: socket.socket, link: Link, echo: Echo) -> None:
    with link.weather(Weather(silent=True)):
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            said(client, b"there?")
        assert echo.heard == b"hello"
    client.settimeout(5)
    assert client.recv(1000) == b"there?"


def test_a_lost_answer_was_a_request_that_arrived(client: socket.socket, link: Link, echo: Echo) -> None:
    with link.weather(Weather(lost_answers=1.0)):
        assert said(client, b"commit") == b""
    assert echo.heard == b"hellocommit"
    assert link.lost == 1


def test_delay(client: socket.socket, link: Link) -> None:
    with link.weather(Weather(delay_seconds=0.2)):
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):  # 0.2 there and 0.2 back
            said(client, b"slow")
    client.settimeout(5)
    assert client.recv(1000) == b"slow"


def test_a_backend_that_is_down_looks_like_a_cut(link: Link, echo: Echo, ports: list[int]) -> None:
    lonely, nobody = free_ports(2)
    alone = Link(lonely, nobody)
    alone.start()
    try:
        with socket.create_connection(("127.0.0.1", lonely), 5) as client:
            assert said(client, b"x") == b""
    finally:
        alone.stop()
