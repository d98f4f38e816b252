"""The diagnostics file: everything a helper needs, and nothing that tells who asks."""

from dataclasses import asdict
from typing import Any

from homeassistant.const import CONF_DEVICE, CONF_PASSWORD
from homeassistant.core import HomeAssistant

from .const import CONF_ROUTE_B_ID
from .coordinator import RouteBConfigEntry, RouteBCoordinator
from .stack import (
    IDENTIFICATION_NUMBER,
    PROPERTIES,
    ROUTE_B_ID,
    SERIAL_NUMBER,
    LinkStatus,
    Redactor,
)

type Json = Any  # Home Assistant's own word for what becomes JSON

#: Properties that identify a household.
_PRIVATE = frozenset(row.epc for row in (IDENTIFICATION_NUMBER, ROUTE_B_ID, SERIAL_NUMBER))


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: RouteBConfigEntry
) -> dict[str, Json]:
    """Return what is known of the link and the meter, with every secret masked."""
    coordinator = entry.runtime_data
    now = hass.loop.time()
    redactor = Redactor(
        entry.data[CONF_ROUTE_B_ID],
        entry.data[CONF_PASSWORD],
        _serial_number(coordinator) or "",
    )
    report: dict[str, Json] = {
        "entry": {
            "version": f"{entry.version}.{entry.minor_version}",
            "port": _kind_of_port(entry.data[CONF_DEVICE]),
            "options": dict(entry.options),
        },
        "dongle": _dongle(coordinator),
        "link": _link(coordinator, now),
        "counters": asdict(coordinator.meter.statistics),
        "line": dict(coordinator.meter.line_statistics),
        "meter": _meter(coordinator),
        "readings": _readings(coordinator, now),
        "history": _history(coordinator),
    }
    return {key: _masked(value, redactor) for key, value in report.items()}


def _kind_of_port(device: str) -> str:
    """Return what kind of port this is: a path by id holds the dongle's serial number."""
    if "://" in device:
        return device.partition("://")[0] + "://"
    return "by-id" if "/by-id/" in device else device.rstrip("0123456789")


def _dongle(coordinator: RouteBCoordinator) -> dict[str, Json]:
    identity, network = coordinator.meter.dongle, coordinator.meter.network
    return {
        "identity": identity and asdict(identity),
        # Not the PAN ID: it is a part of the meter's address.
        "channel": network and f"{network.channel:02X}",
    }


def _link(coordinator: RouteBCoordinator, now: float) -> dict[str, Json]:
    keeper, signal = coordinator.keeper, coordinator.meter.signal
    began = keeper.connected_at
    return {
        **_status(keeper.status, now),
        "session_age": None if began is None else round(now - began),
        "lqi": signal and signal.lqi,
        "dbm": signal and round(signal.dbm, 1),
        "journal": [_status(status, now) for status in keeper.journal],
    }


def _status(status: LinkStatus, now: float) -> dict[str, Json]:
    return {
        "state": status.state.value,
        "seconds_ago": round(now - status.since),
        "error": status.error and f"{type(status.error).__name__}: {status.error}",
        "remedy": status.remedy and status.remedy.value,
    }


def _meter(coordinator: RouteBCoordinator) -> dict[str, Json]:
    description, scale = coordinator.meter.description, coordinator.meter.scale
    offset = coordinator.clock_offset
    report: dict[str, Json] = {
        "clock_offset": None if offset is None else offset.total_seconds(),
        "scale": scale
        and {
            "unit": str(scale.unit),
            "coefficient": scale.coefficient,
            "digits": scale.digits,
        },
    }
    if description is not None:
        code, version = description.manufacturer_code, description.standard_version
        report["manufacturer"] = description.manufacturer
        report["manufacturer_code"] = None if code is None else code.hex().upper()
        report["standard_version"] = version and asdict(version)
        report["readable"] = [f"{epc:02X}" for epc in sorted(description.readable)]
    return report


def _readings(coordinator: RouteBCoordinator, now: float) -> dict[str, Json]:
    data = coordinator.data
    return {
        "values": {
            PROPERTIES[epc].name: {"value": str(value), "age": coordinator.age(epc, now)}
            for epc, value in data.values.items()
            if epc not in _PRIVATE
        },
        "refused": [f"{epc:02X}" for epc in sorted(data.refused)],
        "absent": {f"{epc:02X}": reason for epc, reason in data.reasons.items()},
    }


def _history(coordinator: RouteBCoordinator) -> dict[str, Json]:
    repair = coordinator.repair
    return {
        "verified": {key: moment.isoformat() for key, moment in repair.verified.items()},
        "progress": repair.progress and asdict(repair.progress),
        "last_repair": repair.last_repair,
        "last_look": repair.report and repair.report.as_dict(with_hours=True),
    }


def _serial_number(coordinator: RouteBCoordinator) -> str | None:
    description = coordinator.meter.description
    return description.serial_number if description else None


def _masked(value: Json, redactor: Redactor) -> Json:
    match value:
        case str():
            return redactor(value)
        case dict():
            return {key: _masked(item, redactor) for key, item in value.items()}
        case list():
            return [_masked(item, redactor) for item in value]
        case _:
            return value
