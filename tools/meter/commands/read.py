"""``read``: values of properties, and why one is missing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, override

from custom_components.wisun_route_b.stack import (
    MeterDescription,
    ReadReport,
    SmartMeter,
    properties as meter_properties,
)

from ..context import Command, Context, connected
from ..exit_codes import ExitCode
from ..screen import Json
from ..values import HIDDEN, PRIVATE, as_json, as_text, epc_text

_REFUSED = "the meter does not offer it"
_ROW = "{:<4}{:<30}{}"


@dataclass(frozen=True, slots=True)
class Read(Command):
    """Read some properties, or all that the meter offers."""

    name: ClassVar = "read"
    properties: tuple[meter_properties.AnyProperty, ...] = ()

    @override
    async def run(self, context: Context) -> ExitCode:
        async with connected(context) as meter:
            context.screen.busy("Reading …")
            report = await meter.read(self.properties or offered(meter.description))
            unknown = () if self.properties else _unknown(meter.description)
            table = Table(report, unknown, show_private=context.show_addresses)
            context.screen.result(table.document(meter), table.lines())
        return ExitCode.OK if report.values else ExitCode.LINK


def offered(description: MeterDescription | None) -> tuple[meter_properties.AnyProperty, ...]:
    """Return the properties of the meter's Get property map; all if it showed none."""
    readable = description.readable if description else frozenset[int]()
    return tuple(
        row for epc, row in meter_properties.PROPERTIES.items() if not readable or epc in readable
    )


def _unknown(description: MeterDescription | None) -> tuple[int, ...]:
    readable = description.readable if description else frozenset[int]()
    return tuple(sorted(readable - meter_properties.PROPERTIES.keys()))


@dataclass(frozen=True, slots=True)
class Table:
    """A report in the order of the property codes."""

    report: ReadReport
    unknown: tuple[int, ...]
    """Properties that the meter offers and this program does not know."""
    show_private: bool

    def lines(self) -> Iterator[str]:
        """Yield a line for each property: code, name, value with unit."""
        for epc, value in sorted(self.report.values.items()):
            row = meter_properties.PROPERTIES[epc]
            yield _line(epc, row.name, HIDDEN if self._hides(epc) else as_text(row, value))
        for epc, reason in self._missing():
            yield _line(epc, meter_properties.PROPERTIES[epc].name, f"- {reason}")
        for epc in self.unknown:
            yield _line(epc, "?", "- this program does not know it")

    def document(self, meter: SmartMeter) -> Json:
        """Return the same for a program, with units, and the meter's name plate."""
        description = meter.description
        return {
            "manufacturer": description.manufacturer if description else None,
            "dbm": round(meter.signal.dbm, 1) if meter.signal else None,
            "properties": [
                {
                    "epc": epc_text(epc),
                    "name": meter_properties.PROPERTIES[epc].name,
                    "value": None if self._hides(epc) else as_json(value),
                    "unit": meter_properties.PROPERTIES[epc].unit,
                    **({"hidden": True} if self._hides(epc) else {}),
                }
                for epc, value in sorted(self.report.values.items())
            ],
            "missing": [
                {
                    "epc": epc_text(epc),
                    "name": meter_properties.PROPERTIES[epc].name,
                    "reason": reason,
                }
                for epc, reason in self._missing()
            ],
            "unknown": [epc_text(epc) for epc in self.unknown],
        }

    def _hides(self, epc: int) -> bool:
        return epc in PRIVATE and not self.show_private

    def _missing(self) -> list[tuple[int, str]]:
        refused = dict.fromkeys(self.report.refused, _REFUSED)
        absent = {epc: self.report.reasons.get(epc, "no answer") for epc in self.report.absent}
        return sorted({**refused, **absent}.items())


def _line(epc: int, name: str, text: str) -> str:
    return _ROW.format(epc_text(epc), name, text)
