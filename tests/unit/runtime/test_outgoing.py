"""Where a request may go that somebody else chose."""

import asyncio

import pytest

from runtime.connections.outgoing import Outgoing, Refused, Unreachable, addresses_of, is_public


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111"])
def test_the_internet(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",  # noqa: S104 - an address to refuse
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_what_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "2130706433", "0x7f.1", "0177.0.0.1"])
def test_names_and_spellings_of_this_machine_are_refused(host: str) -> None:
    """Numbers as `getaddrinfo` reads them."""
    with pytest.raises((Refused, Unreachable)):
        asyncio.run(addresses_of(host, 80, private=False))


def test_one_that_is_allowed() -> None:
    assert asyncio.run(addresses_of("127.0.0.1", 80, private=True)) == ["127.0.0.1"]


def test_a_name_that_nobody_knows() -> None:
    with pytest.raises(Unreachable, match="is not known"):
        asyncio.run(addresses_of("nobody.invalid", 80, private=False))


def test_the_connection_itself_is_refused() -> None:
    async def post() -> None:
        outgoing = Outgoing(private=False)
        try:
            await outgoing.post("http://127.0.0.1:9/", {}, b"", 2.0)
        finally:
            await outgoing.close()

    with pytest.raises(Refused, match=r"127\.0\.0\.1"):
        asyncio.run(post())
