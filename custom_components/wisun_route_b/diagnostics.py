"""The diagnostics file: what is needed to help, and nothing that identifies the user.

It is also available for an entry that is not loaded, when it is needed most.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any, Final

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant

from .coordinator import RouteBCoordinator
from .entry_data import RouteBConfigEntry, stored
from .line_logs import line_log_of
from .stack import (
    LineLog,
    LinkStatus,
    MeterDescription,
    Redactor,
    RouteBError,
    Scale,
    SmartMeter,
    TraceDirection,
    properties,
    readings,
)
from .versions import async_library_versions, integration_version

type Json = Any  # Home Assistant's own type for what becomes JSON

#: Properties that identify a household.
_PRIVATE: Final = frozenset(
    row.epc
    for row in (properties.IDENTIFICATION_NUMBER, properties.ROUTE_B_ID, properties.SERIAL_NUMBER)
)
#: Seconds for the one request that is sent for the file; the user waits for it.
_READ_TIMEOUT_S: Final = 6.0
_LONGEST_WAIT_S: Final = 10.0


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: RouteBConfigEntry
) -> dict[str, Json]:
    """Return what is known of the link and the meter, with every secret masked."""
    report: dict[str, Json] = {
        "entry": _part(lambda: _entry(entry)),
        "versions": {
            "integration": integration_version(hass),
            **await async_library_versions(hass),
        },
    }
    redactors = [_redactor(entry)]
    if entry.state is ConfigEntryState.LOADED:
        coordinator = entry.runtime_data
        report |= await _at_work(coordinator, hass.loop.time)
        redactors.append(coordinator.meter.redactor)
    elif description := stored(entry).description:
        report["meter"] = _part(lambda: _name_plate(description, description.scale))
    identity = stored(entry).identity
    log = LineLog() if identity is None else line_log_of(hass, identity)
    return {
        **{key: _masked(value, redactors) for key, value in report.items()},
        **{key: _literally(lines, redactors) for key, lines in _said(log, hass.loop.time())},
    }


def _part(build: Callable[[], Json]) -> Json:
    """Return a part of the file; one that fails does not affect the others."""
    try:
        return build()
    except Exception as err:  # noqa: BLE001 - the rest of the file is needed all the more
        return {"failed": type(err).__name__}


async def _at_work(coordinator: RouteBCoordinator, clock: Callable[[], float]) -> dict[str, Json]:
    """Return the state of a link that is supervised."""
    meter = coordinator.meter
    maps = await _property_maps(meter)
    now = clock()
    return {
        "dongle": _part(lambda: _dongle(meter)),
        "link": _part(lambda: _link(coordinator, now)),
        "counters": asdict(meter.statistics),
        "line": dict(meter.line_statistics),
        "meter": {
            "clock_offset": coordinator.clock_offset and coordinator.clock_offset.total_seconds(),
            **_name_plate(meter.description, meter.scale),
            **maps,
        },
        "readings": _part(lambda: _readings(coordinator, now)),
        "history": _part(lambda: _history(coordinator)),
    }


# --- Masking -----------------------------------------------------------------------------


def _redactor(entry: RouteBConfigEntry) -> Redactor:
    """Return a redactor of every secret of the entry."""
    found = stored(entry)
    redactor = Redactor(
        found.route_b_id or "",
        found.password or "",
        found.network.address if found.network else "",
        found.usb["serial_number"] if found.usb else "",
        (found.description.serial_number or "") if found.description else "",
    )
    if entry.state is ConfigEntryState.LOADED:
        redactor.learn(*map(_plainly, entry.runtime_data.data.values.items()))
    return redactor


def _plainly(reading: tuple[int, object]) -> str:
    """Return an identifying reading as text; nothing for any other."""
    epc, value = reading
    if epc not in _PRIVATE or value is None:
        return ""
    return value.number.hex() if isinstance(value, readings.Identification) else str(value)


def _masked(value: Json, redactors: Iterable[Redactor]) -> Json:
    match value:
        case str():
            for redactor in redactors:
                value = redactor(value)
            return value
        case dict():
            return {key: _masked(item, redactors) for key, item in value.items()}
        case list() | tuple():
            return [_masked(item, redactors) for item in value]
        case _:
            return value


def _literally(lines: Iterable[str], redactors: Iterable[Redactor]) -> list[str]:
    """Return lines that are masked already without what has become known since."""
    masked = []
    for line in lines:
        text = line
        for redactor in redactors:
            text = redactor.literally(text)
        masked.append(text)
    return masked


# --- Part by part ------------------------------------------------------------------------


def _entry(entry: RouteBConfigEntry) -> dict[str, Json]:
    return {
        "version": f"{entry.version}.{entry.minor_version}",
        "state": entry.state.value,
        "reason": entry.reason,
        "reason_key": entry.error_reason_translation_key,
        "source": entry.source,
        "disabled_by": entry.disabled_by,
        "port": _kind_of_port(stored(entry).device),
        "complete": stored(entry).complete,
        "options": dict(entry.options),
        "knows": sorted(key for key, value in entry.data.items() if value),
    }


def _kind_of_port(device: str | None) -> str | None:
    """Return what kind of port this is: a path by id holds the dongle's serial number."""
    if device is None:
        return None
    if "://" in device:
        return device.partition("://")[0] + "://"
    return "by-id" if "/by-id/" in device else device.rstrip("0123456789")


def _dongle(meter: SmartMeter) -> dict[str, Json]:
    identity, network = meter.dongle, meter.network
    line = meter.line_statistics
    return {
        "identity": identity and asdict(identity),
        # Not the PAN ID: it is a part of the meter's address.
        "channel": network and f"{network.channel:02X}",
        # What ROPT would show; it is not asked, as both forms are understood.
        "datagrams_are_raw": bool(line["raw_datagrams"]) if line.get("datagrams") else None,
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
        "remedy": status.step and status.step.value,
    }


def _name_plate(description: MeterDescription | None, scale: Scale | None) -> dict[str, Json]:
    report: dict[str, Json] = {
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
        report["readable"] = _codes(description.readable)
    return report


async def _property_maps(meter: SmartMeter) -> dict[str, Json]:
    """Ask the meter, once, for the maps that nothing else needs."""
    wanted = {"settable": properties.SET_PROPERTY_MAP, "notifying": properties.ANNO_PROPERTY_MAP}
    try:
        async with asyncio.timeout(_LONGEST_WAIT_S):
            report = await meter.read(wanted.values(), _READ_TIMEOUT_S)
    except RouteBError, TimeoutError:
        return dict.fromkeys(wanted)
    maps = {name: report.value(row) for name, row in wanted.items()}
    return {name: None if codes is None else _codes(codes) for name, codes in maps.items()}


def _readings(coordinator: RouteBCoordinator, now: float) -> dict[str, Json]:
    data = coordinator.data
    return {
        "values": {
            properties.PROPERTIES[epc].name: {"value": str(value), "age": coordinator.age(epc, now)}
            for epc, value in data.values.items()
            if epc not in _PRIVATE
        },
        "refused": _codes(data.refused),
        "absent": {f"{epc:02X}": reason for epc, reason in data.reasons.items()},
    }


def _history(coordinator: RouteBCoordinator) -> dict[str, Json]:
    repair = coordinator.backfill
    return {
        "verified": {key: moment.isoformat() for key, moment in repair.verified.items()},
        "progress": repair.progress and asdict(repair.progress),
        "last_repair": repair.last_repair,
        "last_look": repair.report and repair.report.as_dict(with_hours=True),
        "attempts": repair.attempts.as_list(),
        "to_import": repair.to_import,
    }


def _said(log: LineLog, now: float) -> Iterable[tuple[str, Iterable[str]]]:
    """Return the last frames and the last lines, each with how many seconds ago it was."""
    for key, lines in (
        ("frames_sent", log.frames(TraceDirection.SENT)),
        ("frames_heard", log.frames(TraceDirection.RECEIVED)),
        ("conversation", log.lines),
    ):
        yield key, (line.as_text(now) for line in lines)


def _codes(epcs: Iterable[int]) -> list[str]:
    return [f"{epc:02X}" for epc in sorted(epcs)]
