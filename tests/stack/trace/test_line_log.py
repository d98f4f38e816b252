"""The redacted trace keeps enough to diagnose with, and no secret."""

import asyncio
from collections.abc import Iterable
import re

from hypothesis import given, strategies as st
import pytest

from custom_components.wisun_route_b.stack import (
    Credentials,
    LineLog,
    Redactor,
    SmartMeter,
    TraceDirection,
    errors,
    properties,
)
from custom_components.wisun_route_b.stack.dongle.skstack_trace import SkstackTrace
from custom_components.wisun_route_b.stack.skstack import Receiver
from custom_components.wisun_route_b.stack.trace.trace import Trace
from tests import transcripts
from tests.stack.scripted import (
    DONGLE_IP,
    METER_IP,
    METER_MAC,
    PASSWORD,
    ROUTE_B_ID,
    ScriptedDongle,
    erxudp,
    pana,
)
from tests.stack.secret_scan import traces
from tests.virtual_clock import run

DONGLE_MAC = "001D12900005747B"
MACS = (METER_MAC, DONGLE_MAC)


def scripted(dongle: ScriptedDongle) -> SmartMeter:
    return SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD))


def texts(log: LineLog) -> list[str]:
    return [f"{line.direction} {line.text}" for line in log.lines]


def traced(lines: Iterable[bytes], redactor: Redactor | None = None) -> list[str]:
    """Return what is kept of lines of a dongle, each with its end."""
    log = LineLog()

    async def hear() -> None:
        trace = SkstackTrace(Trace(redactor or Redactor(), log))
        receiver = Receiver()
        for line in lines:
            for message in receiver.receive(line):
                trace.received(message)
        for message in receiver.give_up():
            trace.received(message)

    run(hear())
    return [line.text for line in log.lines]


# --- What is kept --------------------------------------------------------------------------


def test_sign_in_can_be_followed_line_by_line() -> None:
    dongle = ScriptedDongle()
    meter = scripted(dongle)

    async def connect() -> None:
        await meter.connect()
        await meter.close()

    run(connect())

    lines = texts(meter.line_log)
    assert lines[:5] == [
        "# The port is open",
        "> SKVER",
        "< EVER 1.2.10",
        "< OK",
        "> SKINFO",
    ]
    joined = lines.index("> SKJOIN <address 2>")
    assert lines[joined - 8 : joined + 4] == [
        "< OK",
        "< EVENT 20 <address 1>",
        "< EPANDESC channel 31, page 09, <PAN 1>, <address 2>, LQI 98, side none, pairing ID ours",
        "< EVENT 22 <address 1>",
        "> SKSREG S2 31",
        "< OK",
        "> SKSREG S3 ****",
        "< OK",
        "> SKJOIN <address 2>",
        "< OK",
        "< EVENT 21 <address 2> 00",
        "< EVENT 25 <address 2>",
    ]
    assert "> SKSETPWD C ****" in lines
    assert lines[-1] == "# Closing the port"
    assert "21A3" not in "\n".join(lines)  # the PAN ID


def test_what_failed_is_kept_as_well() -> None:
    async def nothing_there(_: object) -> tuple[asyncio.Transport, asyncio.Protocol]:
        raise errors.PortNotFoundError("There is no such port")

    meter = SmartMeter(nothing_there, Credentials(ROUTE_B_ID, PASSWORD))

    async def fail() -> None:
        with pytest.raises(errors.PortNotFoundError):
            await meter.connect()

    run(fail())
    assert texts(meter.line_log) == ["# The port could not be opened (PortNotFoundError)"]


def test_conversation_goes_on_over_a_reconnection() -> None:
    dongle = ScriptedDongle()
    meter = scripted(dongle)

    async def reconnect() -> None:
        await meter.connect()
        dongle.unplug()
        await meter.connect()
        await meter.close()

    run(reconnect())

    marks = [line.text for line in meter.line_log.lines if line.direction is TraceDirection.NOTE]
    assert marks == ["The port is open", "The port is lost", "The port is open", "Closing the port"]
    moments = [line.at for line in meter.line_log.lines]
    assert moments == sorted(moments)


def test_several_meters_can_share_what_outlives_them() -> None:
    dongle, log = ScriptedDongle(), LineLog()

    async def connect() -> None:
        for _ in range(2):
            meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD), line_log=log)
            await meter.connect()
            await meter.close()

    run(connect())
    assert texts(log).count("> SKJOIN <address 2>") == 2


def test_frames_are_kept_however_many_other_lines_come() -> None:
    dongle = ScriptedDongle()
    meter = scripted(dongle)

    async def read_and_babble() -> None:
        await meter.connect()
        await meter.read([properties.INSTANTANEOUS_POWER])
        dongle.say(f"EVENT 02 {METER_IP}\r\n".encode() * 600)
        await meter.close()

    run(read_and_babble())

    log = meter.line_log
    assert len(log.lines) == 500
    assert log.lines[0].text == "EVENT 02 <address 2>"
    assert log.frames(TraceDirection.SENT)[-1].text.endswith(" 05FF01 028801 62 01 E7 00")
    assert log.frames(TraceDirection.RECEIVED)[-1].text.endswith(
        " 028801 05FF01 72 01 E7 04 00000278"
    )


def test_number_of_frames_and_size_of_lines_are_bounded() -> None:
    log = LineLog()
    for number in range(50):
        log.add_frame(float(number), TraceDirection.RECEIVED, "00" * 1232)
    log.add(0.0, TraceDirection.RECEIVED, "00" * 1232)

    frames = log.frames(TraceDirection.RECEIVED)
    assert [frame.at for frame in frames] == [float(number) for number in range(30, 50)]
    assert len(frames[0].text) < 1550
    assert len(log.lines[0].text) < 1550
    assert log.frames(TraceDirection.SENT) == ()


def test_line_is_told_with_its_age() -> None:
    log = LineLog()
    log.add(10.0, TraceDirection.SENT, "SKVER")

    assert log.lines[0].as_text(12.5) == "-2.500 > SKVER"


# --- What is masked ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("OK 01", "OK 01"),
        ("FAIL ER10", "FAIL ER10"),
        ("EVENT C0", "EVENT C0"),
        (f"EVENT 21 {METER_IP} 0 02", "EVENT 21 <address 1> 0 02"),
        ("EAPPVER rev26e", "EAPPVER rev26e"),
        (f"EAPPVER {PASSWORD}", "EAPPVER xxxxxxxxxxxx"),
        ("ESREG 0", "ESREG 0"),
        (f"ESREG {ROUTE_B_ID[-8:]}", "ESREG xxxxxxxx"),
        (METER_IP, "<address 1>"),
        (f"EINFO {DONGLE_IP} {DONGLE_MAC} 31 21A3 0", "EINFO <address 1> <address 1> 31 <PAN 1> 0"),
        (f"EINFO {DONGLE_IP} {DONGLE_MAC} 21 FFFF FFFE", "EINFO <address 1> <address 1> 21 FFFF FFFE"),
        (f"SKSETPWD C {PASSWORD}", "Echo: SKSETPWD x xxxxxxxxxxxx"),
        (f"SKSETRBID {ROUTE_B_ID[:7]}", "Echo: SKSETRBID xxxxxxx"),
        (f"EVENT 21 {METER_IP[:-3]}", f"Unknown: EVENT 21 {re.sub('[0-9A-F]', 'x', METER_IP[:-3])}"),
        ("EVENT 211 FAIL ER1", "Unknown: EVENT xxx FAIL xxx"),
        ("$GPGGA,1.5", "Unknown: $xxxxx,x.x"),
        ("\x80EVER!7", "Unknown: .EVER.x"),
    ],
)  # fmt: skip
def test_messages_are_told_without_what_identifies(line: str, text: str) -> None:
    assert traced([f"{line}\r\n".encode("latin-1")]) == [text]


def test_packets_of_the_sign_in_are_not_shown() -> None:
    (text,) = traced([pana(1, b"SM" + ROUTE_B_ID.encode())])

    assert text.endswith(
        " 02CC 02CC <address 1> 0 0032 PANA flags 8000, type 0002, the rest masked"
    )


def test_neighbours_are_told_apart_and_counted_no_further_than_a_street_goes() -> None:
    blocks = [
        f"EPANDESC\r\n  Channel:21\r\n  Channel Page:09\r\n  Pan ID:{number:04X}\r\n"
        f"  Addr:001C64000000{number:04X}\r\n  LQI:80\r\n  PairID:{number:08X}\r\n".encode()
        for number in range(100)
    ]
    lines = traced([*blocks, blocks[1]])

    assert lines[-1] == lines[1]
    assert "<PAN 2>, <address 2>" in lines[1]
    assert lines[99].endswith("<PAN>, <address>, LQI 80, side none, pairing ID <pairing ID>")


def test_meter_that_the_scan_found_is_hidden_from_then_on() -> None:
    dongle = ScriptedDongle()
    meter = scripted(dongle)
    assert meter.redactor(f"at {METER_MAC.lower()[4:]}") == f"at {METER_MAC.lower()[4:]}"

    async def connect() -> None:
        await meter.connect()
        await meter.close()

    run(connect())

    for mac in MACS:
        assert meter.redactor(f"at {mac.lower()[4:]}") == "at ****"


@pytest.mark.parametrize("capture", transcripts.load_all(), ids=lambda capture: capture.name)
def test_nothing_of_the_captures_gives_an_address_away(capture: transcripts.Transcript) -> None:
    wire = b"".join(capture.received())
    macs = {found.decode() for found in re.findall(rb"\b[0-9A-F]{16}\b", wire)}

    assert traces("\n".join(traced([wire])), ids=[ROUTE_B_ID], macs=macs) == []


SECRETS = (
    PASSWORD,
    ROUTE_B_ID,
    ROUTE_B_ID.lower(),
    ROUTE_B_ID.encode().hex(),
    *MACS,
    METER_MAC.lower(),
    METER_IP,
    DONGLE_IP.lower(),
    "fe80::21c:6400:6014:21a3",
    METER_IP.encode().hex().upper(),
    PASSWORD.encode().hex(),
)
HOSTS = (
    b"",
    b"OK",
    b"EVENT 21 ",
    b"EVER ",
    b"EAPPVER ",
    b"ESREG ",
    b"FAIL ER04",
    b"SKSETPWD C ",
    b"SKSREG S0A ",
    b"EINFO ",
    b"  PairID:",
    b"EPANDESC\r\n  Addr:",
    f"EVENT 21 {METER_IP} 00".encode(),
    erxudp(bytes(20)).rstrip(),
    erxudp(bytes(20), port="02CC", secured="0").rstrip(),
    b"\xff\x00 noise \x1b",
)


@given(
    st.lists(st.tuples(st.sampled_from(HOSTS), st.sampled_from(SECRETS), st.data()), max_size=5),
    st.binary(max_size=20),
)
def test_no_secret_in_any_line_survives_though_it_is_unknown(
    parts: list[tuple[bytes, str, st.DataObject]], noise: bytes
) -> None:
    wire = noise
    for host, secret, data in parts:
        at = data.draw(st.integers(0, len(host)))
        cut = data.draw(st.integers(0, len(secret) // 2))
        wire += host[:at] + secret[cut:].encode() + host[at:]
        wire += data.draw(st.sampled_from((b"\r\n", b"\r", b"", b" ")))

    kept = "\n".join(traced([wire, b"\r\n"]))

    assert traces(kept, ids=[ROUTE_B_ID], macs=MACS, words=[PASSWORD]) == []
