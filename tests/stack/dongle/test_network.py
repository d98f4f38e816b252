"""How a network is named: the same for every protocol, and stored as it always was."""

import pytest

from custom_components.wisun_route_b.stack import Network
from custom_components.wisun_route_b.stack.dongle.scan_passes import CHANNELS
from custom_components.wisun_route_b.stack.errors import EncodeError
from custom_components.wisun_route_b.stack.j11.channels import from_logical, logical_channel

#: What an entry of version 0.1 of the integration holds.
STORED = {"channel": 49, "pan_id": 0x21A3, "address": "001C6400601421A3"}


def test_network_that_was_stored_before_is_read_and_written_unchanged() -> None:
    network = Network.from_dict(STORED)

    assert network == Network(0x31, 0x21A3, "001C6400601421A3")
    assert network.as_dict() == STORED


@pytest.mark.parametrize(
    "damage",
    [
        {"channel": 32},
        {"channel": 61},
        {"channel": "49"},
        {"pan_id": 0xFFFF},
        {"address": "1C6400601421A3"},
        {"address": None},
    ],
)
def test_damaged_network_is_none(damage: dict[str, object]) -> None:
    assert Network.from_dict({**STORED, **damage}) is None


@pytest.mark.parametrize(("channel", "mhz"), [(33, 922.5), (0x31, 925.7), (59, 927.7), (60, 927.9)])
def test_frequency_of_a_channel(channel: int, mhz: float) -> None:
    assert Network(channel, 1, "001C6400601421A3").frequency_mhz == pytest.approx(mhz)


@pytest.mark.parametrize("channel", range(4, 18))
def test_channel_of_j11_is_at_the_same_frequency_as_its_logical_channel(channel: int) -> None:
    network = Network(logical_channel(channel), 1, "001C6400601421A3")

    assert network.channel in CHANNELS
    assert network.frequency_mhz == pytest.approx(922.5 + 0.4 * (channel - 4))
    assert from_logical(network.channel) == channel


@pytest.mark.parametrize("channel", [31, 34, 60, 61])
def test_logical_channel_that_j11_does_not_have_is_an_error(channel: int) -> None:
    with pytest.raises(EncodeError):
        from_logical(channel)


@pytest.mark.parametrize("channel", [3, 18])
def test_channel_beyond_those_of_route_b_is_an_error(channel: int) -> None:
    with pytest.raises(EncodeError):
        logical_channel(channel)
