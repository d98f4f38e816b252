"""What a port shows of itself before any dongle has answered, and dongles that need a second question."""

import asyncio
import random
from typing import override

import pytest

from custom_components.wisun_route_b.stack import (
    Credentials,
    LinkKeeper,
    SmartMeter,
    errors,
    identify,
    properties,
)
from tests.stack.scripted import PASSWORD, ROUTE_B_ID, ScriptedDongle
from tests.virtual_clock import run

CREDENTIALS = Credentials(ROUTE_B_ID, PASSWORD)
#: What ser2net 4.3.11 says first at a port with RFC 2217.
TELNET = b"\xff\xfb\x03\xff\xfd\x03\xff\xfb\x01\xff\xfe\x01\xff\xfd\x2c"


class _Greeting(ScriptedDongle):
    """Says something as soon as it is opened, and may hang up after that."""

    def __init__(self, greeting: bytes, *, hangs_up: bool = False) -> None:
        super().__init__()
        self._greeting = greeting
        self._hangs_up = hangs_up

    @override
    def opened(self) -> None:
        asyncio.get_running_loop().call_soon(self._greet)

    def _greet(self) -> None:
        self.say(self._greeting)
        if self._hangs_up:
            self.unplug()


class _Suspending(ScriptedDongle):
    """Is suspended after two silent seconds (USB autosuspend); what wakes it is lost."""

    def __init__(self, waking: float) -> None:
        super().__init__()
        self._waking = waking
        self._used_at = -10.0
        self._awake_at = 0.0
        self.lost = 0

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._used_at > 2.0:
            self._awake_at = now + self._waking
        self._used_at = now
        if now < self._awake_at:
            self.lost += 1
        else:
            super().write(data)

    @override
    def say(self, data: bytes) -> None:
        self._used_at = asyncio.get_running_loop().time()
        super().say(data)


def _seconds() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize("missing", [1, 2, 13, 500, 1023, 1231, 1232])
def test_datagram_that_a_killed_program_has_left_half_sent_is_filled_up(missing: int) -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        dongle.swallow = missing
        begun = _seconds()
        await identify(dongle.connector())
        assert _seconds() - begun < 4.8

    run(scenario())


def test_port_without_any_answer_is_given_up_in_time_and_not_flooded() -> None:
    class Deaf(ScriptedDongle):
        written = 0

        @override
        def write(self, data: bytes | bytearray | memoryview) -> None:
            self.written += len(data)

    async def scenario() -> None:
        dongle = Deaf()
        begun = _seconds()
        with pytest.raises(errors.DongleSilentError):
            await identify(dongle.connector())
        assert _seconds() - begun <= 0.1 + 4.8 + 0.75 + 0.6
        assert dongle.written < 4096

    run(scenario())


def test_dongle_that_loses_what_wakes_it_is_signed_off_all_the_same() -> None:
    async def scenario() -> None:
        dongle = _Suspending(0.05)
        meter = SmartMeter(dongle.connector(), CREDENTIALS)
        await meter.connect()
        await asyncio.sleep(60.0)
        await meter.close(end_session=True)
        assert dongle.commands[-1] == "SKTERM"

    run(scenario())


@pytest.mark.parametrize("waking", [0.0001, 0.05, 0.3, 1.0])
def test_dongle_that_loses_what_wakes_it_is_read_over_one_opening_of_its_port(
    waking: float,
) -> None:
    async def scenario() -> None:
        dongle = _Suspending(waking)
        meter = SmartMeter(dongle.connector(), CREDENTIALS)
        keeper = LinkKeeper(meter, random.Random(1))
        await keeper.open()
        for _ in range(10):
            await asyncio.sleep(60.0)
            await meter.read((properties.INSTANTANEOUS_POWER,), 20.0)
        assert meter.statistics.connects == 1
        assert dongle.lost > 10
        await keeper.close()

    run(scenario())


def test_port_that_speaks_telnet_is_named_although_its_dongle_answers() -> None:
    async def scenario() -> None:
        with pytest.raises(errors.TelnetPortError):
            await identify(_Greeting(TELNET).connector())
        with pytest.raises(errors.TelnetPortError):
            await SmartMeter(_Greeting(TELNET).connector(), CREDENTIALS).connect()

    run(scenario())


@pytest.mark.parametrize(
    "noise", [b"\xff", b"\xff\xfb\x00", b"\xff\xfe\x80" * 3, b"EVER\r\n" + TELNET]
)
def test_noise_is_no_telnet(noise: bytes) -> None:
    async def scenario() -> None:
        await identify(_Greeting(noise).connector())

    run(scenario())


@pytest.mark.parametrize(
    "said",
    [
        b"Port already in use\r\n",
        b"Port's device already in use\n\r",
        TELNET + b"Port already in use\r\n",
        b"ERROR: port is BUSY",
    ],
)
def test_bridge_that_says_that_its_port_is_in_use_is_busy(said: bytes) -> None:
    async def scenario() -> None:
        with pytest.raises(errors.PortBusyError):
            await identify(_Greeting(said, hangs_up=True).connector())
        with pytest.raises(errors.PortBusyError):
            await SmartMeter(_Greeting(said, hangs_up=True).connector(), CREDENTIALS).connect()

    run(scenario())


@pytest.mark.parametrize("said", [b"", b"Device open failure\r\n", b"EVENT 20\r\n"])
def test_bridge_that_hangs_up_for_another_reason_is_lost(said: bytes) -> None:
    async def scenario() -> None:
        with pytest.raises(errors.PortLostError):
            await identify(_Greeting(said, hangs_up=True).connector())

    run(scenario())
