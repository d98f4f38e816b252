"""Sensors of the electricity tariff: the price of the next kWh, the bill so far, the bill expected."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import UnitOfEnergy
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.event import async_track_utc_time_change
from homeassistant.util import dt as dt_util

from ..const import CONF_IDENTITY, DOMAIN, ELECTRICITY_PRICE, TARIFF, TARIFF_CURRENCY
from ..coordinator import RouteBCoordinator
from ..entity import RouteBEntity, RouteBEntityDescription
from ..history.cost_source import tariff_data
from ..history.meter_history import PAUSE_S
from ..stack import properties
from ..tariff.bill import Bill
from ..tariff.model import rate_in
from ..tariff.stored import PRICE_ENTITY, tariff_of
from .account import LiveRegister
from .tracker import BillTracker, TrackedMeter

#: Decimals of a price: the levy and the fuel adjustment have two.
_DECIMALS: Final = 2
#: Decimals of its state: those of a market's price.
_STORED_DECIMALS: Final = 4
_QUARTERS: Final = (0, 15, 30, 45)
_READ: Final = (properties.CUMULATIVE_ENERGY_NORMAL, properties.FIXED_TIME_ENERGY_NORMAL)


@dataclass(frozen=True, kw_only=True)
class TariffSensorDescription(RouteBEntityDescription, SensorEntityDescription):
    """A sensor of the tariff."""


@dataclass(frozen=True, kw_only=True)
class BillDescription(TariffSensorDescription):
    """A sensor of a bill, and which one."""

    bill_fn: Callable[[BillTracker], Bill | None]


PRICE: Final = TariffSensorDescription(
    key=ELECTRICITY_PRICE,
    translation_key=ELECTRICITY_PRICE,
    properties=_READ,
    state_class=SensorStateClass.MEASUREMENT,
    native_unit_of_measurement=f"{TARIFF_CURRENCY}/{UnitOfEnergy.KILO_WATT_HOUR}",
    suggested_display_precision=_DECIMALS,
)
BILLS: Final = (
    BillDescription(
        key="bill_so_far",
        translation_key="bill_so_far",
        properties=_READ,
        device_class=SensorDeviceClass.MONETARY,
        state_class=SensorStateClass.TOTAL,
        native_unit_of_measurement=TARIFF_CURRENCY,
        suggested_display_precision=0,
        bill_fn=lambda tracker: tracker.bill,
    ),
    BillDescription(
        key="bill_expected",
        translation_key="bill_expected",
        properties=_READ,
        device_class=SensorDeviceClass.MONETARY,
        native_unit_of_measurement=TARIFF_CURRENCY,
        suggested_display_precision=0,
        bill_fn=lambda tracker: tracker.expected,
    ),
)
TARIFF_SENSORS: Final[tuple[TariffSensorDescription, ...]] = (PRICE, *BILLS)


class TariffSensor(RouteBEntity, SensorEntity):
    """A sensor of the tariff, which is a device of its own: it comes and goes with its subentry.

    It is known without the link, as far as the use is.
    """

    entity_description: TariffSensorDescription

    def __init__(
        self,
        coordinator: RouteBCoordinator,
        description: TariffSensorDescription,
        tracker: BillTracker,
    ) -> None:
        """Take what follows the use."""
        super().__init__(coordinator, description)
        self._tracker = tracker
        identity = coordinator.config_entry.data[CONF_IDENTITY]
        self._attr_device_info = DeviceInfo(
            entry_type=DeviceEntryType.SERVICE,
            identifiers={(DOMAIN, f"{identity}_{TARIFF}")},
            translation_key="electricity_tariff",
        )


class PriceSensor(TariffSensor):
    """What the next kWh costs."""

    @property
    @override
    def available(self) -> bool:
        return self.native_value is not None

    @property
    @override
    def native_value(self) -> float | None:
        price = self._tracker.price
        return None if price is None else float(round(price, _STORED_DECIMALS))

    @property
    @override
    def extra_state_attributes(self) -> dict[str, object]:
        """Return of which months the adjustment and the levy are that it is made with."""
        tariff, month = self._tracker.tariff, self._tracker.period.month
        rates = {"fuel_adjustment": tariff.fuel, "levy": tariff.levy}
        found = {name: rate_in(rows, month) for name, rows in rates.items()}
        return {
            "bill_of": f"{month:%Y-%m}",
            **{f"{name}_of": rate and f"{rate.since:%Y-%m}" for name, rate in found.items()},
        }


class BillSensor(TariffSensor):
    """An estimate of a bill."""

    entity_description: BillDescription

    @property
    def _bill(self) -> Bill | None:
        return self.entity_description.bill_fn(self._tracker)

    @property
    @override
    def available(self) -> bool:
        return self._bill is not None

    @property
    @override
    def native_value(self) -> Decimal | None:
        bill = self._bill
        return None if bill is None else bill.total

    @property
    @override
    def last_reset(self) -> datetime | None:
        if self.entity_description.state_class is None:
            return None
        return self._tracker.period.start

    @property
    @override
    def extra_state_attributes(self) -> dict[str, object] | None:
        """Return the rows of the bill, in yen, and what it is about; times of Japan."""
        bill, since = self._bill, self._tracker.known_since
        if bill is None:
            return None
        return {
            "bill_of": f"{bill.period.month:%Y-%m}",
            "period_start": bill.period.first.isoformat(),
            "next_reading": bill.period.end.isoformat(),
            "known_since": since and since.isoformat(),
            "energy": round(float(bill.energy), 3),
            "energy_without_price": round(float(bill.unpriced), 3),
            "basic_charge": round(float(bill.basic), 2),
            "charge_by_use": round(float(bill.use), 2),
            "fuel_adjustment": round(float(bill.fuel), 2),
            "levy": int(bill.levy),
            "other": round(float(bill.other), 2),
        }


async def async_tariff_sensors(
    hass: HomeAssistant, coordinator: RouteBCoordinator
) -> tuple[str, list[SensorEntity]] | None:
    """Return the subentry of the meter's tariff and its sensors, which follow the meter from now on.

    None if there is no tariff, or what is stored of it makes no sense.
    """
    entry = coordinator.config_entry
    data = tariff_data(entry)
    tariff = None if data is None else tariff_of(data)
    if data is None or tariff is None:
        return None
    tracker = BillTracker(
        hass,
        entry,
        TrackedMeter(
            entry.data[CONF_IDENTITY],
            coordinator.meter,
            coordinator.half_hours,
            coordinator.backfill.past(PAUSE_S),
            partial(_live_register, hass, coordinator),
        ),
        tariff,
        data.get(PRICE_ENTITY),
        coordinator.async_update_listeners,
    )
    await tracker.async_start()
    entry.async_on_unload(coordinator.async_add_listener(tracker.async_update))
    entry.async_on_unload(
        async_track_utc_time_change(hass, tracker.async_quarter, minute=_QUARTERS, second=0)
    )
    (subentry,) = [
        row.subentry_id for row in entry.subentries.values() if row.subentry_type == TARIFF
    ][:1]
    bills = [BillSensor(coordinator, row, tracker) for row in BILLS]
    return subentry, [PriceSensor(coordinator, PRICE, tracker), *bills]


def _live_register(hass: HomeAssistant, coordinator: RouteBCoordinator) -> LiveRegister | None:
    """Return the imported register as it was read last; None if it was not."""
    energy = coordinator.data.value(properties.CUMULATIVE_ENERGY_NORMAL)
    age = coordinator.age(properties.CUMULATIVE_ENERGY_NORMAL.epc, hass.loop.time())
    if energy is None or age is None:
        return None
    return LiveRegister(dt_util.utcnow() - timedelta(seconds=age), energy)
