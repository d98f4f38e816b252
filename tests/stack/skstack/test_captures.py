"""What real dongles said is understood, whole and however it is cut."""

from collections import Counter

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
    Unknown,
    Version,
)
from tests import transcripts
from tests.transcripts import Direction

from .wire import assert_cuts_do_not_matter, decode, erxudp

ECHONET = 0x0E1A
PANA = 0x02CC

#: Captures that hold something else than what a dongle says on its line.
PAYLOADS_ONLY = "18"
J11 = ("20", "30", "31", "32", "33", "34")


def heard(number: str) -> list[Message]:
    """Decode everything that the dongle of a capture said."""
    return decode(b"".join(transcripts.load(number).received()))


def of[M: Message](kind: type[M], messages: list[Message]) -> list[M]:
    """Pick the messages of one kind."""
    return [message for message in messages if isinstance(message, kind)]


def events(messages: list[Message]) -> list[tuple[int, int | None, int | None]]:
    """Return number, side and parameter of every event."""
    return [(item.number, item.side, item.parameter) for item in of(Event, messages)]


@pytest.mark.parametrize("capture", transcripts.load_all(), ids=lambda capture: capture.name)
def test_a_capture_means_the_same_however_it_is_cut(capture: transcripts.Transcript) -> None:
    data = b"".join(capture.received())
    assert_cuts_do_not_matter(data, decode(data))


@pytest.mark.parametrize(
    "capture",
    [item for item in transcripts.load_all() if not item.name.startswith((*J11, PAYLOADS_ONLY))],
    ids=lambda capture: capture.name,
)
def test_nothing_complete_in_a_capture_is_unknown(capture: transcripts.Transcript) -> None:
    complete = [
        entry.data
        for entry in capture.entries
        if entry.direction is Direction.RECEIVED and entry.complete
    ]
    expected_unknown = {
        "11": 2,  # lines that their author masked
        "14": 11,  # the rows of a port table
        "15": 2,  # the two lines of an energy scan
        "16": 1,  # the echo of a single character
    }
    unknown = of(Unknown, decode(b"".join(complete)))
    assert len(unknown) == expected_unknown.get(capture.name[:2], 0)


def test_01_a_whole_session_is_understood_in_order() -> None:
    messages = heard("01")
    assert Counter(type(message) for message in messages) == {
        Echo: 12,
        Ok: 10,
        Version: 1,
        Event: 10,
        PanDescription: 1,
        LinkLocalAddress: 1,
        Datagram: 7,
    }
    assert messages[:7] == [
        Echo(b"SKVER"),
        Version("1.5.2"),
        Ok(),
        Echo(b"ROPT"),
        Ok("01"),
        Echo(b"RUART"),
        Ok("80"),
    ]
    assert of(PanDescription, messages) == [
        PanDescription(
            channel=0x31,
            page=9,
            pan_id=0xB5FB,
            address="0011223344556677",
            lqi=0xDD,
            side=0,
            pair_id="00000001",
        )
    ]
    sent = (EventNumber.UDP_SENT, 0, 0)
    assert events(messages) == [
        (EventNumber.BEACON, 0, None),
        (EventNumber.SCAN_FINISHED, 0, None),
        (EventNumber.UDP_SENT, 0, 2),
        (EventNumber.NEIGHBOR_ADVERTISEMENT, 0, None),
        *[sent] * 4,
        (EventNumber.PANA_CONNECTED, 0, None),
        sent,
    ]


def test_01_the_sign_in_travels_on_its_own_port_and_in_clear_text() -> None:
    packets = [item for item in of(Datagram, heard("01")) if item.local_port == PANA]
    assert [len(packet.payload) for packet in packets] == [0x28, 0x68, 0x54, 0x58]
    assert not any(packet.secured for packet in packets)
    assert packets[1].payload.endswith(b"SM" + b"00000099021700000000000000000001")


def test_01_a_push_before_the_echo_and_a_glued_answer_both_arrive() -> None:
    push, echo, sent, ok, glue, answer = heard("01")[-6:]
    assert isinstance(push, Datagram)
    assert isinstance(answer, Datagram)
    assert push.payload[10:12] == b"\x73\x02"
    assert echo == Echo(b"SKSENDTO 1 FE80:0000:0000:0000:C2F9:4500:4058:B5FB 0E1A 1 0 000E ")
    assert isinstance(sent, Event)
    assert ok == Ok()
    assert glue == Echo(b"SKSENDTO")
    assert answer.payload == bytes.fromhex("1081525302880105FF017201E704000000E4")
    assert (answer.remote_port, answer.local_port, answer.side) == (ECHONET, ECHONET, 0)
    assert answer.secured


def test_04_the_pan_id_need_not_be_the_tail_of_the_mac_address() -> None:
    (pan,) = of(PanDescription, heard("04"))
    assert (pan.pan_id, pan.address, pan.channel, pan.lqi) == (
        0x0257,
        "38E08E00001C8257",
        0x3B,
        0xC4,
    )


def test_05_single_firmware_has_no_sides() -> None:
    messages = heard("05")
    assert messages[0] == Info(
        ip="FE80:0000:0000:0000:1234:5678:1234:5678",
        address="1234567812345678",
        channel=0x21,
        pan_id=0xFFFF,
        side=None,
    )
    (pan,) = of(PanDescription, messages)
    assert (pan.side, pan.lqi, pan.pair_id) == (None, 0x2D, "12345678")
    assert events(messages) == [
        (EventNumber.BEACON, None, None),
        (EventNumber.SCAN_FINISHED, None, None),
        (EventNumber.UDP_SENT, None, 2),
        (EventNumber.NEIGHBOR_ADVERTISEMENT, None, None),
        (EventNumber.PANA_CONNECTED, None, None),
    ]
    (packet,) = of(Datagram, messages)
    assert (packet.side, packet.rssi, packet.local_port) == (None, None, PANA)


def test_06_an_announcement_arrives_between_request_and_answer() -> None:
    announcement, *answers = of(Datagram, heard("06"))
    assert announcement.destination == "FF02:0000:0000:0000:0000:0000:0000:0001"
    assert announcement.payload.endswith(bytes.fromhex("D50401028801"))
    assert answers[-1].payload.endswith(bytes.fromhex("FFFFF856"))
    assert [answer.local_port for answer in answers].count(PANA) == 1


def test_08_a_whole_day_of_history_fits_into_one_datagram() -> None:
    datagrams = of(Datagram, heard("08"))
    assert len(datagrams) == 22
    assert len(datagrams[-1].payload) == 0xD0
    assert len({datagram.address for datagram in datagrams}) == 1


def test_13_raw_payloads_are_taken_by_their_length() -> None:
    messages = heard("13")
    datagrams = of(Datagram, messages)
    assert [len(item.payload) for item in datagrams] == [0x28, 0x68, 0x54, 0x58, 0x12, 0x12]
    assert [item.local_port for item in datagrams] == [PANA] * 4 + [ECHONET] * 2
    assert datagrams[-1].payload == bytes.fromhex("1081000102880105FF017201E704000001F8")
    assert len(of(Event, messages)) == 5
    assert len(messages) == 11


def test_13_the_same_payloads_in_hexadecimal_digits_mean_the_same() -> None:
    payloads = [item.payload for item in of(Datagram, heard("13"))]
    raw = decode(*(erxudp(payload, binary=True) for payload in payloads))
    printed = decode(*(erxudp(payload) for payload in payloads))
    assert raw == printed
    assert [item.payload for item in of(Datagram, raw)] == payloads


def test_14_answers_of_a_product_command_end_with_a_bare_cr() -> None:
    messages = heard("14")
    assert messages[-2:] == [Ok("00"), Ok()]
    assert AppVersion("rev26e") in messages
    assert Version("1.2.10") in messages
    (info,) = of(Info, messages)
    assert (info.pan_id, info.side) == (0x8888, None)


def test_15_16_17_refusals_are_told_apart() -> None:
    assert of(Fail, heard("15")) == [Fail(FailCode.ER06)]
    assert heard("16")[3:5] == [Unknown(b"S"), Fail(FailCode.ER09)]
    assert [item.code for item in of(Fail, heard("17"))] == [4, 4, 4, 5, 5, 10, 5, 6]


def test_18_pushes_come_through_in_both_formats() -> None:
    for payload in transcripts.load(PAYLOADS_ONLY).received():
        for binary in (False, True):
            (datagram,) = of(Datagram, decode(erxudp(payload, binary=binary)))
            assert datagram.payload == payload


def test_the_binary_protocol_of_j11_is_noise() -> None:
    receiver = Receiver()
    frames = [frame for number in J11 for frame in transcripts.load(number).received()]
    for frame in frames:
        assert all(isinstance(item, Unknown) for item in receiver.receive(frame))
    receiver.receive(b"\r\n")
    assert receiver.receive(b"OK\r\n") == [Ok()]
