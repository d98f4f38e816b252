"""Frames are shown byte by byte, without what identifies a household."""

from hypothesis import given, strategies as st
import pytest

from custom_components.wisun_route_b.stack import properties as meter_properties
from custom_components.wisun_route_b.stack.echonet import (
    CONTROLLER,
    ESV,
    METER,
    NODE_PROFILE,
    Frame,
    Property,
)
from custom_components.wisun_route_b.stack.trace.masked_frame import masked_frame
from tests.stack.scripted import METER_IP, METER_SAYS
from tests.stack.secret_scan import traces

SERIAL = b"F24G366505\0\0"
POWER = Property(0xE7, bytes.fromhex("00000278"))


def answer(*properties: Property) -> bytes:
    return Frame(0x1234, METER, CONTROLLER, ESV.GET_RES, properties).encode()


def test_frame_is_told_field_by_field() -> None:
    request = Frame(7, CONTROLLER, METER, ESV.GET, (Property(0xE7), Property(0xE8)))

    assert masked_frame(request.encode()) == "1081 0007 05FF01 028801 62 02 E7 00 E8 00"
    assert masked_frame(answer(POWER)) == "1081 1234 028801 05FF01 72 01 E7 04 00000278"


@pytest.mark.parametrize("epc", [epc for epc in METER_SAYS if epc != 0x8D])
def test_everything_else_that_a_captured_meter_says_is_shown(epc: int) -> None:
    edt = METER_SAYS[epc]

    assert masked_frame(answer(Property(epc, bytes.fromhex(edt)))).endswith(
        f" {epc:02X} {len(edt) // 2:02X} {edt}"
    )


@pytest.mark.parametrize(
    ("epc", "edt"),
    [
        (0x81, b"\x01" + bytes(range(16))),
        (0x83, b"\xfe\x00\x00\x16" + bytes(range(1, 14))),
        (0x8C, b"PRODUCT-0123"),
        (0x8D, SERIAL),
        (0xC0, b"\x00\x00\x00\x16" + bytes(range(1, 13))),
        (0xF0, b"\x01"),
        (0xE0, bytes(12)),
    ],
)
def test_identifying_unknown_and_impossible_data_are_masked(epc: int, edt: bytes) -> None:
    assert masked_frame(answer(Property(epc, edt), POWER)).endswith(
        f" {epc:02X} {len(edt):02X} **** E7 04 00000278"
    )


def test_text_that_could_be_a_property_map_is_masked() -> None:
    text = b"FE80:0000:0000:1"
    edt = bytes((int.from_bytes(text).bit_count(), *text))
    assert meter_properties.PROPERTIES[0x9F].decode(edt)

    assert masked_frame(answer(Property(0x9F, edt))).endswith(" 9F 11 ****")


def test_no_property_begins_with_a_letter() -> None:
    assert masked_frame(answer(POWER, Property(ord("F"), b"2"))).endswith(
        " 00000278 **** (3 bytes)"
    )


def test_refused_and_requested_properties_have_nothing_to_mask() -> None:
    assert masked_frame(answer(Property(0x8D), Property(0x83))).endswith(" 8D 00 83 00")


def test_instance_list_is_shown() -> None:
    listed = (Property(0xD5, b"\x01\x02\x88\x01"),)
    frame = Frame(0, NODE_PROFILE, NODE_PROFILE, ESV.INF, listed).encode()

    assert masked_frame(frame).endswith(" D5 04 01028801")


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        (b"", "**** (0 bytes)"),
        (b"\x10\x82" + bytes(12), "**** (14 bytes)"),
        (answer(POWER)[:4] + b"\x11\x22\x33" + answer(POWER)[7:], "**** (18 bytes)"),
        (answer(POWER)[:-1], "1081 1234 028801 05FF01 72 01 **** (5 bytes)"),
        (answer(POWER) + b"?", "1081 1234 028801 05FF01 72 01 E7 04 00000278 **** (1 bytes)"),
    ],
)
def test_rest_is_masked_from_the_first_byte_that_makes_no_sense(payload: bytes, shown: str) -> None:
    assert masked_frame(payload) == shown


FRAMES = [
    answer(Property(0x8D, SERIAL), POWER),
    answer(*(Property(epc, bytes.fromhex(edt)) for epc, edt in METER_SAYS.items())),
    answer(Property(0xE2, bytes(194))),
]


@given(st.sampled_from(FRAMES), st.data())
def test_no_damage_brings_the_serial_number_to_light(payload: bytes, data: st.DataObject) -> None:
    damaged = bytearray(payload)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))

    for wire in (bytes(damaged), bytes(damaged[:cut]), bytes(damaged[cut:])):
        assert traces(masked_frame(wire), words=["F24G366505"]) == []


@given(st.sampled_from(FRAMES), st.integers(0, 200))
def test_swallowed_line_brings_no_address_to_light(payload: bytes, at: int) -> None:
    line = f"\r\nEVENT 21 {METER_IP} 00\r\n".encode()
    swallowed = payload[:at] + line + payload[at + len(line) :]

    assert traces(masked_frame(swallowed), macs=["001C6400601421A3"]) == []
