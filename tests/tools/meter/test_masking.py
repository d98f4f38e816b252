"""What is masked, what stays, and that the parser reads both alike."""

import pytest

from custom_components.wisun_route_b.stack import Credentials
from custom_components.wisun_route_b.stack.echonet import CONTROLLER, ESV, METER, Frame, Property
from custom_components.wisun_route_b.stack.skstack import Datagram, Receiver
from tests import transcripts
from tests.stack.scripted import DONGLE_IP, METER_IP, METER_MAC, erxudp
from tests.transcripts import Transcript
from tools.meter.recorder import Masker
from tools.meter.recorder.splitter import Splitter

from .shell import PASSWORD, ROUTE_B_ID

CAPTURES = [
    capture
    for capture in transcripts.load_all()
    if capture.received() and all(entry.complete for entry in capture.entries)
]


def masker() -> Masker:
    return Masker(Credentials(ROUTE_B_ID, PASSWORD))


def mask(line: str) -> str:
    return masker()(line.encode()).decode()


def _payload_of(line: bytes) -> bytes:
    (message,) = Receiver().receive(line)
    assert isinstance(message, Datagram)
    return message.payload


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.name)
@pytest.mark.parametrize("piece", [1, 7, 4096])
def test_captures_stay_the_same_to_the_parser(capture: Transcript, piece: int) -> None:
    wire = b"".join(capture.received())
    splitter, hide = Splitter(), masker()
    lines = [
        line for at in range(0, len(wire), piece) for line in splitter.feed(wire[at : at + piece])
    ]
    lines.append(splitter.rest())
    masked = [
        hide(line.removesuffix(b"\r\n")) + (b"\r\n" if line.endswith(b"\r\n") else b"")
        for line in lines
    ]

    assert b"".join(lines) == wire
    assert list(map(len, masked)) == list(map(len, lines))
    kinds, masked_kinds = (
        [type(message) for message in Receiver().receive(data)] for data in (wire, b"".join(masked))
    )
    assert masked_kinds == kinds


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        (f"SKSETPWD C {PASSWORD}", "SKSETPWD C 0123456789AB"),
        (f"SKSETRBID {ROUTE_B_ID}", "SKSETRBID 00112233445566778899AABBCCDDEEFF"),
        ("SKSETRBID 0A1B 2C3D", "SKSETRBID 001122334"),
        (f"  PairID:{ROUTE_B_ID[-8:]}", "  PairID:CCDDEEFF"),
        ("  PairID:89ABCDEF", "  PairID:00000001"),
        (f"SKSREG SA {ROUTE_B_ID[-8:]}", "SKSREG SA CCDDEEFF"),
        ("  Pan ID:21A3", "  Pan ID:0001"),
        ("SKSREG S3 21A3", "SKSREG S3 0001"),
        (f"  Addr:{METER_MAC}", "  Addr:0000000000000001"),
        (f"SKLL64 {METER_MAC}", "SKLL64 0000000000000001"),
        (METER_IP, "FE80:0000:0000:0000:0200:0000:0000:0001"),
        (
            f"EVENT 02 FF02:0000:0000:0000:0000:0001:FF{METER_IP[-7:]}",
            "EVENT 02 FF02:0000:0000:0000:0000:0000:0000:0000",
        ),
        (f"EVENT 21 {METER_IP} 00", "EVENT 21 FE80:0000:0000:0000:0200:0000:0000:0001 00"),
        (
            f"EINFO {DONGLE_IP} 001D12900005747B 21 FFFF FFFE",
            "EINFO FE80:0000:0000:0000:0200:0000:0000:0001 0000000000000001 21 FFFF FFFE",
        ),
    ],
)
def test_every_place_of_a_secret_is_known(line: str, masked: str) -> None:
    assert mask(line) == masked
    assert len(mask(line)) == len(line)


@pytest.mark.parametrize(
    "line",
    [
        "EVER 1.5.2",
        "OK",
        "FAIL ER04",
        "SKSCAN 2 FFFFFFFF 6 0",
        "SKSREG SFE 0",
        "  LQI:98",
        "EVENT 32 FF02:0000:0000:0000:0000:0000:0000:0001",
    ],
)
def test_what_is_technical_stays(line: str) -> None:
    assert mask(line) == line


@pytest.mark.parametrize(
    "line",
    [
        f"VENT 21 {METER_IP[:-3]}",
        f"EPANDESCAddr{METER_MAC}{METER_MAC}",
        f"#?{PASSWORD}!!",
        f"%{ROUTE_B_ID.lower()}.",
        f"{ROUTE_B_ID[:20]} {ROUTE_B_ID[20:]}",
        f"ERXUDP {METER_IP} {DONGLE_IP[:20]}\x02 0E1A {METER_MAC}",
    ],
)
def test_rags_of_a_secret_in_noise_are_masked(line: str) -> None:
    masked = mask(line)

    assert len(masked) == len(line)
    for secret in (METER_IP[20:-3], METER_MAC, PASSWORD, ROUTE_B_ID[:20], ROUTE_B_ID[20:]):
        assert secret.upper() not in masked.upper()


def test_sign_in_keeps_its_form_and_loses_its_keys() -> None:
    (challenge,) = (
        line
        for line in transcripts.load("13").received()
        if b"SM000000" in line and b"\x2f" in line
    )
    masked = masker()(challenge)

    assert len(masked) == len(challenge)
    assert b"SM000000" not in masked
    assert masked.count(b"\x00\x05\x00\x00\x00\x10") == 1  # the nonce is there, its value is not
    result = next(line for line in transcripts.load("13").received() if b" 0058 " in line)
    assert b"\x00\x01\x51\x80" in masker()(result)  # the lifetime is no secret


def test_sign_in_that_makes_no_sense_is_blanked_to_its_end() -> None:
    secret = b"SM" + ROUTE_B_ID.encode()
    line = erxudp(bytes(16) + secret, port="02CC", secured="0").rstrip()

    payload = _payload_of(masker()(line) + b"\r\n")
    assert payload == bytes(16 + len(secret))


@pytest.mark.parametrize(
    ("epc", "edt", "kept"),
    [
        (0x8D, b"F24G647522\x00\x00", b""),
        (0xC0, b"\x00\x00\x00\x16" + bytes(range(1, 13)), b"\x00\x00\x00\x16"),
        (0x83, b"\xfe\x00\x00\x16" + bytes(range(1, 14)), b"\xfe\x00\x00\x16"),
        (0x81, b"\x01" + bytes(range(1, 17)), b"\x01"),
        (0x81, b"\x61", b"\x61"),
        (0xE0, b"\x00\x00\xfe\x73", b"\x00\x00\xfe\x73"),
    ],
)
@pytest.mark.parametrize("binary", [False, True])
def test_properties_that_tell_households_apart_are_blanked(
    epc: int, edt: bytes, kept: bytes, binary: bool
) -> None:
    listed = (Property(0x80, b"\x30"), Property(epc, edt), Property(0xE7, b"\x00\x00\x02\x78"))
    payload = Frame(7, METER, CONTROLLER, ESV.GET_RES, listed).encode()
    line = erxudp(payload)
    if binary:
        line = line.replace(payload.hex().upper().encode(), payload)

    frame = Frame.decode(_payload_of(masker()(line.removesuffix(b"\r\n")) + b"\r\n"))

    assert frame.properties[0] == listed[0]
    assert frame.properties[1] == Property(epc, kept.ljust(len(edt), b"\x00"))
    assert frame.properties[2] == listed[2]


def test_identification_that_is_the_route_b_id_is_found_anywhere() -> None:
    raw = bytes.fromhex(ROUTE_B_ID)
    payload = Frame(7, METER, CONTROLLER, ESV.GET_RES, (Property(0xF0, raw),)).encode()

    for line in (erxudp(payload).rstrip(), b"junk " + raw, b"junk " + raw.hex().encode()):
        masked = masker()(line)
        assert raw not in masked
        assert ROUTE_B_ID.encode() not in masked.upper()


@pytest.mark.parametrize("cut", range(0, 200, 3))
def test_datagram_that_breaks_off_gives_nothing_away(cut: int) -> None:
    payload = Frame(7, METER, CONTROLLER, ESV.GET_RES, (Property(0x8D, b"F24G647522\0\0"),))
    wire = (
        erxudp(payload.encode())[:cut]
        + f"\r\nEVENT 22 {METER_IP}\r\n  Addr:{METER_MAC}\r\n".encode()
    )
    splitter, hide = Splitter(), masker()

    lines = [*splitter.feed(wire), splitter.rest()]
    masked = b"\n".join(map(hide, lines))

    assert b"".join(lines) == wire
    assert METER_MAC.encode() not in masked
    assert METER_IP[20:].encode() not in masked
    assert b"F24G647522".hex().encode() not in masked


def test_without_credentials_shapes_are_masked_all_the_same() -> None:
    hide = Masker(None)

    assert METER_MAC.encode() not in hide(f"  Addr:{METER_MAC}".encode())
    assert ROUTE_B_ID.encode() not in hide(f"echo {ROUTE_B_ID}".encode())
