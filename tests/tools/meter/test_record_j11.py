"""``record`` with a J11 dongle: frames that the stack reads as before, and no secret in them."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, override

import pytest

from custom_components.wisun_route_b.stack import Credentials
from custom_components.wisun_route_b.stack.echonet import CONTROLLER, ESV, METER, Frame, Property
from custom_components.wisun_route_b.stack.j11 import Receiver, link_local
from custom_components.wisun_route_b.stack.j11.frames import encode_response
from custom_components.wisun_route_b.stack.j11.messages import (
    Datagram,
    Network,
    PanaResult,
    Response,
    ScanResult,
)
from tests import transcripts
from tests.stack.j11.wire import MAC_BYTES, datagram, frame
from tests.stack.scripted import ScriptedDongle
from tests.transcripts import Direction, Transcript
from tests.virtual_clock import now, run
from tools.emulator import Emulator, EmulatorConfig
from tools.meter.recorder import recorded
from tools.meter.recorder.frame_masker import FrameMasker
from tools.meter.recorder.frames import RESPONSE, FrameSplitter, is_frame

from .shell import J11_ENVIRONMENT, J11_PASSWORD as PASSWORD, ROUTE_B_ID, Outcome, carry_out
from .test_record import Witness

type Cause = Callable[[Emulator], None] | None

DONGLES = ["bp35c0-j11", "rs-wsuha-j11"]
CAPTURES = [transcripts.load(number) for number in ("20", "30", "31", "32", "33", "34")]


def record(file: Path, cause: Cause = None, **choices: Any) -> tuple[Outcome, Witness]:
    witness = Witness()

    async def play() -> Outcome:
        config = EmulatorConfig(route_b_id=ROUTE_B_ID, password=PASSWORD, clock=now, **choices)
        async with Emulator(config) as emulator:
            if cause is not None:
                cause(emulator)
            connector = recorded(emulator.connector(), witness)
            found = await carry_out(("record", str(file)), connector, environment=J11_ENVIRONMENT)
            return Outcome(found.code, found.out, found.err, emulator)

    return run(play()), witness


def secrets(emulator: Emulator) -> list[bytes]:
    """Return what must not be in a record, as bytes of frames."""
    pan, own = emulator.air.pan, bytes.fromhex(emulator.j11.mac)
    addresses = [bytes.fromhex(pan.mac), own]
    texts = [text.encode() for text in (ROUTE_B_ID, ROUTE_B_ID[-8:], PASSWORD)]
    return [
        *texts,
        *addresses,
        *(address[1:] for address in addresses),  # an IPv6 address differs in the first byte
        bytes.fromhex(ROUTE_B_ID),
        emulator.meter.unique[:12],
        emulator.meter.serial.encode(),
    ]


def assert_hides(file: Path, emulator: Emulator) -> Transcript:
    text = file.read_text(encoding="ascii")
    transcript = transcripts.parse(file.name, text)
    for entry in transcript.entries:
        for secret in secrets(emulator):
            assert secret not in entry.data
    for word in (ROUTE_B_ID, PASSWORD, emulator.air.pan.mac):
        assert word.upper() not in text.upper()
    return transcript


@pytest.mark.parametrize("dongle", DONGLES)
def test_a_record_is_read_as_the_conversation_was_and_holds_no_secret(
    dongle: str, tmp_path: Path
) -> None:
    file = tmp_path / "record.txt"
    outcome, witness = record(file, dongle=dongle)

    assert outcome.emulator is not None
    transcript = assert_hides(file, outcome.emulator)
    assert "\n# encoding: hex\n" in file.read_text(encoding="ascii")
    assert transcript.device.startswith("J11")
    for direction in Direction:
        data = [entry.data for entry in transcript.entries if entry.direction is direction]
        assert len(b"".join(data)) == len(witness.bytes[direction])
    assert all(map(is_frame, transcript.received()))
    heard, read = Receiver(), Receiver()
    kinds = list(map(type, heard.receive(witness.bytes[Direction.RECEIVED])))
    assert list(map(type, read.receive(b"".join(transcript.received())))) == kinds
    assert read.statistics == heard.statistics
    assert read.statistics.messages > 30
    # Who replays it finds the steps of a pairing.
    sent = [data[4:6].hex() for data in transcript.sent() if is_frame(data)]
    assert {"0054", "0051", "0053", "0056", "0008"} <= set(sent)
    (credentials, *_) = (data for data in transcript.sent() if data[4:6] == b"\x00\x54")
    assert credentials.endswith(b"00112233445566778899AABBCCDDEEFF0123456789AB")


def test_torn_frames_and_noise_leave_no_plain_remainder(tmp_path: Path) -> None:
    def damage(emulator: Emulator) -> None:
        emulator.j11_faults.tear(40, times=30)
        emulator.faults.rates.set(noise_between=0.5, split=0.5)

    file = tmp_path / "record.txt"
    outcome, witness = record(file, damage, dongle="rs-wsuha-j11")

    assert outcome.emulator is not None
    transcript = assert_hides(file, outcome.emulator)
    received = transcript.received()
    assert len(b"".join(received)) == len(witness.bytes[Direction.RECEIVED])
    for data in received:
        if not is_frame(data):
            assert not any(data[12:] if data.startswith(RESPONSE) else data)


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.name)
@pytest.mark.parametrize("piece", [1, 7, 4096])
def test_captures_stay_the_same_to_the_receiver(capture: Transcript, piece: int) -> None:
    wire = b"".join(capture.received())
    splitter, hide = FrameSplitter(), FrameMasker(None)
    units = [
        unit for at in range(0, len(wire), piece) for unit in splitter.feed(wire[at : at + piece])
    ]
    units += splitter.rest()
    masked = list(map(hide, units))

    assert b"".join(units) == wire
    assert list(map(len, masked)) == list(map(len, units))
    before, after = Receiver(), Receiver()
    expected = list(map(type, before.receive(wire) + before.give_up()))
    found = after.receive(b"".join(masked)) + after.give_up()
    assert list(map(type, found)) == expected


@pytest.mark.parametrize("size", range(1, 60))
def test_a_frame_that_breaks_off_anywhere_gives_nothing_away(size: int) -> None:
    (whole,) = (data for data in transcripts.load("30").received() if data[4:6] == b"\x60\x28")
    mac = whole[-8:]
    splitter, hide = FrameSplitter(), FrameMasker(None)
    for wire in (whole[:size] + whole, whole[1:size] + whole[:size]):
        units = [*splitter.feed(wire), *splitter.rest()]

        masked = b"".join(map(hide, units))
        assert b"".join(units) == wire
        assert mac[2:6] not in masked


def test_one_address_has_one_placeholder_everywhere() -> None:
    hide = FrameMasker(Credentials("00112233445566778899AABBCCDDEEFF", "0123456789AB"))
    masked = b"".join(map(hide, transcripts.load("30").received()))
    read = Receiver().receive(masked)

    (beacon,) = (found for one in read if isinstance(one, ScanResult) for found in one.beacons)
    (network,) = (
        one.answer for one in read if isinstance(one, Response) and isinstance(one.answer, Network)
    )
    (result,) = (one for one in read if isinstance(one, PanaResult))
    senders = {one.source for one in read if isinstance(one, Datagram)}
    assert beacon.mac == network.mac == result.mac == "0000000000000001"
    assert senders == {link_local(beacon.mac)}
    assert beacon.pan_id == network.pan_id == 1


def test_a_key_that_is_shown_is_zero() -> None:
    key = encode_response(0x2059, b"\x01" + bytes(range(1, 17)))

    assert FrameMasker(None)(key) == encode_response(0x2059, bytes(17))


READING = Frame(7, METER, CONTROLLER, ESV.GET_RES, (Property(0xE7, b"\0\0\2x"),)).encode()


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        (READING + MAC_BYTES, READING),
        (READING[:-3], READING[:12]),  # of a property that breaks off nothing is shown
        (b"\x10\x81" + MAC_BYTES, b""),
        (MAC_BYTES * 2, b""),
    ],
    ids=["behind the properties", "broken property", "no header", "no frame"],
)
def test_of_a_payload_only_what_is_a_frame_is_shown(payload: bytes, shown: bytes) -> None:
    masked = FrameMasker(None)(frame(0x6018, datagram(payload)))

    (message,) = Receiver().receive(masked)
    assert isinstance(message, Datagram)
    assert message.payload == shown.ljust(len(payload), b"\0")


@pytest.mark.parametrize(
    ("ip", "shown"),
    [
        ("FF02 0000 0000 0000 0000 0000 0000 0001", "FF02 0000 0000 0000 0000 0000 0000 0001"),
        ("FF02 0000 0000 0000 0000 0001 FFDC 2822", "FF02 0000 0000 0000 0000 0000 0000 0000"),
        ("2001 0DB8 1122 3344 0250 C2FF FEDC 2822", "FE80 0000 0000 0000 0200 0000 0000 0001"),
    ],
)
def test_addresses_of_groups_stay_unless_a_device_is_in_them(ip: str, shown: str) -> None:
    assert FrameMasker(None)(frame(0x2009, f"01 {ip}")) == frame(0x2009, f"01 {shown}")


def test_the_rest_of_a_frame_is_not_shown_where_no_dongle_was_recognised(tmp_path: Path) -> None:
    file = tmp_path / "record.txt"
    dongle = ScriptedDongle()
    dongle.replies["SKVER"] = bytes.fromhex("F9EE5D6018003803C40E1CFE80") + bytes(6) + MAC_BYTES
    run(carry_out(("record", str(file)), dongle.connector(), environment={}))

    received = b"".join(transcripts.parse(file.name, file.read_text(encoding="ascii")).received())
    assert received
    assert not any(received)


def test_a_serial_number_is_not_shown_where_its_datagram_was_not_heard_whole(
    tmp_path: Path,
) -> None:
    """The port was opened in the middle of a datagram, and nothing followed."""
    serial = b"F24G3cf65012"

    class Tail(ScriptedDongle):
        @override
        def opened(self) -> None:
            asyncio.get_running_loop().call_later(0.01, self.say, bytes((len(serial),)) + serial)

        @override
        def _work(self) -> None:
            self._buffer = b""

    file = tmp_path / "record.txt"
    _ = run(carry_out(("record", str(file)), Tail().connector(), environment={}))

    text = file.read_text(encoding="ascii")
    assert serial.decode() not in text
    assert serial.hex(" ").upper() not in text
