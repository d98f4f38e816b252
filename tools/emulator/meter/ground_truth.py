"""The meter's true values, for comparison with those of a program."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from .clock import JST, half_hour_before
from .meter import Meter

_WATT_SECONDS_PER_KWH = 3_600_000

#: What json.dumps takes.
type Truth = Mapping[str, str | int | Truth | None]


def truth(meter: Meter, moment: datetime) -> Truth:
    """Return values and registers at a moment, and every property as hexadecimal bytes.

    Quantities with decimals are strings, so that nothing is rounded on the way: A and kWh.
    """
    r, t = meter.currents(moment)
    fixed = half_hour_before(moment)
    return {
        "at": moment.astimezone(JST).isoformat(),
        "power": meter.profile.power(moment),
        "current_r": _amperes(r),
        "current_t": _amperes(t),
        "energy_imported": _energy(meter, moment, reverse=False),
        "energy_exported": _energy(meter, moment, reverse=True),
        "fixed_time": {
            "at": fixed.isoformat(),
            "energy_imported": _energy(meter, fixed, reverse=False),
            "energy_exported": _energy(meter, fixed, reverse=True),
        },
        "serial_number": meter.serial,
        "properties": {
            f"{epc:02X}": edt.hex().upper()
            for epc in sorted(meter.model.readable)
            if (edt := meter.get(epc, moment)) is not None
        },
    }


def _amperes(tenths: int | None) -> str | None:
    return None if tenths is None else str(Decimal(tenths) / 10)


def _energy(meter: Meter, moment: datetime, *, reverse: bool) -> Truth | None:
    counts = meter.registers(moment)
    if counts is None:
        return None
    count = counts[reverse]
    kwh = Decimal(count * meter.model.watt_seconds_per_count) / _WATT_SECONDS_PER_KWH
    return {"count": count, "kwh": str(kwh)}
