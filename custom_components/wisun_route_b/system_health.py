"""The system health card: state of the link, dongle and signal of each meter."""

from collections.abc import Iterable
from typing import Any, Final

from homeassistant.components.system_health import SystemHealthRegistration
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN
from .coordinator import RouteBCoordinator
from .entry_data import RouteBConfigEntry
from .versions import async_library_versions, integration_version

#: Where nothing is known. The card shows values as they are, in no language.
_NOTHING: Final = "-"


@callback
def async_register(
    hass: HomeAssistant,  # noqa: ARG001 - Home Assistant's signature
    register: SystemHealthRegistration,
) -> None:
    """Register the card."""
    register.async_register_info(_info)


async def _info(hass: HomeAssistant) -> dict[str, Any]:
    """Return the lines of the card; of several meters, in the order of their entries."""
    entries: list[RouteBConfigEntry] = hass.config_entries.async_entries(
        DOMAIN, include_ignore=False, include_disabled=False
    )
    loaded = [entry.runtime_data for entry in entries if entry.state is ConfigEntryState.LOADED]
    connected = sum(coordinator.meter.connected for coordinator in loaded)
    libraries = await async_library_versions(hass)
    now = hass.loop.time()
    return {
        "version": integration_version(hass),
        "meters": f"{connected}/{len(entries)}",
        "dongle": _each(map(_dongle, loaded)),
        "signal": _each(map(_signal, loaded)),
        "last_answer": _each(_last_answer(coordinator, now) for coordinator in loaded),
        "libraries": ", ".join(f"{name} {found}" for name, found in libraries.items() if found),
    }


def _each(values: Iterable[str]) -> str:
    return "; ".join(values) or _NOTHING


def _dongle(coordinator: RouteBCoordinator) -> str:
    identity = coordinator.meter.dongle
    if identity is None:
        return _NOTHING
    return " ".join(filter(None, (identity.protocol, identity.version, identity.app_version)))


def _signal(coordinator: RouteBCoordinator) -> str:
    signal = coordinator.meter.signal
    return _NOTHING if signal is None else f"{signal.dbm:.0f} dBm"


def _last_answer(coordinator: RouteBCoordinator, now: float) -> str:
    ages = [coordinator.age(epc, now) for epc in coordinator.data.values]
    known = [age for age in ages if age is not None]
    return f"{min(known)} s" if known else _NOTHING
