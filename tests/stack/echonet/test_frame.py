"""ECHONET Lite frames, against captured and documented bytes."""

from hypothesis import given, strategies as st
import pytest

from custom_components.wisun_route_b.stack.echonet import (
    CONTROLLER,
    ESV,
    METER,
    NODE_PROFILE,
    Frame,
    Property,
)
from custom_components.wisun_route_b.stack.errors import DecodeError, EncodeError

GOLDEN = {
    "Get of power and currents": (
        "1081000105FF010288016202E700E800",
        Frame(1, CONTROLLER, METER, ESV.GET, (Property(0xE7), Property(0xE8))),
    ),
    "SetC of the history day": (
        "1081000405FF010288016101E50101",
        Frame(4, CONTROLLER, METER, ESV.SET_C, (Property(0xE5, b"\x01"),)),
    ),
    "captured refusal of EPC 83 (capture 08)": (
        "1081000102880105FF0152018300",
        Frame(1, METER, CONTROLLER, ESV.GET_SNA, (Property(0x83),)),
    ),
    "captured instance list (capture 01)": (
        "108100000EF0010EF0017301D50401028801",
        Frame(
            0,
            NODE_PROFILE,
            NODE_PROFILE,
            ESV.INF,
            (Property(0xD5, bytes.fromhex("01028801")),),
        ),
    ),
    "captured INFC push (capture 18)": (
        "1081029F02880105FF017402EA0B07E501121200000000FBD2EB0B07E5011212000000000009",
        Frame(
            0x029F,
            METER,
            CONTROLLER,
            ESV.INFC,
            (
                Property(0xEA, bytes.fromhex("07E501121200000000FBD2")),
                Property(0xEB, bytes.fromhex("07E5011212000000000009")),
            ),
        ),
    ),
    "SetGet with both lists": (
        "1081000205FF010288016E01E5010101E200",
        Frame(
            2,
            CONTROLLER,
            METER,
            ESV.SET_GET,
            (Property(0xE5, b"\x01"),),
            (Property(0xE2),),
        ),
    ),
}


@pytest.mark.parametrize(("wire", "frame"), GOLDEN.values(), ids=GOLDEN)
def test_frame_and_bytes_are_the_same_thing(wire: str, frame: Frame) -> None:
    assert Frame.decode(bytes.fromhex(wire)) == frame
    assert frame.encode().hex().upper() == wire


@pytest.mark.parametrize(("wire", "frame"), GOLDEN.values(), ids=GOLDEN)
def test_every_other_length_is_refused(wire: str, frame: Frame) -> None:
    data = bytes.fromhex(wire)
    for size in range(len(data)):
        with pytest.raises(DecodeError):
            Frame.decode(data[:size])
    for trailing in (b"\x01", b"\x00\x00", b"\x00\x01", b"\xe7\x00"):
        with pytest.raises(DecodeError):
            Frame.decode(data + trailing)
    assert Frame.decode(data + b"\x00") == frame


@pytest.mark.parametrize("esv", ESV)
def test_every_service_survives_the_wire(esv: ESV) -> None:
    second = (Property(0xE0, b"\x00"),) if esv.has_get_list else ()
    frame = Frame(0xFFFF, METER, CONTROLLER, esv, (Property(0xE7),), second)
    assert Frame.decode(frame.encode()) == frame


@pytest.mark.parametrize(
    "wire",
    [
        "1082000105FF010288016201E700",  # arbitrary message format
        "1181000105FF010288016201E700",  # not ECHONET Lite
        "1081000105FF010288016F01E700",  # a service code that does not exist
        "1081000105FF01028801620FE700",  # more properties promised than sent
    ],
)
def test_what_is_no_frame_is_a_decode_error(wire: str) -> None:
    with pytest.raises(DecodeError):
        Frame.decode(bytes.fromhex(wire))


@pytest.mark.parametrize(
    "frame",
    [
        Frame(0x10000, CONTROLLER, METER, ESV.GET),
        Frame(1, CONTROLLER, METER, ESV.GET, (Property(0x100),)),
        Frame(1, CONTROLLER, METER, ESV.GET, (Property(0xE7, bytes(256)),)),
        Frame(1, CONTROLLER, METER, ESV.GET, (), (Property(0xE7),)),
        Frame(1, CONTROLLER, METER, ESV.SET_C, (Property(0xE7, bytes(255)),) * 5),
    ],
)
def test_what_cannot_be_sent_is_an_encode_error(frame: Frame) -> None:
    with pytest.raises(EncodeError):
        frame.encode()


@given(st.binary(max_size=64))
def test_random_bytes_give_a_frame_or_a_decode_error(data: bytes) -> None:
    try:
        frame = Frame.decode(b"\x10\x81" + data)
    except DecodeError:
        return
    assert frame.encode() == b"\x10\x81" + data
