"""Names and numbers that several modules share."""

from datetime import timedelta
from decimal import Decimal
from typing import Final

DOMAIN: Final = "wisun_route_b"

CONF_ROUTE_B_ID: Final = "route_b_id"
#: Where the meter was found last, so that the next start need not scan.
CONF_NETWORK: Final = "network"
#: The meter's description, so that the next start need not read it.
CONF_KNOWN: Final = "meter"
#: The protocol of the dongle, "skstack" or "j11", which the next start tries first.
CONF_DONGLE_KIND: Final = "dongle_kind"
#: What identifies the dongle among USB devices, so that it is found on another port.
CONF_USB: Final = "usb"
#: Field of the take-over: whether the past of the other integration is to be carried over.
#: Version 1.1 kept the sensors among the options by this key.
CONF_CARRY_OVER: Final = "adopt"
#: Field of the forms: past days to be imported. Version 1.1 kept it among the options.
CONF_IMPORT_DAYS: Final = "import_days"
#: Field of the forms: whether the meter is to be added to the Energy dashboard.
CONF_DASHBOARD: Final = "energy_dashboard"
#: Option: seconds between two polls.
CONF_POLL_INTERVAL: Final = "poll_interval"
#: Option: whether hours that Home Assistant missed are corrected from the meter's history.
CONF_REPAIR: Final = "repair_history"
#: Option, and field of an action: whether the costs of the dashboard are corrected with the energy.
CONF_COSTS: Final = "costs"
#: Options: what the contract limits (ampere, kva, none), and how much that is.
CONF_CONTRACT: Final = "contract"
CONF_CONTRACT_SIZE: Final = "contract_size"
#: What the unique ids of device and entities are made of. Stored once, when the entry is
#: made, and kept when the utility issues a new Route-B ID for the same home.
CONF_IDENTITY: Final = "identity"

#: Type of the subentry with the electricity tariff, and the currency of its prices.
TARIFF: Final = "tariff"
TARIFF_CURRENCY: Final = "JPY"
#: Key of the sensor that shows what the next kWh costs.
ELECTRICITY_PRICE: Final = "electricity_price"

#: Seconds between two polls. A meter measures power about every 20 s and answers within a
#: second or two; a poll is one datagram each way.
POLL_INTERVAL: Final = 30
#: With less, transmission time would run short in bad radio; with more, values would be old.
SHORTEST_POLL_INTERVAL: Final = 10
LONGEST_POLL_INTERVAL: Final = 300

#: How far a moment may lie ahead of this computer's clock and still be accepted: the clock of a
#: meter is right to a few minutes, and this one may have been set back a little.
CLOCK_TOLERANCE: Final = timedelta(minutes=10)

#: More than any low-voltage customer can draw: contracts below 50 kW are low-voltage in Japan. What is
#: beyond comes from two different meters.
MAX_POWER_KW: Final = Decimal(100)
