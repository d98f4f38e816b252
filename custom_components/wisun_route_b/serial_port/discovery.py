"""USB devices that Home Assistant discovers: probed for a dongle, unless their port is in use.

A port that is in use is not touched. It is looked at again later, for as long as the device stays
plugged in: Home Assistant reports each device only once.
"""

from datetime import datetime
from typing import Final

from homeassistant.components import usb
from homeassistant.config_entries import SOURCE_USB
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.helpers.discovery_flow import async_create_flow
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.service_info.usb import UsbServiceInfo
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from ..stack import RouteBError, errors, probe
from .connector import port_connector
from .users import async_is_claimed

#: Seconds until a port in use is looked at again; twice as long each time.
_FIRST_WAIT: Final = 60.0
_LONGEST_WAIT_S: Final = 900.0

_WAITING: Final[HassKey[dict[str, _Waiting]]] = HassKey(f"{DOMAIN}_discoveries")


class _Waiting:
    """A device that is looked at later, unless it is unplugged before."""

    def __init__(self, hass: HomeAssistant, info: UsbServiceInfo) -> None:
        """Start watching the device."""
        self._hass = hass
        self._info = info
        self._seconds = _FIRST_WAIT
        self._cancel: CALLBACK_TYPE | None = None
        self._stop_watching = usb.async_register_port_event_callback(hass, self._ports_changed)

    @callback
    def probe_later(self) -> None:
        """Begin the discovery again after a while, and again until it is forgotten."""
        job = HassJob(self._async_rediscover, f"{DOMAIN} discovery", cancel_on_shutdown=True)
        self._cancel = async_call_later(self._hass, self._seconds, job)
        self._seconds = min(_LONGEST_WAIT_S, 2.0 * self._seconds)

    @callback
    def forget(self) -> None:
        """End it."""
        if self._cancel is not None:
            self._cancel()
        self._stop_watching()
        self._hass.data[_WAITING].pop(self._info.device, None)

    async def _async_rediscover(self, _: datetime) -> None:
        # Not every discovery gets as far as the probe: another dialog may be about the same device.
        self.probe_later()
        async_create_flow(self._hass, DOMAIN, {"source": SOURCE_USB}, self._info)

    @callback
    def _ports_changed(self, _: set[usb.USBDevice], removed: set[usb.USBDevice]) -> None:
        if any(device.device == self._info.device for device in removed):
            self.forget()


async def async_probe(hass: HomeAssistant, info: UsbServiceInfo, device: str) -> None:
    """Return if a Wi-SUN dongle is on a port; raise AbortFlow if not, or if that cannot be asked."""
    waiting = hass.data.setdefault(_WAITING, {})
    try:
        await _async_ask(hass, device)
    except (errors.PortBusyError, errors.PortUnreachableError) as err:
        if info.device not in waiting:
            waiting[info.device] = _Waiting(hass, info)
            waiting[info.device].probe_later()
        raise AbortFlow("port_in_use") from err
    except RouteBError as err:
        _forget(hass, info)
        no_route_b = isinstance(err, errors.FirmwareNotDualError)
        raise AbortFlow("firmware_without_route_b" if no_route_b else "not_a_wisun_dongle") from err
    _forget(hass, info)


@callback
def _forget(hass: HomeAssistant, info: UsbServiceInfo) -> None:
    """Stop watching a device: it is known now what it is."""
    if (waiting := hass.data[_WAITING].get(info.device)) is not None:
        waiting.forget()


async def _async_ask(hass: HomeAssistant, device: str) -> None:
    """Raise a PortError or a DongleError if no Wi-SUN dongle is on a port that is free."""
    if await async_is_claimed(hass, device):
        raise errors.PortBusyError("An integration or an app is set to the port")
    await probe(port_connector(device))
