"""A J11 dongle that starts slowly, answers late, restarts in the wrong moment or loses one word."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, override

import pytest

from custom_components.wisun_route_b.stack import Credentials, Redactor, SmartMeter, errors
from custom_components.wisun_route_b.stack.dongle.detect import detect
from custom_components.wisun_route_b.stack.dongle.dongle import Dongle
from custom_components.wisun_route_b.stack.dongle.scan_passes import METER_CHANNELS, ScanPass
from custom_components.wisun_route_b.stack.trace.trace import Trace
from tests.stack.scripted import PASSWORD, ROUTE_B_ID
from tests.stack.scripted_j11 import (
    J11_NETWORK,
    OTHER_MAC,
    ScriptedJ11Dongle,
    connection_changed,
    notification,
    pana_result,
    response,
)
from tests.virtual_clock import run

CREDENTIALS = Credentials(ROUTE_B_ID, PASSWORD)
PAYLOAD = bytes.fromhex("1081000105FF010288016201E700")
PASS = ScanPass(METER_CHANNELS, 6)
_STATUS: Final = 0x0001
_TRANSMIT: Final = 0x0008
_SET_CREDENTIALS: Final = 0x0054
_START_PANA: Final = 0x0056
_SET_UP: Final = 0x005F
_RESET: Final = 0x00D9
_IDLE: Final = 1


def play[D: ScriptedJ11Dongle](dongle: D, body: Callable[[D, Dongle], Awaitable[None]]) -> None:
    async def scenario() -> None:
        trace = Trace(Redactor())
        driver = await detect(dongle.connector(), lambda _: None, trace, remembered="j11")
        try:
            dongle.codes.clear()
            await body(dongle, driver)
        finally:
            await driver.close()
        assert len(asyncio.all_tasks()) == 1, "something still runs after close()"

    run(scenario())


async def joined(dongle: ScriptedJ11Dongle, driver: Dongle) -> None:
    await driver.prepare(CREDENTIALS)
    await driver.join(J11_NETWORK)
    dongle.codes.clear()


# --- The start-up ------------------------------------------------------------------------------


class SlowDongle(ScriptedJ11Dongle):
    """Answers nothing while it starts, and another reset begins that again."""

    def __init__(self, start_s: float) -> None:
        super().__init__()
        self.start_s = start_s
        self._starting: asyncio.TimerHandle | None = None

    @override
    def restart(self) -> None:
        self.started = False
        if self._starting is not None:
            self._starting.cancel()
        loop = asyncio.get_running_loop()
        self._starting = loop.call_later(self.start_s, self._is_up)

    def _is_up(self) -> None:
        self._starting = None
        super().restart()

    @override
    def _request(self, code: int, data: bytes) -> None:
        if code == _RESET or self._starting is None:
            super()._request(code, data)
        else:
            self.codes.append(code)


@pytest.mark.parametrize("seconds", [0.4, 4.0, 6.0, 9.0, 12.0, 18.0])
def test_start_that_takes_long_is_not_begun_again(seconds: float) -> None:
    async def body(dongle: SlowDongle, driver: Dongle) -> None:
        await driver.prepare(CREDENTIALS)
        assert dongle.codes.count(_RESET) == 1

    play(SlowDongle(seconds), body)


def test_dongle_that_never_starts_is_given_up_within_a_minute() -> None:
    async def body(dongle: SlowDongle, driver: Dongle) -> None:
        async with asyncio.timeout(60):
            with pytest.raises(errors.CommandTimeoutError):
                await driver.prepare(CREDENTIALS)

    play(SlowDongle(10_000.0), body)


# --- Late answers ------------------------------------------------------------------------------


class LateDongle(ScriptedJ11Dongle):
    """Answers the state so long after the question that it is asked again, and again."""

    def __init__(self) -> None:
        super().__init__()
        self.late: list[bytes] = []
        self.holds = False

    @override
    def _request(self, code: int, data: bytes) -> None:
        if code == _STATUS and self.holds:
            self.codes.append(code)
            self.late.append(response(_STATUS, bytes((1, 3, self.state, 0))))
            return
        for answer in self.late:
            self.say(answer)
        self.late.clear()
        super()._request(code, data)


def test_late_state_of_a_session_that_has_ended_sends_nothing_in_plain_text() -> None:
    async def body(dongle: LateDongle, driver: Dongle) -> None:
        await joined(dongle, driver)
        dongle.holds = True
        sending = asyncio.create_task(driver.send(PAYLOAD))
        await asyncio.sleep(1.0)
        dongle.state = _IDLE  # and the notification of that is lost
        await asyncio.sleep(1.6)
        dongle.holds = False
        with pytest.raises(errors.SessionLostError):
            await sending
        assert _TRANSMIT not in dongle.codes

    play(LateDongle(), body)


def test_state_that_was_late_for_one_datagram_is_none_for_the_next() -> None:
    async def body(dongle: LateDongle, driver: Dongle) -> None:
        await joined(dongle, driver)
        dongle.holds = True
        with pytest.raises(errors.CommandTimeoutError):
            await driver.send(PAYLOAD)
        dongle.state, dongle.holds = _IDLE, False
        with pytest.raises(errors.SessionLostError):
            await driver.send(PAYLOAD)
        assert _TRANSMIT not in dongle.codes

    play(LateDongle(), body)


def test_state_that_was_late_once_ends_no_session() -> None:
    async def body(dongle: LateDongle, driver: Dongle) -> None:
        await joined(dongle, driver)
        dongle.holds = True
        with pytest.raises(errors.CommandTimeoutError):
            await driver.send(PAYLOAD)
        dongle.holds = False
        await driver.send(PAYLOAD)
        assert dongle.codes.count(_TRANSMIT) == 1

    play(LateDongle(), body)


# --- The sign-in -------------------------------------------------------------------------------


class RefusingDongle(ScriptedJ11Dongle):
    """The meter refuses the sign-in, 3 s after each start of PANA; the first refusal is torn."""

    refusals = 0

    @override
    def _execute(self, code: int, data: bytes) -> None:
        if code != _START_PANA:
            super()._execute(code, data)
            return
        self.say(response(code))
        asyncio.get_running_loop().call_later(3.0, self._refuse)

    def _refuse(self) -> None:
        refusal = pana_result(2)
        self.say(refusal if self.refusals else refusal[:15])
        self.refusals += 1


def test_refusal_that_was_torn_is_heard_when_it_is_repeated() -> None:
    async def body(dongle: RefusingDongle, driver: Dongle) -> None:
        await driver.prepare(CREDENTIALS)
        with pytest.raises(errors.CredentialsRefusedError):
            await driver.join(J11_NETWORK)
        assert dongle.refusals == 2

    play(RefusingDongle(), body)


@pytest.mark.parametrize(
    ("code", "result", "repeated"),
    [(_START_PANA, 0x51, _SET_CREDENTIALS), (_SET_CREDENTIALS, 0x37, _SET_UP)],
)
def test_what_the_dongle_has_forgotten_it_is_given_again(
    code: int, result: int, repeated: int
) -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle) -> None:
        await driver.prepare(CREDENTIALS)
        dongle.codes.clear()
        dongle.first_responses[code] = [response(code, bytes((result,)))]
        await driver.join(J11_NETWORK)
        await driver.send(PAYLOAD)
        assert dongle.codes.count(repeated) == 2

    play(ScriptedJ11Dongle(), body)


@pytest.mark.parametrize("result", [0x0F, 0x20, 0x21, 0x33])
@pytest.mark.parametrize("code", [_SET_UP, _SET_CREDENTIALS])
def test_use_in_a_han_is_named_at_the_set_up(code: int, result: int) -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle) -> None:
        dongle.responses[code] = response(code, bytes((result,)))
        with pytest.raises(errors.HanInUseError):
            await driver.prepare(CREDENTIALS)

    play(ScriptedJ11Dongle(), body)


@pytest.mark.parametrize("result", [0x0F, 0x20, 0x21, 0x33])
def test_use_in_a_han_is_named_at_a_scan(result: int) -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle) -> None:
        await driver.prepare(CREDENTIALS)
        dongle.responses[0x0051] = response(0x0051, bytes((result,)))
        with pytest.raises(errors.HanInUseError):
            await driver.scan(ROUTE_B_ID[-8:], PASS)

    play(ScriptedJ11Dongle(), body)


# --- The scan ----------------------------------------------------------------------------------


class RestartingDongle(ScriptedJ11Dongle):
    """Restarts in its first scan, before it has listened on the meter's channel."""

    scans = 0

    @override
    def _scan(self, code: int) -> None:
        self.scans += 1
        if self.scans == 1:
            self.say(notification(0x4051, b"\x01\x04"))
            self.restart()
        else:
            super()._scan(code)


def test_scan_in_which_the_dongle_restarts_is_made_again() -> None:
    async def body(dongle: RestartingDongle, driver: Dongle) -> None:
        await driver.prepare(CREDENTIALS)
        found = await driver.scan(ROUTE_B_ID[-8:], PASS)
        assert [row.network for row in found] == [J11_NETWORK]

    play(RestartingDongle(), body)


# --- Counters ----------------------------------------------------------------------------------


def test_what_is_dropped_is_counted() -> None:
    async def scenario() -> None:
        dongle = ScriptedJ11Dongle()
        meter = SmartMeter(dongle.connector(), CREDENTIALS)
        await meter.connect()
        before = meter.line_statistics
        dongle.say(notification(0x60D1, b"\0" + bytes(16) + b"\x07\0\0\0"))
        dongle.say(connection_changed(4, OTHER_MAC))
        dongle.say(pana_result(2, OTHER_MAC))
        dongle.say(notification(0x4051, b"\x01\x04"))
        after = meter.line_statistics
        await meter.close()
        assert after["unused_notifications"] - before["unused_notifications"] == 1
        assert after["stray_notifications"] - before["stray_notifications"] == 3

    run(scenario())
