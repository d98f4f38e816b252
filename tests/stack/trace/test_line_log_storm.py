"""What is traced and logged in an hour of trouble identifies no household."""

import asyncio
import logging
from typing import override

import pytest

from custom_components.wisun_route_b.stack import (
    Credentials,
    LineLog,
    LinkKeeper,
    RouteBError,
    SmartMeter,
    TraceDirection,
    errors,
    properties,
)
from tests.stack.secret_scan import traces
from tests.virtual_clock import now, run
from tools.emulator import Emulator, EmulatorConfig
from tools.emulator.meter.model import SECOND_GENERATION
from tools.emulator.products import ProductName

#: Nothing in these is likely to be found by chance.
OTHER_ID = "9F3A61C7D2E84B05A7C914FD6B28E3D1"
OTHER_PASSWORD = "Qx7PzL2mVd9K"
WRONG_PASSWORD = "hW4tRb8nYc3J"


async def _live(emulator: Emulator, log: LineLog) -> None:
    """Go through everything that can happen, on a line that damages a tenth of it."""
    meter = SmartMeter(
        emulator.connector(errors.PortNotFoundError),
        Credentials(OTHER_ID, OTHER_PASSWORD),
        line_log=log,
    )
    keeper = LinkKeeper(meter)
    await keeper.open()
    emulator.faults.rates.set(garble=0.1, truncate=0.05, split=0.1, duplicate_answer=0.1)
    for _ in range(30):
        await asyncio.sleep(60)
        try:
            await meter.read(
                [properties.IDENTIFICATION_NUMBER, properties.ROUTE_B_ID, properties.SERIAL_NUMBER]
            )
            await meter.read(properties.PROPERTIES.values())
            await meter.day_history(3)
        except RouteBError:
            emulator.faults.end_session()
    emulator.faults.heal()
    await keeper.close(end_session=True)
    await asyncio.sleep(15)
    other = SmartMeter(emulator.connector(), Credentials(OTHER_ID, WRONG_PASSWORD), line_log=log)
    with pytest.raises(errors.CredentialsRefusedError):
        await other.connect()


@pytest.mark.parametrize("dongle", ["bp35c2", "bp35a1", "rl7023-dss"])
@pytest.mark.parametrize("seed", [1, 2])
def test_an_hour_of_trouble_leaves_no_secret_in_the_conversation_or_the_debug_log(
    dongle: ProductName, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    config = EmulatorConfig(
        dongle=dongle,
        seed=seed,
        route_b_id=OTHER_ID,
        password=OTHER_PASSWORD,
        model=SECOND_GENERATION,
        neighbours=2,
        clock=now,
        push="infc",
    )
    kept: set[str] = set()

    class Everything(LineLog):
        """Forgets nothing."""

        @override
        def add(self, at: float, direction: TraceDirection, text: str) -> None:
            super().add(at, direction, text)
            kept.add(text)

        @override
        def add_frame(self, at: float, direction: TraceDirection, frame: str) -> None:
            super().add_frame(at, direction, frame)
            kept.add(frame)

    async def whole() -> Emulator:
        async with Emulator(config) as emulator:
            await _live(emulator, Everything())
        return emulator

    emulator = run(whole())

    meter, places = emulator.air.meter, [emulator.air.pan, *emulator.air.neighbours]
    logged = "\n".join(
        caplog.handler.format(record)
        for record in caplog.records
        if not record.name.startswith("tools.emulator")
    )
    assert "SKSETRBID ****" in logged
    assert any(" 73 " in text or " 74 " in text for text in kept), "no push"
    assert any(text.startswith("Unknown: ") for text in kept), "no damage"
    found = traces(
        "\n".join((*kept, logged)),
        ids=[OTHER_ID, meter.unique[:12].hex(), meter.unique.hex()],
        macs=[meter.mac, *(place.mac for place in places), emulator.dongle._printer.lines.mac],
        words=[OTHER_PASSWORD, WRONG_PASSWORD, meter.serial],
    )
    assert found == []
