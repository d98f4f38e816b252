"""Every code of Route B has its exact layout; what does not fit is malformed, never a guess."""

import dataclasses
from random import Random

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.wisun_route_b.stack.j11 import (
    CommandCode,
    ConnectionChange,
    Message,
    NotificationCode,
    PanaOutcome,
    Reaction,
    Receiver,
    ReceptionFault,
    ResultCode,
    TransmitStatus,
    messages,
)
from custom_components.wisun_route_b.stack.j11.results import reaction, transmit_reaction

from .wire import IP, IP_BYTES, MAC, MAC_BYTES, datagram, decode, frame

#: Commands that bring data beside a success, and such data.
ANSWERS: dict[CommandCode, tuple[bytes, messages.Answer]] = {
    CommandCode.STATUS: (bytes.fromhex("030301"), messages.Status(3, 3, 1)),
    CommandCode.OPEN_PORTS: (
        bytes.fromhex("02 0E1A 1F90"),
        messages.Ports((0x0E1A, 0x1F90)),
    ),
    CommandCode.TRANSMIT: (
        bytes.fromhex("05 1081000105"),
        messages.Transmission(TransmitStatus.NOT_ACKNOWLEDGED, 0, bytes.fromhex("1081000105")),
    ),
    CommandCode.OWN_IP: (IP_BYTES, messages.OwnIp(IP)),
    CommandCode.OWN_MAC: (MAC_BYTES, messages.OwnMac(MAC)),
    CommandCode.CONNECTIONS: (
        bytes.fromhex("01 01") + MAC_BYTES + bytes.fromhex("22A9 01 07 02"),
        messages.Connections((messages.Connection(MAC, 0x22A9, 1, 7, 2),)),
    ),
    CommandCode.START: (
        bytes.fromhex("0C 22A9") + MAC_BYTES + b"\xcb",
        messages.Network(12, 0x22A9, MAC, -53),
    ),
    CommandCode.PAN_ID: (bytes.fromhex("22A9"), messages.PanId(0x22A9)),
    CommandCode.VERSION: (
        bytes.fromhex("0400 01 03 0000158A"),
        messages.Version(0x0400, 1, 3, 0x158A),
    ),
    CommandCode.ENERGY_SCAN: (
        bytes.fromhex("02 04 00 11 FF"),
        messages.EnergyScan((messages.Level(4, 0), messages.Level(17, 0xFF))),
    ),
    CommandCode.TERMINALS: (
        bytes.fromhex("05 01") + IP_BYTES + bytes.fromhex("07 02"),
        messages.Terminals(5, (messages.Terminal(IP, 7, 2),)),
    ),
    CommandCode.NEIGHBOR_SOLICITATION: (b"\x00", messages.Choice(0)),
    CommandCode.SETTINGS: (bytes.fromhex("05 00 0C 00"), messages.Settings(5, 0, 12, 0)),
    CommandCode.FLOW_CONTROL: (b"\x01", messages.Choice(1)),
}
NOTIFICATIONS: dict[NotificationCode, tuple[bytes, Message]] = {
    NotificationCode.SCAN_RESULT: (
        bytes.fromhex("00 11 01") + MAC_BYTES + bytes.fromhex("22A9 98"),
        messages.ScanResult(17, (messages.Beacon(MAC, 0x22A9, -104),)),
    ),
    NotificationCode.DATAGRAM: (
        datagram(b"\x10\x81"),
        messages.Datagram(IP, 0x0E1A, 0x0E1A, 0x22A9, False, True, -53, b"\x10\x81"),
    ),
    NotificationCode.STARTED_UP: (b"", messages.StartedUp()),
    NotificationCode.CONNECTION_CHANGED: (
        b"\x03" + MAC_BYTES + b"\x00",
        messages.ConnectionChanged(ConnectionChange.MAC_LOST, MAC, None),
    ),
    NotificationCode.PANA_RESULT: (
        b"\x03" + MAC_BYTES,
        messages.PanaResult(PanaOutcome.UNANSWERED, MAC),
    ),
    NotificationCode.RECEPTION_FAILED: (
        b"\x40" + IP_BYTES + bytes.fromhex("7F 01 ABCD 1081"),
        messages.ReceptionFailed(ReceptionFault.UDP, IP, 0x7F, True, 0xABCD, b"\x10\x81"),
    ),
    NotificationCode.PING_RESULT: (b"\x00", messages.PingResult(answered=False)),
}
#: Messages that may grow: their last field takes up to five bytes, or whatever is echoed.
ELASTIC = {0x2008, 0x6038, 0x60D1}
LAYOUTS = {
    **{code | 0x2000: b"\x01" + data for code, (data, _) in ANSWERS.items()},
    **{int(code): data for code, (data, _) in NOTIFICATIONS.items()},
    **{code | 0x2000: b"\x01" for code in CommandCode if code not in ANSWERS},
}


def only(code: int, data: bytes) -> Message:
    (message,) = decode(frame(code, data))
    return message


# --- What is understood ------------------------------------------------------------------


@pytest.mark.parametrize("code", ANSWERS, ids=lambda code: code.name)
def test_a_success_brings_what_was_asked_for(code: CommandCode) -> None:
    data, answer = ANSWERS[code]
    expected = messages.Response(code, ResultCode.SUCCESS, answer)
    assert only(code | 0x2000, b"\x01" + data) == expected


@pytest.mark.parametrize("code", NOTIFICATIONS, ids=lambda code: code.name)
def test_a_notification_is_understood(code: NotificationCode) -> None:
    data, message = NOTIFICATIONS[code]
    assert only(code, data) == message


@pytest.mark.parametrize("code", CommandCode, ids=lambda code: code.name)
def test_a_refusal_brings_its_result_only(code: CommandCode) -> None:
    for result in (0x00, *range(2, 0x100)):
        message = only(code | 0x2000, bytes((result,)))
        assert message == messages.Response(code, result)
        assert isinstance(message, messages.Response)
        assert isinstance(message.result, ResultCode) is (result in ResultCode)


@pytest.mark.parametrize("code", [0x2FFF, 0xFFFF])
def test_a_request_that_was_not_read_is_rejected_without_its_name(code: int) -> None:
    assert only(code, b"\xf0") == messages.Rejection(ResultCode.HEADER_DAMAGED)
    assert only(code, b"\x03") == messages.Rejection(ResultCode.UNKNOWN_COMMAND)
    assert isinstance(only(code, b""), messages.Malformed)


@pytest.mark.parametrize(
    "code", [0x0001, 0x006B, 0x2002, 0x2059, 0x20F0, 0x4052, 0x6023, 0x6034, 0xDFFF, 0x0000]
)
def test_other_codes_are_kept_as_they_are(code: int) -> None:
    assert only(code, b"\x01\x02") == messages.Unknown(code, b"\x01\x02")


def test_a_scan_may_hear_twenty_devices_on_a_channel() -> None:
    device = MAC_BYTES + bytes.fromhex("22A9 CB")
    message = only(0x4051, bytes((0, 4, 20)) + device * 20)
    assert message == messages.ScanResult(4, (messages.Beacon(MAC, 0x22A9, -53),) * 20)
    assert isinstance(only(0x4051, bytes((0, 4, 21)) + device * 21), messages.Malformed)
    assert isinstance(only(0x4051, bytes((0, 4, 20)) + device * 19), messages.Malformed)


@pytest.mark.parametrize(
    ("byte", "dbm"), [(0x98, -104), (0xDE, -34), (0x97, None), (0xDF, None), (0, None), (90, None)]
)
def test_a_signal_strength_that_no_dongle_measures_is_none(byte: int, dbm: int | None) -> None:
    received = only(0x6018, datagram(b"", rssi=byte))
    assert isinstance(received, messages.Datagram)
    assert received.rssi == dbm
    changed = only(0x601A, b"\x04" + MAC_BYTES + bytes((byte,)))
    assert isinstance(changed, messages.ConnectionChanged)
    assert changed.rssi == dbm


@pytest.mark.parametrize("encryption", [0, 1, 3, 0xFF])
def test_only_what_is_marked_as_encrypted_is_secured(encryption: int) -> None:
    received = only(0x6018, datagram(b"x", encryption=encryption))
    assert isinstance(received, messages.Datagram)
    assert not received.secured


def test_the_largest_datagram_fits_and_a_larger_one_does_not() -> None:
    largest = only(0x6018, datagram(bytes(1232)))
    assert isinstance(largest, messages.Datagram)
    assert len(largest.payload) == 1232
    assert isinstance(only(0x6018, datagram(bytes(1233))), messages.Malformed)


@pytest.mark.parametrize("size", [0, 1, 3, 4, 0x04D0, 0xFFFF])
def test_a_datagram_must_have_the_size_that_it_names(size: int) -> None:
    assert isinstance(only(0x6018, datagram(b"\x10\x81", size=size)), messages.Malformed)


def test_energy_becomes_dbm() -> None:
    assert messages.Level(4, 0).dbm == pytest.approx(-104.27)
    assert messages.Level(4, 255).dbm == pytest.approx(-34.145)


# --- What is not -------------------------------------------------------------------------


@pytest.mark.parametrize("code", LAYOUTS, ids=lambda code: f"{code:04X}")
def test_data_of_another_size_are_malformed(code: int) -> None:
    data = LAYOUTS[code]
    assert not isinstance(only(code, data), messages.Malformed)
    elastic = code in ELASTIC
    for size in range(len(data)):
        message = only(code, data[:size])
        # What is left of a response to a transmission may be its result and nothing else.
        assert isinstance(message, messages.Malformed) or elastic, size
    assert isinstance(only(code, data + b"\x00"), messages.Malformed) or elastic
    if code != 0x60D1:
        assert isinstance(only(code, data + bytes(6)), messages.Malformed)


@pytest.mark.parametrize("channel", [0, 3, 18, 0xFF])
def test_a_channel_that_does_not_exist_is_malformed(channel: int) -> None:
    place = bytes((channel,)) + bytes.fromhex("22A9") + MAC_BYTES + b"\xcb"
    assert isinstance(only(0x2053, b"\x01" + place), messages.Malformed)
    assert isinstance(only(0x4051, bytes((1, channel))), messages.Malformed)


def test_a_flag_that_is_none_is_malformed() -> None:
    fault = b"\x40" + IP_BYTES + bytes.fromhex("7F 02 ABCD")
    assert isinstance(only(0x6038, fault), messages.Malformed)
    assert isinstance(only(0x2011, b"\x01\x02"), messages.Malformed)


@settings(max_examples=500, derandomize=True, deadline=None)
@given(st.sampled_from(sorted(LAYOUTS)), st.binary(max_size=80))
def test_no_data_break_the_parser(code: int, data: bytes) -> None:
    receiver = Receiver()
    (message,) = receiver.receive(frame(code, data))
    counted = receiver.statistics
    assert counted.messages == 1
    assert counted.malformed == isinstance(message, messages.Malformed)
    assert counted.dropped_bytes == 0


def test_what_is_dropped_or_not_understood_is_counted() -> None:
    receiver = Receiver()
    receiver.receive(b"noise" + frame(0x6023, b"\x01") + frame(0x6028, b"\x01"))
    receiver.receive(frame(0x6019, data_sum=1) + frame(0x6019, length=2))
    receiver.receive(frame(0x6019)[:11])
    assert receiver.incomplete
    receiver.give_up()
    counted = receiver.statistics
    assert dataclasses.asdict(counted) == {
        "messages": 2,
        "unknown": 1,
        "malformed": 1,
        "dropped_bytes": 5 + 12 + 12 + 11,
        "bad_headers": 1,
        "bad_data_sums": 1,
        "unfinished": 1,
    }


# --- What is to be done ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "results"),
    [
        (Reaction.NONE, (0x01, 0x0A, 0x0B, 0x58)),
        (Reaction.RETRY, (0x0E, 0x13, 0x3C, 0x3D, 0xF0, 0xF1)),
        (
            Reaction.RESYNCHRONIZE,
            (*(0x02, 0x06, 0x0F, 0x10, 0x12, 0x20, 0x21, 0x33, 0x34, 0x35, 0x37, 0x52),),
        ),
        (Reaction.SET_CREDENTIALS, (0x51,)),
        (
            Reaction.FAIL,
            (
                *(0x03, 0x04, 0x0C, 0x11, 0x14, 0x3E, 0x3F, 0x46, 0x53, 0x59, 0x61, 0xF2, 0xF3),
                *(0x00, 0x05, 0x77, 0xFF),
            ),
        ),
    ],
    ids=lambda item: item.name if isinstance(item, Reaction) else "",
)
def test_every_result_has_a_remedy(expected: Reaction, results: tuple[int, ...]) -> None:
    assert [reaction(result) for result in results] == [expected] * len(results)
    for result in results:
        if result in ResultCode:
            assert ResultCode(result).reaction is expected
            assert messages.Response(CommandCode.STATUS, ResultCode(result)).reaction is expected
            assert messages.Rejection(ResultCode(result)).reaction is expected


def test_no_result_is_without_a_remedy() -> None:
    assert {result.reaction for result in ResultCode} == set(Reaction) - {Reaction.WAIT}


@pytest.mark.parametrize(
    ("digit", "expected"),
    [
        (0x0, Reaction.NONE),
        (0x2, Reaction.WAIT),
        (0x3, Reaction.RETRY),
        (0x5, Reaction.RETRY),
        (0x8, Reaction.RETRY),
        (0xF, Reaction.NONE),
        (0x7, Reaction.RETRY),
    ],
)
def test_every_transmission_has_a_remedy(digit: int, expected: Reaction) -> None:
    message = only(0x2008, bytes((1, digit | 0x20)))
    assert isinstance(message, messages.Response)
    assert isinstance(message.answer, messages.Transmission)
    assert message.answer.queue == 2
    assert message.answer.reaction is expected
    assert transmit_reaction(digit) is expected


# --- Secrets -----------------------------------------------------------------------------


def test_no_repr_shows_an_address_or_a_payload() -> None:
    random = Random(5)
    for code, data in LAYOUTS.items():
        for message in (only(code, data), only(code, random.randbytes(90))):
            text = repr(message).upper()
            assert MAC not in text
            assert IP not in text
            assert "1081" not in text
            assert "\\X" not in text
