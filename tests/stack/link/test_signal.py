"""Signal strength of the meter, and when a change of it is reported."""

import asyncio

import pytest

from custom_components.wisun_route_b.stack import LinkKeeper, properties
from tools.emulator import Emulator

from .test_keeper import play


@pytest.mark.parametrize(
    ("dongle", "live"),
    [("bp35c2", True), ("rl7023-dss", True), ("bp35a1", False), ("rl7023-ips", False)],
)
def test_signal_is_live_where_the_dongle_tells_of_every_datagram(dongle: str, live: bool) -> None:
    async def scenario(_: Emulator, keeper: LinkKeeper) -> None:
        await keeper.meter.read((properties.INSTANTANEOUS_POWER,))
        signal = keeper.meter.signal
        assert signal is not None
        assert signal.live is live

        await keeper.rescan()
        await asyncio.sleep(60)
        assert keeper.meter.connected
        await keeper.meter.read((properties.INSTANTANEOUS_POWER,))
        signal = keeper.meter.signal
        assert signal is not None
        assert signal.live is live

    play(scenario, dongle=dongle)
