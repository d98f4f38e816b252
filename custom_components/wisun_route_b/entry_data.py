"""What an entry stores, each value checked when it is read.

Storage can be damaged: restored from a broken backup, edited by hand, written by another
version. A loop over all entries must not fail because of one of them, so nothing else reads
``entry.data`` and ``entry.options`` directly. :func:`stored` never raises; :func:`check_entry`
does, and is for the set-up of the entry itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
import logging
from typing import TYPE_CHECKING, Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_DEVICE, CONF_PASSWORD
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryError
from homeassistant.helpers import device_registry as dr

from .const import (
    CONF_CARRY_OVER,
    CONF_CONTRACT,
    CONF_CONTRACT_SIZE,
    CONF_COSTS,
    CONF_DONGLE_KIND,
    CONF_IDENTITY,
    CONF_IMPORT_DAYS,
    CONF_KNOWN,
    CONF_NETWORK,
    CONF_POLL_INTERVAL,
    CONF_REPAIR,
    CONF_ROUTE_B_ID,
    CONF_USB,
    DOMAIN,
    LONGEST_POLL_INTERVAL,
    POLL_INTERVAL,
    SHORTEST_POLL_INTERVAL,
)
from .contract.load import Contract, contract_of
from .stack import Credentials, MeterDescription, Network, SmartMeter, errors

if TYPE_CHECKING:
    from .coordinator import RouteBCoordinator

_LOGGER = logging.getLogger(__name__)

type RouteBConfigEntry = ConfigEntry[RouteBCoordinator]
type UsbIdentity = dict[str, str]

_INTERVALS: Final = range(SHORTEST_POLL_INTERVAL, LONGEST_POLL_INTERVAL + 1)
#: Data of version 1.1: what a take-over has carried over, and since when it fails.
_MIGRATED: Final = "migrated"
_FAILING_SINCE: Final = "take_over_failing_since"
_USB_KEYS: Final = frozenset(("vid", "pid", "serial_number"))


class EntryDamagedError(ConfigEntryError):
    """An entry lacks what its set-up cannot do without."""

    def __init__(self) -> None:
        """Take the text from the translations."""
        super().__init__(translation_domain=DOMAIN, translation_key="entry_damaged")


@dataclass(frozen=True, slots=True)
class StoredMeter:
    """The data of an entry; None for each value that is missing or has the wrong type."""

    device: str | None = field(repr=False)
    """The serial port, a path or a URL."""
    route_b_id: str | None = field(repr=False)
    password: str | None = field(repr=False)
    identity: str | None
    """What the unique ids of device and entities are made of."""
    network: Network | None
    """Where the meter was found last."""
    description: MeterDescription | None
    """The meter's description of itself."""
    dongle_kind: str | None
    """The protocol of the dongle."""
    usb: UsbIdentity | None = field(repr=False)
    """What identifies the dongle among USB devices."""

    @property
    def complete(self) -> bool:
        """Whether a set-up can be tried. What is only remembered may be missing."""
        if self.device is None or self.identity is None:
            return False
        try:
            Credentials(self.route_b_id or "", self.password or "")
        except errors.CredentialsFormatError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class StoredOptions:
    """The options of an entry; the default for each that is missing or invalid."""

    poll_interval: int = POLL_INTERVAL
    """Seconds between two polls, 10 to 300."""
    repair: bool = True
    """Whether hours that Home Assistant missed are corrected."""
    costs: bool = True
    """Whether the costs that the dashboard computes for these hours are corrected with them."""
    contract: Contract | None = None
    """How much may be drawn at once."""


def stored(entry: RouteBConfigEntry) -> StoredMeter:
    """Return what an entry stores. Never raises."""
    data = entry.data
    return StoredMeter(
        device=_text(data.get(CONF_DEVICE)),
        route_b_id=_text(data.get(CONF_ROUTE_B_ID)),
        password=_text(data.get(CONF_PASSWORD)),
        identity=_text(data.get(CONF_IDENTITY)),
        network=Network.from_dict(_mapping(data.get(CONF_NETWORK))),
        description=MeterDescription.from_dict(_mapping(data.get(CONF_KNOWN))),
        dongle_kind=_text(data.get(CONF_DONGLE_KIND)),
        usb=_usb(data.get(CONF_USB)),
    )


def stored_options(entry: RouteBConfigEntry) -> StoredOptions:
    """Return the options of an entry. Never raises."""
    options = entry.options
    interval = _number(options.get(CONF_POLL_INTERVAL), _INTERVALS)
    repair, costs = options.get(CONF_REPAIR), options.get(CONF_COSTS)
    return StoredOptions(
        poll_interval=POLL_INTERVAL if interval is None else interval,
        repair=repair if isinstance(repair, bool) else True,
        costs=costs if isinstance(costs, bool) else True,
        contract=contract_of(options.get(CONF_CONTRACT), options.get(CONF_CONTRACT_SIZE)),
    )


@dataclass(frozen=True, slots=True)
class OldOrders:
    """What entries of version 1.1 kept of what is to be done once; None for what is missing."""

    import_days: object = field(repr=False)
    """Past days to import: anything, as it is stored."""
    take_over: Mapping[str, str] | None = field(repr=False)
    """Sensors of the other integration whose past is to be carried over, by the keys of ours."""
    migrated: Mapping[str, str] | None = field(repr=False)
    """Those of which that is done."""
    failing_since: object = field(repr=False)
    """Since when the take-over fails: anything, as it is stored."""


def old_orders(entry: RouteBConfigEntry) -> OldOrders:
    """Return the orders that are kept in an entry itself. Never raises."""
    return OldOrders(
        import_days=entry.options.get(CONF_IMPORT_DAYS),
        take_over=texts(entry.options.get(CONF_CARRY_OVER)),
        migrated=texts(entry.data.get(_MIGRATED)),
        failing_since=entry.data.get(_FAILING_SINCE),
    )


@callback
def forget_old_orders(hass: HomeAssistant, entry: RouteBConfigEntry, minor_version: int) -> None:
    """Remove the orders from an entry, which makes it one of a newer minor version."""
    moved = (CONF_IMPORT_DAYS, CONF_CARRY_OVER, _MIGRATED, _FAILING_SINCE)
    hass.config_entries.async_update_entry(
        entry,
        data={key: value for key, value in entry.data.items() if key not in moved},
        options={key: value for key, value in entry.options.items() if key not in moved},
        minor_version=minor_version,
    )


def check_entry(hass: HomeAssistant, entry: RouteBConfigEntry) -> None:
    """Make sure that an entry can be set up; drop invalid options.

    Raises EntryDamagedError if the port, the identity or a key is missing or malformed.
    """
    if not stored(entry).complete:
        raise EntryDamagedError
    valid = stored_options(entry)
    checks = {
        CONF_POLL_INTERVAL: valid.poll_interval,
        CONF_REPAIR: valid.repair,
        CONF_COSTS: valid.costs,
        CONF_CONTRACT: valid.contract and valid.contract.kind,
        CONF_CONTRACT_SIZE: valid.contract and float(valid.contract.size),
    }
    damaged = {
        key for key, value in checks.items() if key in entry.options and entry.options[key] != value
    }
    if damaged:
        _LOGGER.warning("Dropped invalid options: %s", ", ".join(sorted(damaged)))
        options = {key: value for key, value in entry.options.items() if key not in damaged}
        hass.config_entries.async_update_entry(entry, options=options)


def found_with(meter: SmartMeter) -> dict[str, Any]:
    """Return what an entry keeps of where the meter was found, by which dongle, and what it is."""
    network, description = meter.network, meter.description
    return {
        CONF_NETWORK: network and network.as_dict(),
        CONF_KNOWN: description and description.as_dict(),
        CONF_DONGLE_KIND: meter.dongle_kind,
    }


@callback
def remember_meter(hass: HomeAssistant, entry: RouteBConfigEntry, meter: SmartMeter) -> None:
    """Keep what was found, for the next start."""
    found = found_with(meter)
    if found != {key: entry.data.get(key) for key in found}:
        hass.config_entries.async_update_entry(entry, data={**entry.data, **found})


@callback
def names_of_home(entry: RouteBConfigEntry) -> set[str]:
    """Return the identifiers of an entry's home: its identity, and the hash of its present ID."""
    names = (stored(entry).identity, entry.unique_id)
    return {name for name in names if isinstance(name, str)}


@callback
def identity_of_device(hass: HomeAssistant, entry: RouteBConfigEntry) -> str | None:
    """Return the identity that the device of an entry was registered with."""
    for device in dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id):
        for domain, identity in device.identifiers:
            if domain == DOMAIN and device.entry_type is None:  # the meter, and not its tariff
                return identity
    return None


# --- One value -----------------------------------------------------------------------------


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: object, allowed: range) -> int | None:
    # A number field of a dialog returns 30.0 for 30; True is no number.
    if isinstance(value, bool) or not isinstance(value, int | float) or value not in allowed:
        return None
    return int(value)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def texts(value: object) -> Mapping[str, str] | None:
    """Return a mapping of texts to texts; None for anything else."""
    fit = isinstance(value, Mapping) and all(
        isinstance(text, str) for pair in value.items() for text in pair
    )
    return value if fit and isinstance(value, Mapping) else None


def _usb(value: object) -> UsbIdentity | None:
    found = texts(value)
    return dict(found) if found is not None and found.keys() == _USB_KEYS else None
