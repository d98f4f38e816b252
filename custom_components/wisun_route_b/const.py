"""Names and numbers that several modules share."""

from datetime import timedelta
from typing import Final

DOMAIN: Final = "wisun_route_b"

CONF_ROUTE_B_ID: Final = "route_b_id"
#: Where the meter was found last, so that the next start need not scan.
CONF_NETWORK: Final = "network"
#: What the meter said of itself, so that the next start need not ask.
CONF_KNOWN: Final = "meter"
#: Option of a new entry: days before the installation to be imported; consumed at once.
CONF_IMPORT_DAYS: Final = "import_days"
#: What the unique ids of device and entities are made of. Stored once, when the entry is
#: made, and kept when the utility issues a new Route-B ID for the same home.
CONF_IDENTITY: Final = "identity"

#: A meter measures power about every 20 s and answers within a second or two; a poll is one
#: datagram each way.
POLL_INTERVAL: Final = timedelta(seconds=30)
