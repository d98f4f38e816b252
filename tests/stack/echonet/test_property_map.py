"""Property maps in their two forms."""

from hypothesis import given, strategies as st
import pytest

from custom_components.wisun_route_b.stack.echonet import property_map
from custom_components.wisun_route_b.stack.errors import DecodeError, EncodeError

#: Property 9F of the Toshiba meter of capture 08: 25 properties, bitmap form.
CAPTURED_GET_MAP = bytes.fromhex("1941414160404000624300414040430202")
CAPTURED_EPCS = frozenset(
    bytes.fromhex("8081828 88A8D97989D9E9FD3D7E0E1E2E3E4E5E7E8EAEBECED".replace(" ", ""))
)


def test_captured_bitmap_lists_the_25_properties() -> None:
    assert property_map.decode(CAPTURED_GET_MAP) == CAPTURED_EPCS
    assert property_map.encode(CAPTURED_EPCS) == CAPTURED_GET_MAP


def test_captured_list_form() -> None:
    assert property_map.decode(bytes.fromhex("0381E5ED")) == {0x81, 0xE5, 0xED}


@given(st.sets(st.integers(0x80, 0xFF)))
def test_every_set_of_epcs_survives(epcs: set[int]) -> None:
    encoded = property_map.encode(epcs)
    assert len(encoded) == (17 if len(epcs) >= 16 else 1 + len(epcs))
    assert property_map.decode(encoded) == epcs


@pytest.mark.parametrize(
    "edt",
    [
        "",
        "03808188FF",  # one more than counted
        "048081",  # two less than counted
        "0280 80",  # the same EPC twice
        "0112",  # no EPC
        "18 4141416040400062430041404043 0202".replace(" ", ""),  # miscounted bitmap
        "10 41".replace(" ", ""),  # a bitmap of one byte
    ],
)
def test_maps_that_contradict_themselves_are_refused(edt: str) -> None:
    with pytest.raises(DecodeError):
        property_map.decode(bytes.fromhex(edt))


def test_an_epc_below_80_cannot_be_listed() -> None:
    with pytest.raises(EncodeError):
        property_map.encode({0x7F})
