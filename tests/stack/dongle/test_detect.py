"""Which dongle is at a port: found in either order, whatever is tried first, and cheap to extend."""

import asyncio
from functools import partial
from typing import override

import pytest

from custom_components.wisun_route_b.stack import Credentials, Redactor, SmartMeter, errors
from custom_components.wisun_route_b.stack.dongle.detect import J11, detect
from custom_components.wisun_route_b.stack.dongle.dongle import DongleEvent, EventHandler
from custom_components.wisun_route_b.stack.dongle.port import Port, PortEvent
from custom_components.wisun_route_b.stack.j11 import commands
from custom_components.wisun_route_b.stack.j11.frames import RESPONSE_CODE as J11_CODE
from custom_components.wisun_route_b.stack.trace.trace import Trace
from tests.stack.dongle.tiny import TinyDetector, TinyDongle, TinyDriver
from tests.stack.scripted import METER_IP, PASSWORD, ROUTE_B_ID, ScriptedDongle
from tests.virtual_clock import now, run
from tools.emulator import J11_PRODUCTS, PRODUCTS, Emulator, EmulatorConfig
from tools.emulator.products import J11ProductName, ProductName

type DongleName = ProductName | J11ProductName


class J11Driver(TinyDriver):
    """Stands for a driver of J11 dongles: takes what comes after the detection."""

    kind = J11

    def __init__(self, port: Port, on_event: EventHandler, trace: Trace) -> None:
        super().__init__(on_event, trace)
        self.port = port
        self.received = b""

    def take(self, event: PortEvent) -> None:
        assert isinstance(event, bytes)
        self.received += event


detect_with_j11 = partial(detect, drivers={J11: J11Driver})


def ignore(_: DongleEvent) -> None:
    pass


def trace() -> Trace:
    return Trace(Redactor())


def seconds() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize("remembered", [None, "skstack", J11])
@pytest.mark.parametrize(
    ("dongle", "kind"),
    [*((name, "skstack") for name in PRODUCTS), *((name, J11) for name in J11_PRODUCTS)],
)
def test_kinds_of_dongle_are_told_apart_within_three_seconds_in_either_order(
    dongle: DongleName, kind: str, remembered: str | None
) -> None:
    async def scenario() -> None:
        async with Emulator(EmulatorConfig(clock=now, dongle=dongle)) as emulator:
            begun = seconds()
            found = await detect_with_j11(
                emulator.connector(), ignore, trace(), remembered=remembered
            )
            took = seconds() - begun
            assert found.kind == kind
            assert took < 3
            if kind == remembered:
                assert took < 0.5, "what is remembered is tried first"
            await found.close()

    run(scenario())


def test_a_driver_that_is_plugged_in_has_the_port_to_itself() -> None:
    async def scenario() -> None:
        async with Emulator(EmulatorConfig(clock=now, dongle="rs-wsuha-j11")) as emulator:
            driver = await detect_with_j11(emulator.connector(), ignore, trace())
            assert isinstance(driver, J11Driver)
            await asyncio.sleep(1)
            driver.received = b""
            driver.port.write(bytes.fromhex("D0EA83FC006B000403A80000"))
            await asyncio.sleep(1)
            assert driver.received.startswith(bytes.fromhex("D0F9EE5D206B"))
            await driver.close()

    run(scenario())


@pytest.mark.parametrize("remembered", [None, "skstack", J11])
@pytest.mark.parametrize("left", [1, 4, 11, 12, 40, 66])
def test_request_that_an_earlier_program_has_left_half_sent_does_not_hide_the_dongle(
    left: int, remembered: str | None
) -> None:
    credentials = commands.set_credentials(ROUTE_B_ID, PASSWORD).data
    whole = commands.transmit(METER_IP, credentials).data

    async def scenario() -> None:
        async with Emulator(EmulatorConfig(clock=now, dongle="bp35c0-j11")) as emulator:
            transport, _ = await emulator.connector()(asyncio.Protocol)
            transport.write(whole[:left])
            transport.abort()
            await asyncio.sleep(0.3)
            begun = seconds()
            found = await detect(emulator.connector(), ignore, trace(), remembered=remembered)
            assert found.kind == J11
            assert seconds() - begun < 3
            assert await found.version() == "1.3 rev 0000158A"
            await found.close()

    run(scenario())


@pytest.mark.parametrize("code", [J11_CODE, J11_CODE + bytes(8), J11_CODE * 9])
def test_unique_code_of_j11_alone_is_no_proof(code: bytes) -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        dongle.replies["SKVER"] = code
        with pytest.raises(errors.NotAWiSunDongleError):
            await detect(dongle.connector(), ignore, trace())
        assert dongle.is_closing()

    run(scenario())


class _Strict(ScriptedDongle):
    """Keeps every byte in its line buffer, and complains about a line that it does not know."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data
        super().write(data)

    @override
    def _command(self, line: str) -> None:
        if line and not line.isascii():
            self.say(b"FAIL ER04\r\n")
        super()._command(line)


def test_a_question_in_j11_does_not_spoil_the_first_command_of_an_skstack_dongle() -> None:
    async def scenario() -> None:
        dongle = _Strict()
        found = await detect(dongle.connector(), ignore, trace(), remembered=J11)
        assert dongle.commands == ["SKVER"]
        assert dongle.written.count(b"SKVER") == 1
        assert await found.version() == "1.2.10"
        await found.close()

    run(scenario())


def test_a_dongle_that_took_the_place_of_another_kind_is_found_at_the_next_opening() -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD))
        await meter.connect()
        await meter.close()
        found = await detect(dongle.connector(), ignore, trace(), remembered="tiny")
        assert found.kind == "skstack"
        await found.close()

    run(scenario())


@pytest.mark.parametrize("says", [b"", b"\r\n"], ids=["silent", "noisy"])
@pytest.mark.parametrize("timeout_s", [4.8, 4.81, 4.85, 4.9, 4.95, 5.0, 5.05, 5.1, 5.15])
def test_last_moments_of_a_detection_are_waited_for_and_not_filled_with_questions(
    timeout_s: float, says: bytes
) -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        dongle.first_replies["SKVER"] = says
        dongle.replies["SKVER"] = b""
        with pytest.raises(errors.DongleError):
            await detect(dongle.connector(), ignore, trace(), timeout_s=timeout_s)
        assert dongle.commands.count("SKVER") <= 8

    run(scenario())


# --- An end in the middle --------------------------------------------------------------------


@pytest.mark.parametrize("after", [0.0, 0.05, 0.5, 2.5, 4.0])
def test_close_during_the_detection_ends_it_and_frees_the_port(after: float) -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        dongle.replies["SKVER"] = b""
        meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD))
        connecting = asyncio.create_task(meter.connect())
        await asyncio.sleep(after)
        begun = seconds()
        await meter.close()
        assert seconds() - begun < 2
        assert dongle.is_closing()
        with pytest.raises(errors.PortLostError):
            await connecting
        assert len(asyncio.all_tasks()) == 1

    run(scenario())


@pytest.mark.parametrize("after", [0.0, 0.05, 0.5, 2.5, 4.0])
def test_a_cancelled_detection_frees_the_port(after: float) -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        dongle.replies["SKVER"] = b""
        detecting = asyncio.create_task(detect(dongle.connector(), ignore, trace()))
        await asyncio.sleep(after)
        detecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await detecting
        assert not after or dongle.is_closing()
        assert len(asyncio.all_tasks()) == 1

    run(scenario())


def test_a_connection_that_is_cancelled_while_its_dongle_is_found_frees_the_port() -> None:
    async def scenario() -> None:
        dongle = TinyDongle()
        for turns in range(60):
            dongle.letters = ""
            credentials = Credentials(ROUTE_B_ID, PASSWORD)
            meter = SmartMeter(dongle.connector(), credentials, detector=TinyDetector())
            connecting = asyncio.create_task(meter.connect())
            for _ in range(turns):
                await asyncio.sleep(0)
            connecting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await connecting
            assert not meter.has_port
            assert not dongle.is_open
            assert len(asyncio.all_tasks()) == 1
        assert "P" in dongle.letters, "the last one was cancelled after its detection"

    run(scenario())


# --- A J11 dongle that does not answer at once --------------------------------------------------


@pytest.mark.parametrize("remembered", [None, "skstack", J11])
@pytest.mark.parametrize("seconds_deaf", [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0])
def test_j11_dongle_that_needs_time_after_the_opening_is_asked_again(
    seconds_deaf: float, remembered: str | None
) -> None:
    async def scenario() -> None:
        async with Emulator(EmulatorConfig(dongle="bp35c0-j11", clock=now)) as emulator:
            emulator.faults.deafen_after_opening(seconds_deaf)
            driver = await detect(emulator.connector(), ignore, trace(), remembered=remembered)
            assert driver.kind == J11
            await driver.close()

    run(scenario())


def test_j11_dongle_that_is_known_and_hangs_is_reset_once() -> None:
    async def scenario() -> None:
        async with Emulator(EmulatorConfig(dongle="bp35c0-j11", clock=now)) as emulator:
            emulator.faults.deafen("reset")
            with pytest.raises(errors.DongleSilentError):
                await detect(emulator.connector(), ignore, trace(), remembered=J11)
            driver = await detect(
                emulator.connector(), ignore, trace(), timeout_s=30.0, remembered=J11
            )
            assert driver.kind == J11
            assert seconds() < 20
            await driver.close()

    run(scenario())
