"""The serial conversations of the entries, for the diagnostics file.

They outlive failed set-ups, for which the conversation is needed.
"""

from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN
from .stack import LineLog

#: Identity of a meter -> the last lines, masked and bounded.
_LINE_LOGS: Final[HassKey[dict[str, LineLog]]] = HassKey(f"{DOMAIN}_line_logs")


@callback
def line_log_of(hass: HomeAssistant, identity: str) -> LineLog:
    """Return the log of the conversation with the dongle of this meter."""
    return hass.data.setdefault(_LINE_LOGS, {}).setdefault(identity, LineLog())


@callback
def forget_line_log(hass: HomeAssistant, identity: str) -> None:
    """Drop the conversation: the entry has been removed."""
    hass.data.get(_LINE_LOGS, {}).pop(identity, None)
