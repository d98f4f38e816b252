"""One line of a noisy wire decides nothing: what it makes us believe is checked again."""

import asyncio
from collections.abc import Callable
import random
from typing import override

import pytest

from custom_components.wisun_route_b.stack import (
    Credentials,
    LinkKeeper,
    LinkState,
    RouteBError,
    SmartMeter,
    errors,
    properties,
)
from custom_components.wisun_route_b.stack.echonet import Frame
from tests.stack.scripted import (
    DONGLE_IP,
    METER_IP,
    NETWORK,
    PASSWORD,
    ROUTE_B_ID,
    ScriptedDongle,
)
from tests.virtual_clock import run

DUAL = f"EINFO {DONGLE_IP} 001D12900005747B 21 FFFF 0\r\nOK\r\n".encode()
SINGLE = f"EINFO {DONGLE_IP} 001D12900005747B 21 FFFF FFFE\r\nOK\r\n".encode()


class RecordingDongle(ScriptedDongle):
    """Keeps what was written, and can be deaf for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.openings = 0
        self.deaf_after_opening = 0.0
        self.deaf_unless = ""
        """A command that ends a deafness."""
        self._deaf_until = 0.0

    @override
    def opened(self) -> None:
        self.openings += 1
        self.deaf_for(self.deaf_after_opening)

    def deaf_for(self, seconds: float) -> None:
        self._deaf_until = asyncio.get_running_loop().time() + seconds

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        if asyncio.get_running_loop().time() >= self._deaf_until:
            self.written.append(bytes(data))
            super().write(data)

    @override
    def _command(self, line: str) -> None:
        if line == self.deaf_unless:
            self.deaf_unless = ""
        if not self.deaf_unless:
            super()._command(line)

    @property
    def sendto_forms(self) -> set[int]:
        """How many arguments stood before the payload of each SKSENDTO."""
        return {
            data[: data.index(b"\x10\x81")].count(b" ")
            for data in self.written
            if data.startswith(b"SKSENDTO")
        }


def smart_meter(dongle: ScriptedDongle, *, remembered: bool = True) -> SmartMeter:
    return SmartMeter(
        dongle.connector(),
        Credentials(ROUTE_B_ID, PASSWORD),
        network=NETWORK if remembered else None,
    )


async def attempt(dongle: ScriptedDongle, *, remembered: bool = True) -> RouteBError | None:
    """Connect and read once; return what went wrong."""
    meter = smart_meter(dongle, remembered=remembered)
    try:
        await meter.connect()
        assert (await meter.read((properties.INSTANTANEOUS_POWER,))).value(
            properties.INSTANTANEOUS_POWER
        ) == 632
    except RouteBError as err:
        return err
    finally:
        await meter.close()
    return None


# --- The dialect ------------------------------------------------------------------------------


@pytest.mark.parametrize(("info", "form"), [(SINGLE, 6), (DUAL, 7)])
@pytest.mark.parametrize("code", ["ER04", "ER05", "ER06", "ER09", "ER10"])
def test_refused_datagram_never_changes_the_dialect(info: bytes, form: int, code: str) -> None:
    async def scenario() -> None:
        dongle = RecordingDongle()
        dongle.replies["SKINFO"] = info
        meter = smart_meter(dongle)
        await meter.connect()
        refused: list[Frame] = []

        def refuse_once(request: Frame) -> None:
            refused.append(request)
            dongle.on_request = dongle.answer
            dongle.say(f"FAIL {code}\r\n".encode())

        dongle.on_request = refuse_once
        for _ in range(3):
            report = await meter.read((properties.INSTANTANEOUS_POWER,), 20.0)
            assert report.value(properties.INSTANTANEOUS_POWER) == 632
        assert refused
        assert dongle.sendto_forms == {form}
        await meter.close()

    run(scenario())


def test_payload_of_a_refused_datagram_is_not_taken_for_a_command() -> None:
    """What the dongle did not take as a datagram waits in its line buffer: an empty line ends it."""

    async def scenario() -> None:
        dongle = RecordingDongle()
        meter = smart_meter(dongle)
        await meter.connect()

        def refuse_once(_: Frame) -> None:
            dongle.on_request = dongle.answer
            dongle.say(b"FAIL ER09\r\n")

        dongle.on_request = refuse_once
        sent = len(dongle.written)
        await meter.read((properties.INSTANTANEOUS_POWER,), 20.0)
        first, between, second = dongle.written[sent : sent + 3]
        assert first.startswith(b"SKSENDTO")
        assert between == b"\r\n"
        assert second.startswith(b"SKSENDTO")
        await meter.close()

    run(scenario())


@pytest.mark.parametrize("end", [b"1", b"F", b"FF", b"2", b"FFF", b""])
def test_damaged_end_of_einfo_is_asked_again(end: bytes) -> None:
    async def scenario() -> None:
        dongle = RecordingDongle()
        dongle.replies["SKINFO"] = SINGLE
        if end != b"1":  # which looks like a dual dongle
            dongle.first_replies["SKINFO"] = SINGLE.replace(b"FFFE", end)
        assert await attempt(dongle) is None
        assert dongle.sendto_forms == {6}

    run(scenario())


def test_wrong_dialect_is_found_out_by_the_next_sign_in() -> None:
    """An EINFO that shows the wrong side: nothing is sent until SKINFO is asked again."""

    async def scenario() -> None:
        dongle = RecordingDongle()
        dongle.replies["SKINFO"] = SINGLE
        meter = smart_meter(dongle)
        keeper = LinkKeeper(meter, random.Random(1))
        await keeper.open()
        await asyncio.sleep(100)
        dongle.first_replies["SKINFO"] = DUAL
        dongle.unplug()
        await asyncio.sleep(300)
        assert keeper.state is LinkState.CONNECTED
        report = await meter.read((properties.INSTANTANEOUS_POWER,), 20.0)
        assert report.value(properties.INSTANTANEOUS_POWER) == 632
        await keeper.close()

    run(scenario())


# --- Commands of the set-up -------------------------------------------------------------------

SET_UP = [
    "SKVER",
    "SKINFO",
    "SKSREG SFE 0",
    "SKAPPVER",
    "SKRESET",
    "SKSETPWD",
    "SKSETRBID",
    "SKSCAN",
    "SKSREG S2 31",
    "SKSREG S3 21A3",
    "SKJOIN",
]
SPOILED: dict[str, Callable[[ScriptedDongle, str], None]] = {
    "command lost": lambda dongle, command: dongle.first_replies.update({command: b""}),
    "OK damaged": lambda dongle, command: dongle.first_replies.update({command: b"O\xcb\r\n"}),
    "FAIL ER09": lambda dongle, command: dongle.first_replies.update({command: b"FAIL ER09\r\n"}),
    "FAIL ER04": lambda dongle, command: dongle.first_replies.update({command: b"FAIL ER04\r\n"}),
    "FAIL ER05": lambda dongle, command: dongle.first_replies.update({command: b"FAIL ER05\r\n"}),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
@pytest.mark.parametrize("command", SET_UP)
def test_one_spoiled_command_of_the_set_up_does_not_end_the_attempt(
    command: str, spoil: Callable[[ScriptedDongle, str], None]
) -> None:
    dongle = ScriptedDongle()
    spoil(dongle, command)

    assert run(attempt(dongle, remembered=False)) is None
    assert not dongle.first_replies  # it was spoiled


def test_joining_is_waited_for_when_only_the_ok_was_lost() -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        dongle.first_replies["SKJOIN"] = (
            f"EVENT 21 {METER_IP} 00\r\nEVENT 25 {METER_IP}\r\n".encode()
        )
        assert await attempt(dongle) is None
        assert [line for line in dongle.commands if line.startswith("SKJOIN")] == [
            f"SKJOIN {METER_IP}"
        ]

    run(scenario())


def test_scan_whose_end_was_lost_has_found_what_it_has_found() -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        whole = dongle.usual("SKSCAN")
        dongle.first_replies["SKSCAN"] = whole[: whole.index(b"EVENT 22")]
        assert await attempt(dongle, remembered=False) is None

    run(scenario())


def test_command_that_is_never_answered_is_given_up_after_three_tries() -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        dongle.replies["SKSETPWD"] = b""
        assert isinstance(await attempt(dongle), errors.CommandTimeoutError)
        assert sum(line.startswith("SKSETPWD") for line in dongle.commands) == 3

    run(scenario())


# --- A dongle that starts when its port is opened -----------------------------------------------


@pytest.mark.parametrize("seconds", [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0])
def test_dongle_that_needs_time_after_the_opening_is_asked_again(seconds: float) -> None:
    async def scenario() -> None:
        dongle = RecordingDongle()
        dongle.deaf_after_opening = seconds
        assert await attempt(dongle) is None
        assert dongle.openings == 1

    run(scenario())


@pytest.mark.parametrize("seconds", [2.0, 3.0, 8.0, 20.0])
def test_link_does_not_open_the_port_again_while_the_dongle_starts(seconds: float) -> None:
    async def scenario() -> None:
        dongle = RecordingDongle()
        keeper = LinkKeeper(smart_meter(dongle), random.Random(1))
        await keeper.open()
        await asyncio.sleep(100)
        dongle.deaf_after_opening = seconds
        dongle.unplug()
        await asyncio.sleep(60)
        assert keeper.state is LinkState.CONNECTED
        assert dongle.openings == 2
        await keeper.close()

    run(scenario())


def test_dongle_in_the_middle_of_a_datagram_is_filled_up_until_it_answers() -> None:
    async def scenario() -> None:
        dongle = RecordingDongle()
        keeper = LinkKeeper(smart_meter(dongle), random.Random(1))
        await keeper.open()
        await asyncio.sleep(100)
        dongle.swallow = 1232
        dongle.unplug()
        await asyncio.sleep(60)
        assert keeper.state is LinkState.CONNECTED
        await keeper.close()

    run(scenario())


def test_port_without_any_sign_is_silent_after_five_seconds() -> None:
    async def scenario() -> None:
        dongle = RecordingDongle()
        dongle.deaf_after_opening = 1000.0
        begun = asyncio.get_running_loop().time()
        assert isinstance(await attempt(dongle), errors.DongleSilentError)
        assert 4.5 <= asyncio.get_running_loop().time() - begun <= 5.0

    run(scenario())


@pytest.mark.parametrize("text", [b"\x00", b"BP35 boot\r\n", b"\xff\xfe\x80"])
@pytest.mark.parametrize("boot", [2.0, 3.0, 8.0])
def test_start_up_text_is_no_other_device(text: bytes, boot: float) -> None:
    async def scenario() -> None:
        dongle = RecordingDongle()
        keeper = LinkKeeper(smart_meter(dongle), random.Random(1))
        await keeper.open()
        await asyncio.sleep(100)
        dongle.deaf_after_opening = boot
        dongle.unplug()
        await asyncio.sleep(3)
        for moment in (0.3, 1.0, 1.8):
            asyncio.get_running_loop().call_later(moment, dongle.say, text)
        await asyncio.sleep(60)
        assert keeper.state is LinkState.CONNECTED
        assert dongle.openings == 2
        await keeper.close()

    run(scenario())


def test_known_dongle_that_is_deaf_until_it_is_reset_is_reset() -> None:
    async def scenario() -> None:
        dongle = RecordingDongle()
        keeper = LinkKeeper(smart_meter(dongle), random.Random(1))
        await keeper.open()
        await asyncio.sleep(100)
        dongle.deaf_unless = "SKRESET"
        dongle.unplug()
        await asyncio.sleep(60)
        assert keeper.state is LinkState.CONNECTED
        await keeper.close()

    run(scenario())
