"""Bytes to messages, in every form that a dongle is known to use, cut in every place."""

import pytest

from custom_components.wisun_route_b.stack.skstack import (
    AppVersion,
    Datagram,
    Echo,
    Event,
    EventNumber,
    Fail,
    FailCode,
    Info,
    LinkLocalAddress,
    Message,
    Ok,
    PanDescription,
    Receiver,
    ReceiverStatistics,
    Register,
    SendResult,
    Unknown,
    Version,
    rssi_dbm,
)

from .wire import MAC, METER, OWN, assert_cuts_do_not_matter, decode, erxudp

PAN = PanDescription(
    channel=0x31,
    page=9,
    pan_id=0xB5FB,
    address=MAC,
    lqi=0xDD,
    side=0,
    pair_id="00000001",
)
PAN_LINES = (
    b"EPANDESC\r\n  Channel:31\r\n  Channel Page:09\r\n  Pan ID:B5FB\r\n  Addr:"
    + MAC.encode()
    + b"\r\n  LQI:DD\r\n"
)


def datagram(payload: bytes, *, rssi: int | None = None, side: int | None = 0) -> Datagram:
    """Return what ``erxudp`` prints."""
    return Datagram(
        source=METER,
        destination=OWN,
        remote_port=0x0E1A,
        local_port=0x0E1A,
        address=MAC,
        rssi=rssi,
        secured=True,
        payload=payload,
        side=side,
    )


LINES: list[tuple[bytes, list[Message]]] = [
    (b"OK\r\n", [Ok()]),
    (b"OK 01\r", [Ok("01")]),
    (b"OK 80\r\nOK 00\r", [Ok("80"), Ok("00")]),
    (b"OK\nOK\r\r\n\n\n\rOK\r", [Ok(), Ok(), Ok()]),
    (b"\r\n\r\n\n\r", []),
    (b"FAIL ER05\r\n", [Fail(FailCode.ER05)]),
    (b"FAIL ER10\r\n", [Fail(FailCode.ER10)]),
    (b"FAIL ER42\r\n", [Fail(42)]),
    (b"EVER 1.5.2\r\n", [Version("1.5.2")]),
    (b"EAPPVER rev26e\r\n", [AppVersion("rev26e")]),
    (b"ESREG 0\r\n", [Register("0")]),
    (b"ESREG 00000001\r\n", [Register("00000001")]),
    (METER.lower().encode() + b"\r\n", [LinkLocalAddress(METER)]),
    (
        f"EINFO {OWN} {MAC} 21 FFFF FFFE \r\n".encode(),
        [Info(ip=OWN, address=MAC, channel=0x21, pan_id=0xFFFF, side=None)],
    ),
    (
        f"EINFO {OWN} {MAC} 31 B5FB 0\r\n".encode(),
        [Info(ip=OWN, address=MAC, channel=0x31, pan_id=0xB5FB, side=0)],
    ),
]

EVENTS: list[tuple[bytes, list[Message]]] = [
    (
        f"EVENT 21 {METER} 0 00\r\n".encode(),
        [Event(EventNumber.UDP_SENT, METER, 0, SendResult.SENT)],
    ),
    (
        f"EVENT 21 {METER} 02\r\n".encode(),
        [Event(EventNumber.UDP_SENT, METER, None, SendResult.RESOLVING_ADDRESS)],
    ),
    (f"EVENT 25 {METER} 0\r\n".encode(), [Event(EventNumber.PANA_CONNECTED, METER, 0)]),
    (f"EVENT 25 {METER}\r\n".encode(), [Event(EventNumber.PANA_CONNECTED, METER)]),
    (f"EVENT 1f {OWN.lower()} 0\r\n".encode(), [Event(EventNumber.ENERGY_SCAN_FINISHED, OWN, 0)]),
    (f"EVENT 32 {OWN} FF\r\n".encode(), [Event(EventNumber.TRANSMIT_LIMIT_ON, OWN, 0xFF)]),
    (f"EVENT 45 {METER} 1 07\r\n".encode(), [Event(EventNumber.HAN_KEY_45, METER, 1, 7)]),
    (b"EVENT C0\r\n", [Event(EventNumber.WOKE_UP)]),
    (f"EVENT 99 {OWN}\r\n".encode(), [Event(0x99, OWN)]),
]

ECHOES: list[tuple[bytes, list[Message]]] = [
    (b"SKVER\r\nEVER 1.5.2\r\nOK\r\n", [Echo(b"SKVER"), Version("1.5.2"), Ok()]),
    (b"ROPT\r\nOK 01\r", [Echo(b"ROPT"), Ok("01")]),
    (
        f"SKSENDTO 1 {METER} 0E1A 1 0 000E \r\nEVENT 21 {METER} 0 00\r\nOK\r\n".encode(),
        [
            Echo(f"SKSENDTO 1 {METER} 0E1A 1 0 000E ".encode()),
            Event(EventNumber.UDP_SENT, METER, 0, 0),
            Ok(),
        ],
    ),
    # MB-RL7023-11 repeats the payload bytes from 0x20 up as well.
    (
        f"SKSENDTO 1 {METER} 0E1A 1 0 000E ".encode() + b"\x81RS\xff\x88b\xe7\r\nOK\r\n",
        [Echo(f"SKSENDTO 1 {METER} 0E1A 1 0 000E ".encode() + b"\x81RS\xff\x88b\xe7"), Ok()],
    ),
    # An unfinished command stands in front of what comes next.
    (b"SKSENDTO" + erxudp(b"\x10\x81"), [Echo(b"SKSENDTO"), datagram(b"\x10\x81")]),
    (b"SK" + erxudp(b"\r\n\r\n", binary=True), [Unknown(b"SK"), datagram(b"\r\n\r\n")]),
    (
        f"SEVENT 21 {METER} 0 00\r\n".encode(),
        [Unknown(b"S"), Event(EventNumber.UDP_SENT, METER, 0, 0)],
    ),
    (b"SKSFAIL ER09\r\n", [Echo(b"SKS"), Fail(FailCode.ER09)]),
    (b"SKSENDTOOK\r\n", [Echo(b"SKSENDTO"), Ok()]),
    (b"SOK\r\n", [Unknown(b"S"), Ok()]),
    (
        b"SKSC" + PAN_LINES + b"  Side:0\r\n  PairID:00000001\r\n",
        [Echo(b"SKSC"), PAN],
    ),
    # A password may end like an answer.
    (b"SKSETPWD C 0123456789OK\r\n", [Echo(b"SKSETPWD C 0123456789OK")]),
    (b"SKSETPWD C 0123EPANDESC\r\nOK\r\n", [Echo(b"SKSETPWD C 0123EPANDESC"), Ok()]),
    (b"SKSETPWD C 01234567EVER\r\n", [Echo(b"SKSETPWD C 01234567EVER")]),
    # What stands in front of OK must be a command, or it is no answer.
    (b"\x03OK\r\n", [Unknown(b"\x03OK")]),
]

DATAGRAMS: list[tuple[bytes, list[Message]]] = [
    (erxudp(b"\x10\x81\x00", tail="1"), [datagram(b"\x10\x81\x00", side=None)]),
    (erxudp(b"\x10\x81\x00", tail="1 0"), [datagram(b"\x10\x81\x00")]),
    (erxudp(b"\x10\x81\x00", tail="DD 1 0"), [datagram(b"\x10\x81\x00", rssi=0xDD)]),
    (erxudp(b"\x10\x81\x00", tail="4E 1"), [datagram(b"\x10\x81\x00", rssi=0x4E, side=None)]),
    (erxudp(b""), [datagram(b"")]),
    (erxudp(bytes(0x4D0)), [datagram(bytes(0x4D0))]),
    (erxudp(bytes(0x4D0), binary=True), [datagram(bytes(0x4D0))]),
]

RAW_PAYLOADS = [
    b"\x10\x81\x00\x01",
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n\r\n\r\n",
    b" ",
    b"   0012 ",
    b"0",
    b"00",
    b"1081",
    b"0123456789ABCDEFabcdef",
    b"00\r\n",
    b"0000\r\n00",
    b"OK\r\n",
    b"\r\nOK\r\n",
    b"\r\nERXUDP \r\n",
    b"\x10\x81\r\nEVENT 25 FE80:0000:0000:0000:C2F9:4500:4058:B5FB 0\r\n",
    erxudp(b"inner", binary=True),
    erxudp(b"inner"),
    bytes(range(256)),
]


@pytest.mark.parametrize(("data", "messages"), [*LINES, *EVENTS, *ECHOES, *DATAGRAMS[:5]])
def test_each_form_is_understood_however_it_is_cut(data: bytes, messages: list[Message]) -> None:
    assert_cuts_do_not_matter(data, messages)
    # and again in the middle of a conversation
    assert_cuts_do_not_matter(b"OK\r\n" + data + b"\r\nOK\r\n", [Ok(), *messages, Ok()])


@pytest.mark.parametrize(("data", "messages"), DATAGRAMS[5:])
def test_the_longest_datagrams_are_understood(data: bytes, messages: list[Message]) -> None:
    assert decode(data) == messages


@pytest.mark.parametrize("payload", RAW_PAYLOADS, ids=repr)
@pytest.mark.parametrize("binary", [False, True], ids=["hex", "raw"])
def test_any_payload_comes_through_in_both_formats(payload: bytes, *, binary: bool) -> None:
    data = erxudp(payload, binary=binary)
    assert_cuts_do_not_matter(data + b"OK\r\n", [datagram(payload), Ok()])
    both = erxudp(payload, binary=not binary)
    assert decode(data + both) == [datagram(payload)] * 2


def test_a_raw_datagram_waits_for_its_own_line_end_and_for_nothing_more() -> None:
    receiver = Receiver()
    data = erxudp(b"\x10\x81\r\n\x00", binary=True)
    assert receiver.receive(data[:-1]) == []
    assert receiver.receive(data[-1:]) == [datagram(b"\x10\x81\r\n\x00")]


def test_a_pan_description_is_complete_with_its_pair_id_and_without_waiting() -> None:
    data = PAN_LINES + b"  Side:0\r\n  PairID:00000001\r"
    assert_cuts_do_not_matter(data, [PAN])


def test_a_pan_description_of_single_firmware_has_no_side() -> None:
    assert_cuts_do_not_matter(
        PAN_LINES + b"  PairID:00000001\r\n",
        [PanDescription(0x31, 9, 0xB5FB, MAC, 0xDD, None, "00000001")],
    )


def test_a_pan_description_without_pair_id_ends_with_the_next_line() -> None:
    data = PAN_LINES + b"  Side:0\r\n" + f"EVENT 22 {OWN} 0\r\n".encode()
    expected: list[Message] = [
        PanDescription(0x31, 9, 0xB5FB, MAC, 0xDD, 0),
        Event(EventNumber.SCAN_FINISHED, OWN, 0),
    ]
    assert_cuts_do_not_matter(data, expected)


@pytest.mark.parametrize("after", range(1, 7))
def test_a_datagram_between_the_lines_of_a_pan_description_costs_nothing(after: int) -> None:
    lines = [*(PAN_LINES + b"  PairID:00000001\r\n").splitlines(keepends=True)]
    data = b"".join((*lines[:after], erxudp(b"x"), *lines[after:]))
    assert_cuts_do_not_matter(
        data,
        [datagram(b"x"), PanDescription(0x31, 9, 0xB5FB, MAC, 0xDD, pair_id="00000001")],
    )


@pytest.mark.parametrize("lead", [b"", b" ", b"  ", b"    "])
@pytest.mark.parametrize("trail", [b"", b" ", b"   "])
def test_blanks_around_the_fields_of_a_pan_description_do_not_matter(
    lead: bytes, trail: bytes
) -> None:
    head, *fields = (PAN_LINES + b"  PairID:00000001\r\n").splitlines()
    lines = [head, *(lead + field.strip() + trail for field in fields)]
    assert_cuts_do_not_matter(
        b"".join(line + b"\r\n" for line in lines),
        [PanDescription(0x31, 9, 0xB5FB, MAC, 0xDD, pair_id="00000001")],
    )


def test_silence_completes_a_pan_description_without_pair_id_and_is_no_loss() -> None:
    receiver = Receiver()
    assert receiver.receive(PAN_LINES) == []
    assert receiver.give_up() == [PanDescription(0x31, 9, 0xB5FB, MAC, 0xDD)]
    assert receiver.give_up() == []
    assert receiver.statistics == ReceiverStatistics(messages=1)


def test_unknown_fields_are_skipped() -> None:
    data = PAN_LINES + b"  Side:0\r\n  Relay Endpoint:1\r\n  PairID:00000001\r\n"
    assert decode(data) == [PAN]


def test_two_pan_descriptions_in_a_row_are_two() -> None:
    block = PAN_LINES + b"  Side:0\r\n  PairID:00000001\r\n"
    assert decode(block + block) == [PAN, PAN]
    assert len(decode(PAN_LINES + block)) == 2


@pytest.mark.parametrize(
    "damaged",
    [
        PAN_LINES.replace(b"  LQI:DD\r\n", b""),
        PAN_LINES.replace(b"LQI:DD", b"LQI:D"),
        PAN_LINES.replace(b"Pan ID:B5FB", b"Pan ID:B5F?"),
        PAN_LINES.replace(b"  LQI:DD\r\n", b"  Channel:39\r\n  LQI:DD\r\n"),
        b"EPANDESC\r\n",
    ],
)
def test_a_damaged_pan_description_is_dropped_and_counted(damaged: bytes) -> None:
    receiver = Receiver()
    messages = receiver.receive(damaged + b"  PairID:00000001\r\nOK\r\n")
    assert not any(isinstance(message, PanDescription) for message in messages)
    assert messages[-1] == Ok()
    assert receiver.statistics.incomplete_pan_descriptions == 1


def test_every_event_of_the_manuals_has_a_name() -> None:
    numbers = [0x01, 0x02, 0x05, 0x1F, *range(0x20, 0x23), *range(0x24, 0x2A), 0x2B, 0x2C]
    numbers += [0x32, 0x33, 0x45, 0x46, *range(0x50, 0x58), 0xC0]
    assert sorted(EventNumber) == numbers
    for number in numbers:
        (event,) = decode(f"EVENT {number:02X} {METER} 0\r\n".encode())
        assert isinstance(event, Event)
        assert event.number is EventNumber(number)


def test_every_error_code_of_the_manuals_has_a_name() -> None:
    assert [code.name for code in FailCode] == [f"ER{code:02d}" for code in range(1, 11)]
    for code in FailCode:
        assert decode(f"FAIL {code.name}\r\n".encode()) == [Fail(code)]


def test_link_quality_becomes_dbm() -> None:
    assert rssi_dbm(0) == pytest.approx(-104.27)
    assert rssi_dbm(0xDD) == pytest.approx(-43.495)


def test_no_message_shows_a_secret_or_an_address_when_printed() -> None:
    data = (
        PAN_LINES
        + b"  PairID:CCDDEEFF\r\n"
        + f"EVENT 25 {METER} 0\r\n{METER}\r\nEINFO {OWN} {MAC} 21 FFFF 0\r\n".encode()
        + erxudp(b"SM00112233445566778899AABBCCDDEEFF", binary=True)
        + b"SKSETPWD C 0123456789AB\r\nSETPWD C 0123456789AB\r\nESREG CCDDEEFF\r\n"
    )
    messages = decode(data)
    assert len(messages) == 8
    shown = repr(messages)
    for secret in ("CCDDEEFF", METER, OWN, MAC, "0123456789AB"):
        assert secret not in shown


def test_statistics_tell_what_was_understood() -> None:
    receiver = Receiver()
    receiver.receive(b"OK\r\nnonsense\r\n" + erxudp(b"\x10") + erxudp(b"\x10", size=9)[:-3])
    receiver.receive(b"\r\n\n\n\n\n\n\n\n\n\nOK\r\n")
    statistics = receiver.statistics
    assert (statistics.messages, statistics.datagrams) == (5, 1)
    assert (statistics.unknown_lines, statistics.damaged_datagrams) == (2, 1)
    assert statistics.dropped_bytes == 0
