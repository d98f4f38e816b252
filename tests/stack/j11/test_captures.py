"""What J11 dongles said is understood, whole and however it is cut; and we ask as others did."""

from collections import Counter

import pytest

from custom_components.wisun_route_b.stack.j11 import (
    Command,
    CommandCode,
    ConnectionChange,
    Message,
    PanaOutcome,
    Receiver,
    ResultCode,
    TransmitStatus,
    commands,
    messages,
)
from tests import transcripts
from tests.transcripts import Direction

from .wire import IP, MAC, assert_cuts_do_not_matter, decode

TORN = "33"
CAPTURES = [transcripts.load(number) for number in ("20", "30", "31", "32", "34")]
#: The credentials of ROHM's application note.
ROUTE_B_ID = "00112233445566778899AABBCCDDEEFF"
PASSWORD = "0123456789AB"
FIRST, LAST = "0001020304050607", "08090A0B0C0D0E0F"


def heard(number: str) -> list[Message]:
    return decode(b"".join(transcripts.load(number).received()))


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.name)
def test_a_capture_means_the_same_however_it_is_cut(capture: transcripts.Transcript) -> None:
    data = b"".join(capture.received())
    expected = [message for piece in capture.received() for message in decode(piece)]
    assert len(expected) == len(capture.received())
    assert_cuts_do_not_matter(data, expected)


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.name)
def test_every_frame_of_a_capture_is_known(capture: transcripts.Transcript) -> None:
    for data in capture.received():
        (message,) = decode(data)
        # The key of a session: we never ask for it, and show nothing of it.
        key = isinstance(message, messages.Unknown) and message.code == 0x2059
        assert key or not isinstance(message, messages.Unknown | messages.Malformed)


def test_30_a_whole_pairing_is_understood_in_order() -> None:
    heard_frames = heard("30")
    assert heard_frames[:3] == [
        messages.StartedUp(),
        messages.Response(CommandCode.SET_UP, ResultCode.SUCCESS),
        messages.Response(CommandCode.SET_CREDENTIALS, ResultCode.SUCCESS),
    ]
    assert heard_frames[3:13] == [
        *(messages.ScanResult(channel) for channel in range(4, 12)),
        messages.ScanResult(12, (messages.Beacon(MAC, 0xBCDE, -34),)),
        messages.Response(CommandCode.SCAN, ResultCode.SUCCESS),
    ]
    assert heard_frames[13:18] == [
        messages.Response(CommandCode.SET_UP, ResultCode.SUCCESS),
        messages.Response(
            CommandCode.START, ResultCode.SUCCESS, messages.Network(12, 0xBCDE, MAC, -34)
        ),
        messages.Response(CommandCode.OPEN_PORT, ResultCode.SUCCESS),
        messages.Response(CommandCode.START_PANA, ResultCode.SUCCESS),
        messages.PanaResult(PanaOutcome.AUTHENTICATED, MAC),
    ]
    push, sent, answer = heard_frames[18:]
    assert isinstance(push, messages.Datagram)
    assert (push.source, push.secured, push.multicast, push.rssi) == (IP, True, False, -34)
    assert (push.remote_port, push.local_port, push.pan_id) == (0x0E1A, 0x0E1A, 0xBCDE)
    assert push.payload.hex().upper() == "1081000102880105FF017301EA0B07DF081F151E0000000DAC"
    assert sent == messages.Response(
        CommandCode.TRANSMIT,
        ResultCode.SUCCESS,
        messages.Transmission(TransmitStatus.SENT, 0, bytes.fromhex("1081000605")),
    )
    assert isinstance(answer, messages.Datagram)
    assert (answer.pan_id, answer.rssi, len(answer.payload)) == (0x22A9, -53, 38)


def test_20_refused_commands_bring_their_result_only() -> None:
    found = Counter(type(message).__name__ for message in heard("20"))
    assert found == {
        "Response": 6,
        "StartedUp": 1,
        "ConnectionChanged": 1,
        "PanaResult": 1,
        "ScanResult": 1,
    }
    assert heard("20")[:6] == [
        messages.Response(
            CommandCode.VERSION,
            ResultCode.SUCCESS,
            messages.Version(messages.DUAL_FIRMWARE, 1, 3, 0x158A),
        ),
        messages.Response(CommandCode.STATUS, ResultCode.SUCCESS, messages.Status(2, 1, 3)),
        messages.Response(CommandCode.TRANSMIT, ResultCode.UNKNOWN_ADDRESS),
        messages.Response(
            CommandCode.TRANSMIT,
            ResultCode.SUCCESS,
            messages.Transmission(TransmitStatus.HOURLY_LIMIT, 1, b"\xab\xcd\xef"),
        ),
        messages.Response(CommandCode.START, ResultCode.UNKNOWN_ADDRESS),
        messages.Response(
            CommandCode.START, ResultCode.SUCCESS, messages.Network(8, 0xABCD, FIRST, -34)
        ),
    ]
    assert messages.ConnectionChanged(ConnectionChange.MAC_JOINED, FIRST, -34) in heard("20")


def test_31_a_real_version_and_a_push_to_all_nodes() -> None:
    version, push = heard("31")
    assert isinstance(version, messages.Response)
    assert isinstance(version.answer, messages.Version)
    assert version.answer.text == "1.3 rev 0000158A"
    assert isinstance(push, messages.Datagram)
    assert (push.multicast, push.secured, push.rssi) == (True, True, -60)
    assert push.payload.hex() == "1081905b0ef0010ef0017301d50401028801"


def test_34_the_rarer_frames() -> None:
    scan, received, key, pan, *plain = heard("34")
    assert scan == messages.ScanResult(
        12,
        (
            messages.Beacon(FIRST, 0xABCD, -34),
            messages.Beacon("0010203040506070", 0x1234, -104),
        ),
    )
    assert isinstance(received, messages.Datagram)
    assert (received.remote_port, received.local_port, received.pan_id) == (0xABCD, 0x1234, 0x5678)
    assert isinstance(key, messages.Unknown)
    assert LAST.lower() not in repr(key)
    assert pan == messages.Response(CommandCode.PAN_ID, ResultCode.SUCCESS, messages.PanId(0x0203))
    assert plain == [
        messages.Response(command, ResultCode.SUCCESS)
        for command in (
            CommandCode.END_PANA,
            CommandCode.END,
            CommandCode.REAUTHENTICATE,
            CommandCode.CLOSE_PORT,
            CommandCode.SET_NEIGHBOR_SOLICITATION,
            CommandCode.SET_FLOW_CONTROL,
        )
    ]


def test_33_a_whole_frame_behind_a_torn_one_is_found() -> None:
    """The payload is not in the capture, so its sum is mended here."""
    (entry,) = transcripts.load(TORN).entries
    assert entry.direction is Direction.RECEIVED
    torn, whole = entry.data[:25], bytearray(entry.data[25:])
    whole[10:12] = (sum(whole[12:]) % 0x10000).to_bytes(2)

    for cut in range(len(torn) + len(whole) + 1):
        receiver = Receiver()
        data = torn + bytes(whole)
        found = [*receiver.receive(data[:cut]), *receiver.receive(data[cut:])]

        (message,) = found
        assert isinstance(message, messages.Datagram)
        assert (message.pan_id, message.rssi, len(message.payload)) == (0x5678, -34, 70)
        assert receiver.statistics.bad_data_sums == 1
        assert receiver.statistics.dropped_bytes == len(torn)
        assert not receiver.incomplete


def test_we_write_what_the_application_note_writes() -> None:
    ours = [
        commands.reset(),
        commands.set_up(4),
        commands.set_credentials(ROUTE_B_ID, PASSWORD),
        commands.scan(6, pairing_id=ROUTE_B_ID[-8:]),
        commands.set_up(12),
        commands.start(),
        commands.open_port(),
        commands.start_pana(),
        commands.transmit(IP, bytes.fromhex("1081000605FF010288016202EA00EB00")),
    ]
    assert [command.data for command in ours] == transcripts.load("30").sent()


@pytest.mark.parametrize(
    ("command", "index"),
    [
        (commands.version(), 0),
        (commands.end_pana(), 1),
        (commands.end(), 2),
        (commands.reauthenticate(), 3),
    ],
    ids=lambda item: item.summary if isinstance(item, Command) else None,
)
def test_we_write_what_the_unit_tests_of_another_client_write(command: Command, index: int) -> None:
    sent = transcripts.load("20").sent()
    assert len(sent) == 5  # the last one switches flow control on, which we never do
    assert command.data == sent[index]
