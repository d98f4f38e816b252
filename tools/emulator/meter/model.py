"""What kind of meter it is: which properties it has and how it counts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

#: Get map of a first-generation meter, as captured from one of Release F (property 9F).
_FIRST_GENERATION = frozenset(
    bytes.fromhex("8081 8288 8A8D 9798 9D9E 9F D3D7 E0E1E2E3E4E5E7E8 EAEBECED")
)


@dataclass(frozen=True, slots=True)
class MeterModel:
    """A kind of meter. Values come from the profile; this defines which are offered, and how."""

    readable: frozenset[int] = _FIRST_GENERATION
    writable: frozenset[int] = frozenset((0x81, 0xE5, 0xED))
    announced: frozenset[int] = frozenset((0x80, 0x81, 0x88))
    """Property 9D. Real meters push EA and EB without listing them here."""
    release: bytes = b"F"
    manufacturer: bytes = bytes.fromhex("000016")
    coefficient: int = 1
    unit: int = 0x01
    """Code of property E1: one count is 0.1 kWh."""
    watt_seconds_per_count: int = 360_000
    """The same unit (times the coefficient) as energy."""
    digits: int = 6
    """Property D7: the registers start again at zero after 10 ** digits - 1."""
    most_properties: int = 6
    """A Get of more is answered with 52 and the first so many (AIF 1.01, 2.4.4; seen so)."""
    refused: frozenset[int] = frozenset()
    """Properties that are listed in 9F, and refused all the same."""
    three_wire: bool = True
    """Without it there is no T phase."""

    @property
    def counts_reverse(self) -> bool:
        """Whether the meter measures what flows back into the grid."""
        return 0xEB in self.readable  # noqa: PLR2004 - an EPC


#: A first-generation meter (Release F) with reverse metering.
FIRST_GENERATION = MeterModel()
#: A second-generation meter (Release R): one-minute values and the Route-B identification.
#: No capture of one exists; what it offers is what the Appendix makes mandatory.
SECOND_GENERATION = MeterModel(
    readable=_FIRST_GENERATION | frozenset(bytes.fromhex("C0 D0 EE EF")),
    writable=frozenset(bytes.fromhex("81 E5 ED EF")),
    release=b"R",
    most_properties=7,
)
#: The same with finer registers: the unit (E1) of a real one is in no source. With eight digits a
#: register starts again after 100 000 kWh (E1 = 03), or 10 000 kWh (04), which is two to three years.
SECOND_GENERATION_WH = replace(SECOND_GENERATION, unit=0x03, watt_seconds_per_count=3_600, digits=8)
SECOND_GENERATION_TENTH_WH = replace(
    SECOND_GENERATION, unit=0x04, watt_seconds_per_count=360, digits=8
)
#: One that lists the one-minute register in 9F, and refuses it.
SECOND_GENERATION_WITHOUT_MINUTES = replace(SECOND_GENERATION, refused=frozenset((0xD0,)))
#: The least that was met in the field: no reverse values, no history 2, no coefficient, and
#: one property at a time.
MINIMAL = MeterModel(
    readable=_FIRST_GENERATION - frozenset(bytes.fromhex("D3 E3 E4 EB EC ED")),
    writable=frozenset(bytes.fromhex("81 E5")),
    most_properties=1,
)

MODELS: Mapping[str, MeterModel] = MappingProxyType(
    {
        "gen1": FIRST_GENERATION,
        "gen2": SECOND_GENERATION,
        "gen2-wh": SECOND_GENERATION_WH,
        "gen2-tenth-wh": SECOND_GENERATION_TENTH_WH,
        "gen2-without-minutes": SECOND_GENERATION_WITHOUT_MINUTES,
        "minimal": MINIMAL,
    }
)
