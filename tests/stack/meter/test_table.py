"""The property table against the machine-readable ECHONET Appendix.

``tests/fixtures/lv_meter_0288.json`` holds the facts of class 0x0288 and its super class out of
the ECHONET Consortium's machine readable appendix (MRA 1.3.1, release R, 2025-03-14).
"""

from decimal import Decimal
import json
from pathlib import Path

import pytest

from custom_components.wisun_route_b.stack import Scale, errors, properties
from custom_components.wisun_route_b.stack.meter.scale import UNITS

_FILE = Path(__file__).parents[2] / "fixtures" / "lv_meter_0288.json"
APPENDIX = {int(row["epc"], 16): row for row in json.loads(_FILE.read_text())}
_RULES = {"mandatory": "M", "optional": "O", "conditional": "C", "none": "-"}
_SCALE = Scale(Decimal("0.1"), 1, 6)

#: The most bytes of the properties whose size the Appendix writes as a formula.
_FORMULAS = {0x81: {1, 17}, 0xEC: {15, 103}, 0xEE: {15, 87}}
_MAPS = {0x9D, 0x9E, 0x9F}


def test_the_table_has_exactly_the_properties_of_the_appendix() -> None:
    assert properties.PROPERTIES.keys() == APPENDIX.keys()


@pytest.mark.parametrize("epc", APPENDIX, ids=lambda epc: f"{epc:02X}")
def test_row_agrees_with_the_appendix(epc: int) -> None:
    row, standard = properties.PROPERTIES[epc], APPENDIX[epc]
    assert row.name == standard["short"]
    access = "".join(_RULES[standard["access"][way]] for way in ("get", "set", "anno"))
    assert row.access == access
    assert row.first_release == standard["first_release"]
    assert ("super class" in row.source) == (standard["scope"] == "super_class")


def _sizes(standard: dict[str, object]) -> set[int]:
    size = standard["size"]
    return {size} if isinstance(size, int) else _FORMULAS[int(str(standard["epc"]), 16)]


@pytest.mark.parametrize("epc", APPENDIX.keys() - _MAPS, ids=lambda epc: f"{epc:02X}")
def test_no_other_length_is_decoded(epc: int) -> None:
    allowed = _sizes(APPENDIX[epc])
    smallest, largest = min(allowed), max(allowed)
    for size in (*range(smallest), largest + 1, largest + 8):
        with pytest.raises(errors.DecodeError, match="length"):
            properties.PROPERTIES[epc].decode(bytes(size), _SCALE)


@pytest.mark.parametrize(
    ("epc", "code", "meaning"),
    [
        (epc, int(code, 16), meaning)
        for epc, row in APPENDIX.items()
        if row["type"] == "enum_u8" and epc != 0xE1
        for code, meaning in row["enum"].items()
    ],
)
def test_every_code_of_an_enumeration_has_its_name(epc: int, code: int, meaning: str) -> None:
    value = properties.PROPERTIES[epc].decode(bytes((code,)))
    assert getattr(value, "name", "").lower() == meaning


def test_every_unit_of_the_appendix_is_known_and_no_other() -> None:
    standard = APPENDIX[0xE1]["enum"]
    assert {code: str(unit) for code, unit in UNITS.items()} == {
        int(code, 16): unit for code, unit in standard.items()
    }
    for code in set(range(256)) - UNITS.keys():
        with pytest.raises(errors.DecodeError):
            properties.PROPERTIES[0xE1].decode(bytes((code,)))


@pytest.mark.parametrize("epc", [0xE0, 0xE3])
@pytest.mark.parametrize(("raw", "energy"), [("00000000", "0.0"), ("05F5E0FF", "9999999.9")])
def test_the_range_of_a_register_is_the_appendix_range(epc: int, raw: str, energy: str) -> None:
    assert APPENDIX[epc]["max"] == 0x05F5E0FF
    assert properties.PROPERTIES[epc].decode(bytes.fromhex(raw), _SCALE) == Decimal(energy)
    for beyond in ("05F5E100", "FFFFFFFD", "FFFFFFFF"):
        with pytest.raises(errors.DecodeError):
            properties.PROPERTIES[epc].decode(bytes.fromhex(beyond), _SCALE)
