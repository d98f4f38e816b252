"""A session that is lost while the transmission time of the hour is used up."""

import asyncio
from contextlib import suppress
import random

import pytest

from custom_components.wisun_route_b.stack import (
    Credentials,
    LinkKeeper,
    LinkState,
    LinkStatus,
    RouteBError,
    SmartMeter,
    errors,
    properties,
)
from tests.stack.scripted import ROUTE_B_ID
from tests.virtual_clock import now, run
from tools.emulator import Emulator, EmulatorConfig
from tools.emulator.products import DongleName

PASSWORD = "0123456789AB"


@pytest.mark.parametrize("dongle", ["bp35c2", "rs-wsuha-j11"])
def test_limit_is_named_after_the_session_is_lost(dongle: DongleName) -> None:
    async def scenario() -> None:
        config = EmulatorConfig(route_b_id=ROUTE_B_ID, password=PASSWORD, clock=now, dongle=dongle)
        async with Emulator(config) as emulator:
            meter = SmartMeter(emulator.connector(), Credentials(ROUTE_B_ID, PASSWORD))
            keeper = LinkKeeper(meter, random.Random(1))
            await keeper.open()
            emulator.faults.limit_transmission()
            for _ in range(6):
                with pytest.raises(errors.TransmitLimitError):
                    await meter.read((properties.INSTANTANEOUS_POWER,))
                await asyncio.sleep(10)
            seen: list[LinkStatus] = []
            keeper.on_change(seen.append)
            if config.j11 is None:
                emulator.faults.end_session()
            else:
                emulator.j11_faults.lose_pana()
            for _ in range(180):
                with suppress(RouteBError):
                    await meter.read((properties.INSTANTANEOUS_POWER,))
                await asyncio.sleep(10)

            waits = {status.state for status in seen} - {LinkState.CONNECTING}
            assert waits == {LinkState.LIMITED}
            emulator.faults.release_transmission()
            await asyncio.sleep(400)
            assert keeper.state is LinkState.CONNECTED
            await keeper.close()

    run(scenario())
